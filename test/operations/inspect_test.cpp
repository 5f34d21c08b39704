// inspect tells what the file declares.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

TEST(Inspect, TellsInputsOutputsWeightsAndIdentity) {
  const Answer answer = ask("inspect", {}).answer;
  const Json& document = answer.document;
  EXPECT_EQ(document["sha256"], std::string(64, 'a'));
  EXPECT_EQ(document["batch"], "dynamic");
  EXPECT_EQ(document["inputs"][0]["declared"], "float32 [N, 3]");
  EXPECT_EQ(document["outputs"][0]["kind"], "logits");
  EXPECT_EQ(document["outputs"][0]["guessed"], false);
  EXPECT_EQ(document["weights"]["numbers"], 12);
  EXPECT_EQ(document["weights"]["bytes"], 48);
  EXPECT_EQ(document["labels"], 4);
  EXPECT_EQ(document["nodes"], 1);
  EXPECT_THAT(answer.text, HasSubstr("float32 [N, 3]"));
}

TEST(Inspect, ListsLayersOnlyWhenAsked) {
  EXPECT_FALSE(ask("inspect", {}).answer.document.contains("layer_list"));
  Request request;
  request.options["layers"] = true;
  const Json list = ask("inspect", request).answer.document["layer_list"];
  const auto named = [](const Json& layer) { return layer["name"] == "fc"; };
  EXPECT_TRUE(std::ranges::any_of(list, named)) << list;
}

TEST(Inspect, SaysWhenAKindIsAGuess) {
  Format guessing = small_format;
  guessing.read = [](const ModelBytes& bytes, std::string_view file, const LoadSettings& settings) {
    Model model = small_model(bytes, file, settings);
    model.metadata.outputs[0].guessed = true;
    return model;
  };
  Catalogue catalogue = whole_catalogue();
  catalogue.formats = {&guessing};
  EXPECT_THAT(ask("inspect", {}, catalogue).answer.text, HasSubstr("a guess"));
  Request request;
  request.options["output_kind"] = "regression";
  const Json output = ask("inspect", request, catalogue).answer.document["outputs"][0];
  EXPECT_EQ(output["kind"], "regression");
  EXPECT_EQ(output["guessed"], false) << "the user has said it";
}

}  // namespace
}  // namespace pellucid

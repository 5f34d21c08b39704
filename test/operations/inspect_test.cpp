// inspect tells what the file declares, what a sample takes, and what can be asked.
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

TEST(Inspect, CountsWhatOneSampleTakes) {
  const Answer answer = ask("inspect", {}).answer;
  EXPECT_EQ(answer.document["operations"]["per_sample"], 2.0 * 3 * 4);
  EXPECT_EQ(answer.document["operations"]["by_kind"]["linear"], 2.0 * 3 * 4);
  // x [1,3] and y [1,4], four bytes each.
  EXPECT_EQ(answer.document["memory"]["forward_bytes"], 28.0);
  EXPECT_TRUE(answer.document["attention"].empty());
  EXPECT_THAT(answer.text, HasSubstr("24 FLOP per sample"));
}

TEST(Inspect, SaysWhichMethodsApplyAndWhatWouldHelpOthers) {
  Method toy{};
  toy.name = "toy";
  toy.obstacle = [](const Model&) -> std::optional<Obstacle> {
    return Obstacle{"it is a toy", "take a real one"};
  };
  Catalogue catalogue = whole_catalogue();
  catalogue.methods.push_back(&toy);
  const Answer answer = ask("inspect", {}, catalogue).answer;
  for (const Json& method : answer.document["methods"]) {
    const bool applies = method["name"] != "grad_cam" && method["name"] != "toy";
    EXPECT_EQ(method["applies"], applies) << method;
    EXPECT_EQ(method.contains("reason") && method.contains("remedy"), !applies) << method;
  }
  EXPECT_THAT(answer.text, HasSubstr("not toy: it is a toy; take a real one"));
  EXPECT_FALSE(answer.document["cam_layers"].contains("default"));
}

TEST(Inspect, TellsTheRestOfAModelThatDoesNotRun) {
  Format broken = small_format;
  broken.read = [](const ModelBytes& bytes, std::string_view file, const LoadSettings& settings) {
    GraphBuilder builder;
    const ValueId x = builder.add_input({.name = "x", .dtype = at::kFloat, .shape = {1, 3}});
    const ValueId y = builder.declare({.name = "y", .dtype = at::kFloat, .shape = {1, 4}});
    builder.add_aten("y", "aten::mm.default", {{"", {x}}, {"", {x}}}, {{{y}}}, {});
    builder.add_output({"y", {y}});
    Model model = small_model(bytes, file, settings);
    model.graph = std::move(builder).build();
    return model;
  };
  Catalogue catalogue = whole_catalogue();
  catalogue.formats = {&broken};
  Request request;
  request.options["format"] = {"svg"};
  const Asked asked = ask("inspect", request, catalogue);
  ASSERT_EQ(asked.answer.warnings.size(), 1U);
  EXPECT_THAT(asked.answer.warnings[0], HasSubstr("the model did not run"));
  EXPECT_FALSE(asked.answer.document.contains("operations"));
  EXPECT_TRUE(asked.files.contains("small.modules.svg"));
}

TEST(Inspect, DrawsTheModules) {
  Request request;
  request.options["format"] = {"svg"};
  const Asked asked = ask("inspect", request);
  const auto drawn = asked.files.find("small.modules.svg");
  ASSERT_NE(drawn, asked.files.end());
  EXPECT_THAT(std::string(text_of(drawn->second)), HasSubstr("<title>small</title>"));
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

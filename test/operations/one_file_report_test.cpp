// --format html of every operation, and how to ask again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/operation/reproduction.h"
#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;

Json data_of(const Asked& asked, const std::string& file) {
  const std::vector<std::byte>& bytes = asked.files.at(file);
  const std::string page(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr std::string_view opening = R"(id="pellucid-report">)";
  const std::size_t begin = page.find(opening) + opening.size();
  return parse_json(page.substr(begin, page.find("</script>", begin) - begin), "data");
}

Json again_of(const Operation& operation, const Request& request) {
  ModelSource source;
  source.name = "m.pt2";
  LoadedModel model(std::move(source), {});
  Surroundings around;
  around.model = &model;
  return reproduction(operation, request, around);
}

Request about(const at::Tensor& input, Json options) {
  Request request;
  request.options = std::move(options);
  request.inputs.push_back(array_input("in", input));
  return request;
}

TEST(OneFileReport, IsAFormatOfEveryOperationThatAnswers) {
  for (const Operation* operation : operations()) {
    // They answer elsewhere: over HTTP, in a file of their own.
    if (operation->name == "serve" || !operation->writes.empty()) continue;
    EXPECT_THAT(operation->formats, Contains("html")) << operation->name;
    EXPECT_NE(find_option(operation->options, "format"), nullptr) << operation->name;
  }
}

TEST(OneFileReport, IsWrittenForAnOperationThatHasNoOtherFile) {
  Request request;
  request.options = {{"format", {"html"}}};
  const Asked asked = ask("methods", request);
  const Json data = data_of(asked, "methods.html");
  EXPECT_EQ(data["operation"]["name"], "methods");
  EXPECT_EQ(data["document"], asked.answer.document);
  EXPECT_THAT(asked.files, ::testing::SizeIs(1));
  EXPECT_TRUE(ask("methods", {}).files.empty());
}

TEST(OneFileReport, ShowsEveryMapOfEveryInputAndSample) {
  const at::Tensor two = at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).reshape({2, 3});
  const Asked asked = ask("explain", about(two, {{"method", {"saliency", "input_x_gradient"}},
                                                 {"target", {"cat"}},
                                                 {"format", {"html"}}}));
  const Json data = data_of(asked, "explain.html");
  ASSERT_EQ(data["exhibits"].size(), 2U);
  for (std::size_t n = 0; n < 2; ++n) {
    const Json& exhibit = data["exhibits"][n];
    EXPECT_EQ(exhibit["sample"], n);
    ASSERT_EQ(exhibit["maps"].size(), 2U);
    for (const Json& map : exhibit["maps"]) {
      const Json& record = data["document"]["answers"][map["answer"].get<std::size_t>()];
      EXPECT_EQ(record["sample"], n);
      // Of the cat the gradient is (0, 0, -3); saliency gives magnitudes.
      const double third = two[static_cast<std::int64_t>(n)][2].item<double>();
      EXPECT_EQ(map["scores"][2].get<double>(),
                record["method"]["name"] == "saliency" ? 3 : -3 * third);
      EXPECT_EQ(map["values"][2].get<double>(), third);
    }
  }
}

TEST(Record, SaysWhatTheModelPredicted) {
  const Asked asked =
      ask("explain", about(at::tensor({1.0F, 2.0F, 3.0F}), {{"method", {"saliency"}}}));
  const Json& prediction = asked.answer.document["answers"][0]["prediction"];
  EXPECT_EQ(prediction["top"][0]["label"], "dog");
  EXPECT_EQ(prediction["top"].size(), 4U);
}

TEST(Reproduction, IsACommandAndAProgram) {
  const Asked asked =
      ask("explain", about(at::tensor({1.0F, 2.0F, 3.0F}), {{"method", {"saliency"}},
                                                            {"target", {"bee", "0:1"}},
                                                            {"baseline", "zero"},
                                                            {"format", {"json"}}}));
  const Json& again = asked.answer.document["reproduce"];
  EXPECT_EQ(again["command"],
            "pellucid explain model.small in.npy --method saliency --target bee --target 0:1 "
            "--format json");
  EXPECT_EQ(again["python"],
            "import pellucid\n\nmodel = pellucid.load(\"model.small\")\n"
            "model.explain(\"in.npy\", method=\"saliency\", target=[\"bee\", \"0:1\"], "
            "format=\"json\").save()");
}

TEST(Reproduction, QuotesWhatAShellWouldRead) {
  const Operation& operation = *whole_catalogue().find_operation("explain");
  Request request = about(at::tensor({1.0F}), {{"target", {"it's; rm -rf $HOME"}}});
  request.inputs[0].name = "a photo.jpg";
  request.settings = {{"integrated_gradients", {{"n_steps", 20}}}, {"absolute", false}};
  const Json again = again_of(operation, request);
  EXPECT_EQ(again["command"],
            "pellucid explain m.pt2 'a photo.jpg' --target 'it'\\''s; rm -rf $HOME' "
            "--set integrated_gradients.n_steps=20 --set absolute=off");
  EXPECT_THAT(again["python"].get<std::string>(),
              HasSubstr("settings={\"integrated_gradients\": {\"n_steps\": 20}, "
                        "\"absolute\": False}"));
}

TEST(Reproduction, NamesTheInputsOfAModelOfSeveral) {
  const Operation& operation = *whole_catalogue().find_operation("predict");
  Request request = about(at::tensor({1.0F}), {{"top", 3}});
  request.inputs[0].of = "left";
  request.inputs.push_back(array_input("right", at::tensor({1.0F}), "right"));
  const Json again = again_of(operation, request);
  EXPECT_EQ(again["command"], "pellucid predict m.pt2 left=in.npy right=right.npy --top 3");
  EXPECT_THAT(again["python"].get<std::string>(),
              HasSubstr("predict({\"left\": [\"in.npy\"], \"right\": [\"right.npy\"]}, top=3)"));
}

}  // namespace
}  // namespace pellucid

// check compares with the recorded sample, and fails when it differs.
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

Model with_sample(const at::Tensor& output) {
  Model model = small_model({}, "model.small", {});
  Sample sample;
  sample.inputs.push_back({"x", at::tensor({1.0F, 2.0F, 3.0F}).reshape({1, 3})});
  sample.outputs.push_back({model.metadata.outputs[0].name, output});
  model.metadata.sample = std::move(sample);
  return model;
}

Answer check_model(Model (*read)(const ModelBytes&, std::string_view, const LoadSettings&),
                   Request request = {}) {
  Format format = small_format;
  format.read = read;
  Catalogue catalogue = whole_catalogue();
  catalogue.formats = {&format};
  return ask("check", std::move(request), catalogue).answer;
}

const Json& outputs_check(const Answer& answer) { return answer.document["checks"][0]; }

TEST(CheckOperation, PassesWhenTheOutputsAreTheRecordedOnes) {
  const Answer answer = check_model([](const ModelBytes&, std::string_view, const LoadSettings&) {
    return with_sample(at::tensor({1.0F, 4.0F, -9.0F, 6.0F}).reshape({1, 4}));
  });
  EXPECT_EQ(outputs_check(answer)["verdict"], "pass") << answer.text;
  EXPECT_EQ(outputs_check(answer)["value"], 0);
  EXPECT_FALSE(answer.verdict_failed);
}

TEST(CheckOperation, FailsWhenAnOutputDiffers) {
  const auto read = [](const ModelBytes&, std::string_view, const LoadSettings&) {
    return with_sample(at::tensor({1.0F, 4.0F, -9.0F, 6.009F}).reshape({1, 4}));
  };
  const Answer answer = check_model(read);
  EXPECT_TRUE(answer.verdict_failed);
  // 0.009 of the largest output, 9.
  EXPECT_NEAR(outputs_check(answer)["value"].get<double>(), 1e-3, 1e-6);
  Request loose;
  loose.options["tolerance"] = 0.01;
  EXPECT_EQ(outputs_check(check_model(read, loose))["verdict"], "pass");
}

TEST(CheckOperation, FailsWhenOneIsNaNAndTheOtherIsNot) {
  const Answer answer = check_model([](const ModelBytes&, std::string_view, const LoadSettings&) {
    return with_sample(at::full({1, 4}, NAN));
  });
  EXPECT_TRUE(answer.verdict_failed);
}

TEST(CheckOperation, FailsWhenTheShapeIsAnother) {
  const Answer answer = check_model([](const ModelBytes&, std::string_view, const LoadSettings&) {
    return with_sample(at::full({1, 5}, 1.0F));
  });
  EXPECT_TRUE(answer.verdict_failed);
}

TEST(CheckOperation, SaysWhenThereIsNothingToCompareWith) {
  const Answer answer = ask("check", {}).answer;
  EXPECT_EQ(outputs_check(answer)["verdict"], "info");
  EXPECT_THAT(answer.text, HasSubstr("no recorded sample"));
  EXPECT_FALSE(answer.verdict_failed);
}

}  // namespace
}  // namespace pellucid

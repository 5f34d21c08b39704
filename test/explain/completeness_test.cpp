// The share of the change that a map leaves unexplained, and the points of a path.
#include "pellucid/explain/completeness.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/explain/inputs.h"
#include "test/questions.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

TEST(Completeness, IsTheMissedShareOfTheTargetsChange) {
  Attribution answer;
  answer.maps.push_back(
      {"x", Coordinates::input, at::tensor({1.0F, 2.0F, 3.0F, 0.9F}).reshape({2, 2}), false, ""});
  answer.checks.resize(2);
  add_completeness(answer, at::tensor({5.0F, 4.0F}), at::tensor({2.0F, 0.0F}));
  EXPECT_NEAR(*answer.checks[0][0].value, 0, 1e-7);  // 3 of 3
  EXPECT_EQ(answer.checks[0][0].verdict, "pass");
  EXPECT_NEAR(*answer.checks[1][0].value, 0.025, 1e-6);  // 3.9 of 4
  answer.maps[0].scores = answer.maps[0].scores * 2;
  add_completeness(answer, at::tensor({5.0F, 4.0F}), at::tensor({2.0F, 0.0F}));
  EXPECT_EQ(answer.checks[0].back().verdict, "warn");
}

TEST(Inputs, LieOnTheStraightPathFromTheBaseline) {
  const auto graph = multi_layer();
  const Model model = model_of(graph);
  Question question = question_of(model, {noise({2, 3}, 1)}, {entry(0)});
  question.baselines[0] = at::ones({1, 3});  // broadcast
  const auto baselines = baselines_of(question);
  EXPECT_EQ(baselines[0].size(0), 2);
  EXPECT_TRUE(near(between(question, baselines, 0)[0], at::ones({2, 3}), 0));
  EXPECT_TRUE(near(between(question, baselines, 1)[0], question.inputs[0].data, 1e-6));
  EXPECT_TRUE(
      near(between(question, baselines, 0.25)[0], 0.75 + 0.25 * question.inputs[0].data, 1e-6));
  question.inputs[0].attributable = false;
  EXPECT_EQ(error_of([&] { attributable(question); }).fault(), Fault::usage);
}

}  // namespace
}  // namespace pellucid

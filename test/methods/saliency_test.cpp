// Saliency against closed forms, finite differences, and the calls it may make.
#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"

namespace pellucid {
extern constinit const Method saliency;
namespace {

const Json signed_scores = {{"absolute", false}};

TEST(Saliency, OfALinearModelIsItsWeights) {
  const at::Tensor x = noise({1, 5}, 3);
  // The weights go through one multiplication by 1: exact.
  EXPECT_TRUE(near(explained(saliency, linear_network(), {x}, {scalar()}, signed_scores).scores(),
                   linear_weights(), 0));
  EXPECT_TRUE(near(explained(saliency, linear_network(), {x}, {scalar()}).scores(),
                   linear_weights().abs(), 0));
}

TEST(Saliency, EqualsCentralDifferencesInDoublePrecision) {
  const auto graph = rewrite_norms(functionalise(*residual_network(Form::in_place)));
  const auto wide = with_dtype(graph, at::kDouble);
  const at::Tensor x = noise({1, 3, 6, 5}, 8);
  const at::Tensor slope = central_differences(wide, x, entry(1), 1e-6);
  ASSERT_GT(magnitude(slope), 1e-2);
  // Between kinks the network is linear: what is left is the differences' cancellation, 1e-16 /
  // 1e-6, many times over.
  Probe probe = probe_of(wide);
  const auto gradient =
      probe.gradient(std::vector{x.to(at::kDouble)}, std::vector{entry(1)}, wide->inputs());
  EXPECT_TRUE(near(gradient.gradients[0], slope, 1e-8));
  // In float each of some thirty layers' sums rounds.
  EXPECT_TRUE(
      near(explained(saliency, graph, {x}, {entry(1)}, signed_scores).scores(), slope, 1e-5));
}

TEST(Saliency, DoesNotDependOnHowTheNetworkIsWritten) {
  const at::Tensor x = one_conv_input();
  const at::Tensor functional = explained(saliency, one_conv(), {x}, {entry(0)}).scores();
  ASSERT_GT(magnitude(functional), 0.5);
  for (const Form form : {Form::in_place, Form::decomposed}) {
    // Small whole numbers: no rounding anywhere.
    EXPECT_TRUE(near(explained(saliency, one_conv(form), {x}, {entry(0)}).scores(), functional, 0));
    EXPECT_TRUE(near(explained(saliency, functionalise(*one_conv(form)), {x}, {entry(0)}).scores(),
                     functional, 0));
  }
}

TEST(Saliency, OfABatchEqualsItsSamplesOneByOne) {
  const auto graph = rewrite_norms(residual_network());
  const at::Tensor x = noise({5, 3, 6, 5}, 4);
  std::vector<Target> targets = {entry(0), entry(2), entry(2), entry(1), entry(0)};
  const at::Tensor together = explained(saliency, graph, {x}, targets, signed_scores).scores();
  for (std::int64_t n = 0; n < 5; ++n) {
    const auto one = explained(saliency, graph, {x.slice(0, n, n + 1)},
                               {targets[static_cast<std::size_t>(n)]}, signed_scores);
    ASSERT_GT(magnitude(one.scores()), 1e-3);
    // Another batch may sum in another order.
    EXPECT_TRUE(near(together.slice(0, n, n + 1), one.scores(), 1e-6));
  }
}

TEST(Saliency, OfAConstantModelIsZero) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId none = net.call("none", "mul.Tensor", {x, whole(0)}, {any, 3});
  const auto graph = net.returning({net.call("y", "add.Tensor", {none, whole(7)}, {any, 3})});
  EXPECT_EQ(magnitude(explained(saliency, graph, {noise({2, 3}, 1)}, {entry(0)}).scores()), 0);
}

TEST(Saliency, FollowsAPermutationOfInputsThatTheModelTreatsAlike) {
  // Every weight of the second layer is 1, so its inputs are interchangeable.
  const at::Tensor x = at::tensor({20.0F, 50.0F, 30.0F}).reshape({1, 3}), turned = x.flip(1);
  const at::Tensor there = explained(saliency, multi_layer(), {x}, {entry(0)}).scores();
  const at::Tensor back = explained(saliency, multi_layer(), {turned}, {entry(0)}).scores();
  ASSERT_GT(magnitude(there), 1);
  EXPECT_TRUE(near(back.flip(1), there, 0));
}

TEST(Saliency, CostsOneGradientPerSampleAndNothingElse) {
  const auto answer = explained(saliency, multi_layer(), {noise({4, 3}, 2)}, {entry(1)});
  EXPECT_EQ(answer.cost.gradients, 4);
  EXPECT_EQ(answer.cost.forwards, 0);
  EXPECT_EQ(answer.cost.calls, 1);
}

TEST(Saliency, AnswersInFloatAndInTheInputsShape) {
  const auto answer = explained(saliency, one_conv(), {one_conv_input()}, {entry(0)});
  EXPECT_EQ(answer.scores().scalar_type(), at::kFloat);
  EXPECT_EQ(answer.scores().sizes().vec(), (std::vector<std::int64_t>{1, 1, 4, 4}));
  EXPECT_EQ(answer.answer.maps[0].name, "x");
  EXPECT_EQ(answer.answer.maps[0].coordinates, Coordinates::input);
  EXPECT_EQ(answer.answer.checks.size(), 1U);
}

}  // namespace
}  // namespace pellucid

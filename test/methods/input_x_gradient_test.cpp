// Input × gradient against closed forms, and the calls it may make.
#include <gtest/gtest.h>

#include "pellucid/run/rewrites.h"
#include "test/questions.h"

namespace pellucid {
extern constinit const Method input_x_gradient;
extern constinit const Method saliency;
namespace {

TEST(InputXGradient, OfALinearModelIsEachInputsShare) {
  const at::Tensor x = noise({2, 5}, 3);
  const auto answer = explained(input_x_gradient, linear_network(), {x}, {scalar()});
  EXPECT_TRUE(
      near(answer.scores(), x * linear_weights(), 0));  // one product, the same on both sides
  // Without a bias the shares sum to the target.
  Probe probe = probe_of(linear_network());
  EXPECT_TRUE(
      near(answer.scores().sum(1), probe.target(std::vector{x}, std::vector{scalar()}), 1e-6));
}

TEST(InputXGradient, OfOneConvCountsEachWindowThatCoversAPixel) {
  // d target / d x: the windows at (0,1), (1,0), (1,1) of channel 0 and, with the signs of the last
  // layer's row, those of channel 1 that are active.
  const at::Tensor x = one_conv_input();
  const at::Tensor gradient =
      explained(saliency, one_conv(), {x}, {entry(0)}, {{"absolute", false}}).scores();
  ASSERT_GT(magnitude(gradient), 0.5);
  EXPECT_TRUE(
      near(explained(input_x_gradient, one_conv(), {x}, {entry(0)}).scores(), x * gradient, 0));
}

TEST(InputXGradient, SumsToTheTargetWhereThereIsNoBias) {
  // ReLU networks without biases are homogeneous: f(x) = x · f'(x).
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId w = net.constant("w", noise({6, 4}, 1));
  const ValueId hidden = net.call("hidden", "linear.default", {x, w}, {any, 6});
  const ValueId active = net.call("active", "relu.default", {hidden}, {any, 6});
  const ValueId v = net.constant("v", noise({3, 6}, 2));
  const auto graph = net.returning({net.call("y", "linear.default", {active, v}, {any, 3})});
  const at::Tensor data = noise({3, 4}, 5);
  const auto answer = explained(input_x_gradient, graph, {data}, {entry(2)});
  Probe probe = probe_of(graph);
  const at::Tensor target = probe.target(std::vector{data}, std::vector{entry(2)});
  ASSERT_GT(magnitude(target), 0.1);
  EXPECT_TRUE(near(answer.scores().sum(1), target, 1e-6));  // sums of ten floats in another order
}

TEST(InputXGradient, OfABatchEqualsItsSamplesOneByOne) {
  const auto graph = rewrite_norms(residual_network());
  const at::Tensor x = noise({3, 3, 6, 5}, 4);
  const at::Tensor together = explained(input_x_gradient, graph, {x}, {entry(1)}).scores();
  for (std::int64_t n = 0; n < 3; ++n) {
    const at::Tensor one =
        explained(input_x_gradient, graph, {x.slice(0, n, n + 1)}, {entry(1)}).scores();
    ASSERT_GT(magnitude(one), 1e-3);
    EXPECT_TRUE(
        near(together.slice(0, n, n + 1), one, 1e-6));  // another batch may sum in another order
  }
}

TEST(InputXGradient, CostsOneGradientPerSampleAndNothingElse) {
  const auto answer = explained(input_x_gradient, multi_layer(), {noise({4, 3}, 2)}, {entry(1)});
  EXPECT_EQ(answer.cost.gradients, 4);
  EXPECT_EQ(answer.cost.forwards, 0);
}

TEST(InputXGradient, LeavesWholeNumberInputsOut) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId rows = net.input("rows", {any}, at::kLong);
  const ValueId table = net.constant("table", noise({5, 3}, 1));
  const ValueId looked_up = net.call("looked_up", "embedding.default", {table, rows}, {any, 3});
  const auto graph = net.returning({net.call("y", "mul.Tensor", {x, looked_up}, {any, 3})});
  const at::Tensor data = noise({2, 3}, 2), index = at::tensor({4, 1}, at::kLong);
  const auto answer = explained(input_x_gradient, graph, {data, index}, {entry(0)});
  ASSERT_EQ(answer.answer.maps.size(), 1U);
  EXPECT_EQ(answer.answer.maps[0].name, "x");
  // d y0 / d x is the looked-up row's first entry.
  const at::Tensor weights = noise({5, 3}, 1).index_select(0, index).slice(1, 0, 1);
  EXPECT_TRUE(near(answer.scores().slice(1, 0, 1), data.slice(1, 0, 1) * weights, 1e-7));
  EXPECT_EQ(magnitude(answer.scores().slice(1, 1, 3)), 0);
}

}  // namespace
}  // namespace pellucid

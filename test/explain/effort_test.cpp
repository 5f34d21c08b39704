// Memory, attention and sizes against what follows from the network by hand.
#include "pellucid/explain/effort.h"

#include <gtest/gtest.h>

#include "test/networks.h"

namespace pellucid {
namespace {

Model model_of(std::shared_ptr<const Graph> graph) {
  Model model;
  model.graph = std::move(graph);
  model.metadata = guess_metadata(*model.graph);
  return model;
}

TEST(Effort, IsThatOfOneSampleOfTheBatch) {
  Net net;
  const ValueId x = net.input("x", {2, 4, 6, 5});
  const ValueId weight = net.constant("weight", noise({8, 4, 3, 3}, 1));
  const ValueId y = net.call("y", "conv2d.default",
                             {x, weight, none(), sizes({1, 1}), sizes({1, 1})}, {2, 8, 6, 5});
  const ValueId z = net.call("z", "relu.default", {y}, {2, 8, 6, 5});
  const Effort effort = measure_effort(model_of(net.returning({z})), nullptr);
  EXPECT_EQ(effort.total(), 2.0 * 8 * 6 * 5 * 4 * 3 * 3);
  EXPECT_EQ(effort.of_node, (std::vector<double>{effort.total(), 0}));
  // Widest where relu reads y and makes z; a backward pass keeps x as well.
  EXPECT_EQ(effort.forward_bytes, 4.0 * (240 + 240));
  EXPECT_EQ(effort.gradient_bytes, 4.0 * (120 + 240 + 240));
  EXPECT_EQ(effort.sizes[static_cast<std::size_t>(z)], (std::vector<std::int64_t>{2, 8, 6, 5}));
}

TEST(Effort, CountsAViewWithWhatItShows) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId y = net.call("y", "relu.default", {x}, {any, 4});
  const ValueId view = net.call("view", "unsqueeze.default", {y, whole(1)}, {any, 1, 4});
  const Effort effort = measure_effort(model_of(net.returning({view})), nullptr);
  EXPECT_EQ(effort.forward_bytes, 4.0 * (4 + 4));
  EXPECT_EQ(effort.total(), 0);
}

TEST(Effort, FindsAttentionWithItsHeadsAndTokens) {
  Net net;
  const ValueId x = net.input("x", {1, 3, 7, 4});
  const ValueId y = net.call("y", "scaled_dot_product_attention.default", {x, x, x}, {1, 3, 7, 4},
                             "blocks.0.attn");
  const Effort effort = measure_effort(model_of(net.returning({y})), nullptr);
  ASSERT_EQ(effort.attention.size(), 1U);
  EXPECT_EQ(effort.attention[0].layer, "blocks.0.attn");
  EXPECT_EQ(effort.attention[0].heads, 3);
  EXPECT_EQ(effort.attention[0].tokens, 7);
}

}  // namespace
}  // namespace pellucid

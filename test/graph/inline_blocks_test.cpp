// Blocks with one body become its nodes: what lies under no_grad() and autocast() has names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

// y = relu(x) and x itself, as a body.
std::shared_ptr<const Graph> rectified() {
  Net body;
  const ValueId x = body.input("x", {any, 4});
  const ValueId y = body.call("inner", "relu.default", {x}, {any, 4}, "act");
  return body.returning({y, x});
}

struct Block {
  std::string op;
  std::vector<Operand> mode;
};
const Block no_grad{"block::wrap_with_set_grad_enabled", {Operand{c10::IValue(false)}}};
const Block with_grad{"block::wrap_with_set_grad_enabled", {Operand{c10::IValue(true)}}};
const Block bfloat16{"block::wrap_with_autocast",
                     {{c10::IValue("cpu")},
                      {c10::IValue(static_cast<std::int64_t>(at::kBFloat16))},
                      {c10::IValue(true)},
                      {c10::IValue()}}};
const Block full{"block::wrap_with_autocast",
                 {{c10::IValue("cpu")}, {c10::IValue()}, {c10::IValue(false)}, {c10::IValue()}}};

// The body's two answers under the names given, in the net.
std::vector<ValueId> add(Net& net, const Block& block, std::shared_ptr<const Graph> body, ValueId x,
                         const std::vector<std::string>& names) {
  std::vector<ValueId> results;
  std::vector<Result> kept;
  for (const std::string& name : names) {
    results.push_back(net.builder.declare({name, true, at::kFloat, {any, 4}}));
    kept.push_back({{results.back()}, false});
  }
  std::vector<Operand> operands = block.mode;
  operands.push_back(Operand{x});
  net.builder.add_block(names.front(), block.op, std::move(operands), {std::move(body)},
                        std::move(kept), {});
  return results;
}

std::shared_ptr<const Graph> network(const Block& block, std::shared_ptr<const Graph> body) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const std::vector<ValueId> both = add(net, block, std::move(body), x, {"first", "second"});
  return net.returning(
      {net.call("sum", "add.Tensor", {both[0], both[1]}, {any, 4}), both[1], both[0]});
}

std::string name_of(const Graph& graph, const Operand& operand) {
  return graph.value(operand.value()).name;
}

TEST(InlineBlocks, ABodysNodesBecomeTheGraphs) {
  const auto graph = inline_blocks(network(with_grad, rectified()));
  ASSERT_THAT(operators(*graph), ElementsAre("aten::relu.default", "aten::add.Tensor"));
  const Node& inner = graph->nodes()[0];
  // The block's name for what the body makes; what it only passes on is the input itself.
  EXPECT_EQ(inner.name, "first");
  EXPECT_EQ(inner.origin.module_path, "act");
  EXPECT_FALSE(inner.autocast);
  EXPECT_EQ(name_of(*graph, graph->nodes()[1].operands[0]), "first");
  EXPECT_EQ(name_of(*graph, graph->nodes()[1].operands[1]), "x");
  EXPECT_EQ(name_of(*graph, graph->outputs()[1].operand), "x");
  EXPECT_EQ(name_of(*graph, graph->outputs()[2].operand), "first");
}

TEST(InlineBlocks, NoGradientLeavesABodyThatWantsNone) {
  const auto graph = inline_blocks(network(no_grad, rectified()));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::relu.default", "aten::detach.default",
                                             "aten::detach.default", "aten::add.Tensor"));
  EXPECT_EQ(graph->nodes()[0].name, "inner");
  EXPECT_EQ(graph->nodes()[1].name, "first");
}

TEST(InlineBlocks, NodesKeepTheAutocastTheyRunIn) {
  const auto graph = inline_blocks(network(bfloat16, rectified()));
  const Node &inner = graph->nodes()[0], &outside = graph->nodes()[1];
  ASSERT_TRUE(inner.autocast);
  EXPECT_TRUE(inner.autocast->enabled);
  EXPECT_EQ(inner.autocast->dtype, at::kBFloat16);
  EXPECT_FALSE(outside.autocast);
}

TEST(InlineBlocks, TheInnermostBlockDecides) {
  Net body;
  const ValueId x = body.input("x", {any, 4});
  const ValueId before = body.call("before", "neg.default", {x}, {any, 4});
  const std::vector<ValueId> both = add(body, full, rectified(), before, {"first", "second"});
  const auto nested =
      body.returning({body.call("after", "add.Tensor", {both[0], both[1]}, {any, 4}), both[0]});
  const auto graph = inline_blocks(network(bfloat16, nested));
  std::vector<std::string> modes;
  for (const Node& node : graph->nodes())
    modes.push_back(node.op + (!node.autocast ? "" : node.autocast->enabled ? " on" : " off"));
  EXPECT_THAT(modes, ElementsAre("aten::neg.default on", "aten::relu.default off",
                                 "aten::add.Tensor on", "aten::add.Tensor"));
  // Names that were taken in the graph around are made unique.
  EXPECT_EQ(graph->nodes()[1].name, "second");
  EXPECT_EQ(name_of(*graph, graph->nodes()[2].operands[1]), "before");
}

TEST(InlineBlocks, BranchesOfCondStayButNotTheBlocksInThem) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId which = net.input("which", {}, at::kBool);
  const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 4}});
  const auto branch = network(no_grad, rectified());
  net.builder.add_block("y", "block::cond", {Operand{which}, Operand{x}}, {branch, branch},
                        {{{y}, false}}, {});
  const auto graph = inline_blocks(net.returning({y}));
  ASSERT_THAT(operators(*graph), ElementsAre("block::cond"));
  for (const auto& body : graph->nodes()[0].bodies)
    EXPECT_THAT(operators(*body), Not(Contains("block::wrap_with_set_grad_enabled")));
}

TEST(InlineBlocks, AModeThatIsNoConstantIsRefused) {
  const Block odd{"block::wrap_with_set_grad_enabled", {Operand{c10::IValue(std::int64_t{3})}}};
  EXPECT_THROW(inline_blocks(network(odd, rectified())), Error);
  Block untyped = bfloat16;
  for (const std::int64_t type : {static_cast<std::int64_t>(at::kLong), std::int64_t{9999}}) {
    untyped.mode[1] = Operand{c10::IValue(type)};
    EXPECT_THROW(inline_blocks(network(untyped, rectified())), Error) << type;
  }
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const Block unknown{"block::wrap_with_set_grad_enabled", {Operand{x}}};
  EXPECT_THROW(inline_blocks(net.returning(add(net, unknown, rectified(), x, {"first", "second"}))),
               Error);
}

}  // namespace
}  // namespace pellucid

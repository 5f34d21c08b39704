// The builder's refusals and conversions, and graphs put together again.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The line of the Error that `work` throws; "" when it throws none.
template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model) << error.what();
    return error.what();
  }
  return "";
}

// A network with x [N, 4] and one more call on it.
struct OneCall {
  Net net;
  ValueId x = net.input("x", {any, 4});

  void add(const std::string& op, std::vector<NamedOperand> operands) {
    const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 4}});
    net.builder.add_aten("y", op, std::move(operands), {{{y}, false}},
                         {"block.fc", "Linear", "model.py:3"});
    net.builder.add_output({"", {y}});
  }
  Node node() { return std::move(net.builder).build()->nodes()[0]; }
};

Node one_call(const std::string& op,
              const std::function<std::vector<NamedOperand>(ValueId)>& operands) {
  OneCall call;
  call.add(op, operands(call.x));
  return call.node();
}
std::string refused_call(const std::string& op,
                         const std::function<std::vector<NamedOperand>(ValueId)>& operands) {
  return refusal([&] { one_call(op, operands); });
}
NamedOperand named(const std::string& name, const In& in) { return {name, in.operand}; }

TEST(GraphBuilder, NamesAnUnknownOperatorAndItsNode) {
  const std::string line = refused_call("aten::no_such_thing.default",
                                        [](ValueId x) { return std::vector{named("", x)}; });
  EXPECT_THAT(line, HasSubstr("aten::no_such_thing.default"));
  EXPECT_THAT(line, HasSubstr("node y"));
  EXPECT_NE(refused_call("aten::relu.no_such_overload",
                         [](ValueId x) { return std::vector{named("", x)}; }),
            "");
  EXPECT_NE(refused_call("relu", [](ValueId x) { return std::vector{named("", x)}; }), "");
  EXPECT_NE(refused_call("", [](ValueId x) { return std::vector{named("", x)}; }), "");
  EXPECT_FALSE(is_known_operator("aten::no_such_thing.default"));
  EXPECT_TRUE(is_known_operator("aten::add.Tensor"));
}

TEST(GraphBuilder, NamesAMissingASuperfluousAndADoubledArgument) {
  EXPECT_THAT(
      refused_call("aten::linear.default", [](ValueId x) { return std::vector{named("", x)}; }),
      HasSubstr("\"weight\""));
  EXPECT_THAT(refused_call("aten::relu.default",
                           [](ValueId x) {
                             return std::vector{named("", x), named("", x)};
                           }),
              HasSubstr("more arguments"));
  EXPECT_THAT(refused_call("aten::relu.default",
                           [](ValueId x) {
                             return std::vector{named("", x), named("self", x)};
                           }),
              HasSubstr("\"self\" twice"));
  EXPECT_THAT(
      refused_call("aten::relu.default", [](ValueId x) { return std::vector{named("slope", x)}; }),
      HasSubstr("no argument \"slope\""));
}

TEST(GraphBuilder, RefusesAnUndefinedValueAndOneDefinedTwice) {
  OneCall call;
  EXPECT_THAT(refusal([&] { call.net.builder.use("z"); }), HasSubstr("\"z\""));
  EXPECT_THAT(refusal([&] { call.net.input("x", {any}); }), HasSubstr("defined twice"));
  EXPECT_THAT(refusal([&] { call.net.input("", {any}); }), HasSubstr("no name"));
  const ValueId later = call.net.builder.declare({"later", true, at::kFloat, {any, 4}});
  EXPECT_THAT(refusal([&] { call.net.builder.use("later"); }), HasSubstr("before it is defined"));
  EXPECT_THAT(refusal([&] { call.add("aten::relu.default", {named("", later)}); }),
              HasSubstr("\"later\" is used before it is defined"));
  EXPECT_THAT(refusal([&] {
                call.net.builder.add_output({"", {later}});
              }),
              HasSubstr("never defined"));
}

TEST(GraphBuilder, RefusesTwoNodesThatDefineOneValue) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId y = net.call("y", "relu.default", {x}, {any, 4});
  EXPECT_THAT(
      refusal([&] {
        net.builder.add_aten("again", "aten::relu.default", {{"", {x}}}, {{{y}, false}}, {});
      }),
      HasSubstr("defined twice"));
}

TEST(GraphBuilder, RefusesAGraphWithoutOutputAndOneWithAnUndefinedValue) {
  Net empty;
  empty.input("x", {any});
  EXPECT_THAT(refusal([&] { std::move(empty.builder).build(); }), HasSubstr("no output"));
  Net open;
  const ValueId x = open.input("x", {any});
  open.builder.declare({"never", true, at::kFloat, {any}});
  EXPECT_THAT(refusal([&] { open.returning({x}); }), HasSubstr("\"never\""));
}

TEST(GraphBuilder, RefusesLiteralsOfTheWrongType) {
  const auto refused = [](const std::string& op, const In& literal) {
    return refused_call(op, [&](ValueId x) {
      return std::vector{named("", x), named("", literal)};
    });
  };
  EXPECT_THAT(refused("aten::unsqueeze.default", real(1.5)), HasSubstr("\"dim\" wants"));
  EXPECT_THAT(refused("aten::unsqueeze.default", sizes({1, 2})), HasSubstr("a list"));
  EXPECT_THAT(refused("aten::unsqueeze.default", none()), HasSubstr("nothing"));
  EXPECT_THAT(refused("aten::permute.default", none()), HasSubstr("nothing"));
  EXPECT_THAT(refused("aten::permute.default", list({real(0.5), whole(1)})),
              HasSubstr("\"dims\" wants"));
  EXPECT_THAT(refused("aten::permute.default", list({sizes({0}), sizes({1})})),
              HasSubstr("list of lists"));
  EXPECT_THAT(refused("aten::pow.Tensor_Scalar", Operand{c10::IValue(std::string("two"))}),
              HasSubstr("\"exponent\" wants"));
  EXPECT_THAT(refused("aten::add.Tensor", Operand{c10::IValue(std::string("two"))}),
              HasSubstr("\"other\" wants"));
}

TEST(GraphBuilder, RefusesResultsThatTheOperatorDoesNotGive) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.builder.declare({"a", true, {}, {}}),
                b = net.builder.declare({"b", true, {}, {}});
  EXPECT_THAT(refusal([&] {
                net.builder.add_aten("a", "aten::relu.default", {{"", {x}}},
                                     {{{a}, false}, {{b}, false}}, {});
              }),
              HasSubstr("returns 1"));
  EXPECT_THAT(refusal([&] {
                net.builder.add_aten("a", "aten::relu.default", {{"", {x}}}, {{{a, b}, true}}, {});
              }),
              HasSubstr("no list"));
  EXPECT_THAT(refusal([&] {
                net.builder.add_aten("a", "aten::split.Tensor", {{"", {x}}, {"", whole(2).operand}},
                                     {{{a}, false}}, {});
              }),
              HasSubstr("a list"));
}

TEST(GraphBuilder, RefusesUnknownPythonOperatorsAndBlocks) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId y = net.builder.declare({"y", true, {}, {}});
  EXPECT_THAT(refusal([&] {
                net.builder.add_python("y", "python::eval", {{x}}, {{{y}, false}}, {});
              }),
              HasSubstr("python::eval"));
  EXPECT_THAT(
      refusal([&] {
        net.builder.add_block("y", "block::associative_scan", {{x}}, {}, {{{y}, false}}, {});
      }),
      HasSubstr("associative_scan"));
  EXPECT_THAT(refusal([&] {
                net.builder.add_block("y", "block::cond", {{x}}, {nullptr}, {{{y}, false}}, {});
              }),
              HasSubstr("no body"));
}

TEST(GraphBuilder, GivesLiteralsTheTypesThatTheSchemaWants) {
  // A whole number where a real one is wanted.
  const Node elu = one_call("aten::elu.default", [](ValueId x) {
    return std::vector{named("", x), named("alpha", whole(2))};
  });
  EXPECT_EQ(elu.operands[1].constant().toScalar().toDouble(), 2.0);
  const Node dropout = one_call("aten::dropout.default", [](ValueId x) {
    return std::vector{named("", x), named("", whole(0)), named("", truth(false))};
  });
  ASSERT_TRUE(dropout.operands[1].constant().isDouble());
  // A number where a tensor is wanted: without dimensions and without a say in the type of the
  // result.
  const Node add = one_call("aten::add.Tensor", [](ValueId x) {
    return std::vector{named("", x), named("", real(0.5))};
  });
  ASSERT_TRUE(add.operands[1].constant().isTensor());
  EXPECT_EQ(add.operands[1].constant().toTensor().dim(), 0);
  EXPECT_TRUE(add.operands[1].constant().toTensor().unsafeGetTensorImpl()->is_wrapped_number());
  // A single number where a list of two is wanted.
  const Node pool = one_call("aten::avg_pool2d.default", [](ValueId x) {
    return std::vector{named("", x), named("", whole(3))};
  });
  EXPECT_THAT(pool.operands[1].constant().toIntVector(), ElementsAre(3, 3));
}

TEST(GraphBuilder, FillsDefaultsInAndPlacesArgumentsByName) {
  const Node soft = one_call("aten::softplus.default", [](ValueId x) {
    return std::vector{named("threshold", whole(9)), named("self", x)};
  });
  ASSERT_EQ(soft.operands.size(), 3U);
  EXPECT_TRUE(soft.operands[0].is_value());
  EXPECT_EQ(soft.operands[1].constant().toScalar().toInt(), 1);
  EXPECT_EQ(soft.operands[2].constant().toScalar().toInt(), 9);
  EXPECT_EQ(soft.origin.module_path, "block.fc");
}

TEST(GraphBuilder, KeepsAListThatHoldsAValueAsAList) {
  const Node cat = one_call("aten::cat.default", [](ValueId x) {
    return std::vector{named("", list({x, x}))};
  });
  ASSERT_TRUE(cat.operands[0].is_list());
  EXPECT_EQ(cat.operands[0].list().size(), 2U);
}

TEST(Graph, KnowsProducersUsersAndNames) {
  const auto graph = multi_layer();
  const ValueId fc1 = graph->find("fc1");
  ASSERT_NE(fc1, no_value);
  EXPECT_EQ(graph->nodes()[static_cast<std::size_t>(graph->producer(fc1))].name, "fc1");
  ASSERT_EQ(graph->users(fc1).size(), 1U);
  EXPECT_EQ(graph->nodes()[static_cast<std::size_t>(graph->users(fc1)[0])].name, "relu1");
  EXPECT_EQ(graph->producer(graph->inputs()[0]), -1);
  EXPECT_EQ(graph->find("fc9"), no_value);
  ASSERT_NE(graph->constant(graph->find("fc1.weight")), nullptr);
  EXPECT_EQ(graph->constant(fc1), nullptr);
}

// --- taken apart and put together ---

TEST(Assemble, DropsNodesAndConstantsThatNoOutputNeeds) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId w = net.constant("w", at::ones({4}));
  net.call("dead", "mul.Tensor", {x, w}, {any, 4});
  const auto graph =
      assemble(take_apart(*net.returning({net.call("y", "relu.default", {x}, {any, 4})})));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::relu.default"));
  EXPECT_TRUE(graph->constants().empty());
  EXPECT_EQ(graph->find("dead"), no_value);
  EXPECT_EQ(graph->inputs().size(), 1U);
}

TEST(Assemble, KeepsAWriteWhoseResultNobodyReads) {
  const auto graph = assemble(take_apart(*masked_network()));
  EXPECT_EQ(operators(*graph), operators(*masked_network()));
}

TEST(Assemble, KeepsNamesOriginsAndWeights) {
  const auto before = one_conv();
  const auto graph = assemble(take_apart(*before));
  for (const Node& node : before->nodes()) {
    const ValueId id = graph->find(node.name);
    ASSERT_NE(id, no_value) << node.name;
    EXPECT_EQ(graph->nodes()[static_cast<std::size_t>(graph->producer(id))].origin.module_path,
              node.origin.module_path);
    EXPECT_EQ(graph->value(id).shape, before->value(before->find(node.name)).shape);
  }
  EXPECT_TRUE(at::equal(graph->constant(graph->find("conv1.bias"))->data,
                        before->constant(before->find("conv1.bias"))->data));
}

TEST(Assemble, RefusesARewriteThatUsesAValueBeforeItIsDefined) {
  GraphParts parts = take_apart(*multi_layer());
  std::swap(parts.nodes[0], parts.nodes[1]);
  try {
    assemble(std::move(parts));
    FAIL() << "a graph in the wrong order";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::internal);
  }
}

}  // namespace
}  // namespace pellucid

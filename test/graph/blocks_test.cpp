// The form of blocks, and which of them data decides.
#include "pellucid/graph/blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Blocks, DataDecidesAConditionOnValues) {
  EXPECT_THAT(decided_by_data(*cond_network()), ElementsAre("y"));
}

TEST(Blocks, SizesAreNoData) {
  Net yes, no, net;
  const auto one = [](Net& body, const char* op) {
    const ValueId a = body.input("a", {any, 3});
    return body.returning({body.call("r", op, {a}, {any, 3})});
  };
  const ValueId x = net.input("x", {any, 3});
  const ValueId zeros = net.call("zeros", "zeros_like.default", {x}, {any, 3});
  const ValueId size = net.builder.declare({"size", false, {}, {}});
  net.builder.add_aten("size", "aten::sym_size.int",
                       {{"", {zeros}}, {"", {c10::IValue(std::int64_t{0})}}}, {{{size}, false}},
                       {});
  const ValueId many = net.builder.declare({"many", false, {}, {}});
  net.builder.add_python("many", "python::gt", {{size}, {c10::IValue(std::int64_t{1})}},
                         {{{many}, false}}, {});
  const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 3}});
  net.builder.add_block("y", "block::cond", {{many}, {x}},
                        {one(yes, "relu.default"), one(no, "neg.default")}, {{{y}, false}}, {});
  EXPECT_THAT(decided_by_data(*net.returning({y})), IsEmpty());
}

TEST(Blocks, ALoopIsDecidedByItsConditionAlone) {
  EXPECT_THAT(decided_by_data(*counting_network()), IsEmpty());
  EXPECT_THAT(decided_by_data(*halving_network()), ElementsAre("y"));
}

TEST(Blocks, OneInsideAnotherIsNamedByTheOuter) {
  Net other, net;
  const ValueId a = other.input("a", {any, 3});
  const auto same = other.returning({other.call("same", "neg.default", {a}, {any, 3})});
  const ValueId x = net.input("x", {any, 3});
  const ValueId y = net.builder.declare({"outer", true, at::kFloat, {any, 3}});
  net.builder.add_block("outer", "block::cond", {{c10::IValue(true)}, {x}},
                        {halving_network(), same}, {{{y}, false}}, {});
  EXPECT_THAT(decided_by_data(*net.returning({y})), ElementsAre("outer"));
}

TEST(Blocks, WhatDoesNotFitIsRefusedBeforeItRuns) {
  const auto add = [](const std::string& op, const std::vector<In>& operands,
                      std::vector<std::shared_ptr<const Graph>> bodies) {
    return refusal([&] {
      Net net;
      const ValueId x = net.input("x", {any, 3});
      const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 3}});
      std::vector<Operand> given;
      for (const In& in : operands) given.push_back(in.operand);
      for (Operand& operand : given) {
        if (operand.is_value()) operand = {x};
      }
      net.builder.add_block("y", op, std::move(given), bodies, {{{y}, false}}, {});
    });
  };
  const auto body = halving_network();
  const In x = ValueId{0};
  EXPECT_THAT(add("block::cond", {truth(true), x}, {body}), HasSubstr("2 bodies"));
  EXPECT_THAT(add("block::cond", {}, {body, body}), HasSubstr("predicate"));
  EXPECT_THAT(add("block::cond", {truth(true), x, x}, {body, body}), HasSubstr("1 values, got 2"));
  EXPECT_THAT(add("block::while_loop", {x, list({})}, {body, body}), HasSubstr("two lists"));
  EXPECT_THAT(add("block::loop", {none(), none(), x, x}, {body}), HasSubstr("what it carries"));
  EXPECT_THAT(add("block::loop", {none(), none(), whole(2), x}, {body}),
              HasSubstr("what it carries"));
  EXPECT_THAT(add("block::loop", {none(), none(), whole(1), x}, {body}),
              HasSubstr("1 values, got 3"));
}

}  // namespace
}  // namespace pellucid

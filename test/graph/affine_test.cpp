// How far an input passes before something bends it.
#include "pellucid/graph/affine.h"

#include <gtest/gtest.h>

#include "test/networks.h"

namespace pellucid {
namespace {

std::string front_of(const std::shared_ptr<const Graph>& graph) {
  return graph->value(affine_front(*graph, graph->inputs()[0])).name;
}

TEST(AffineFront, LiesBehindConvolutionScaleAndShape) {
  Net net;
  const ValueId x = net.input("x", {any, 3, 4, 4});
  const ValueId size = net.builder.declare({"size", false, std::nullopt, {}});
  net.builder.add_aten("size", "aten::sym_size.int", {{"", {x}}, {"", whole(0).operand}},
                       {{{size}, false}}, {});
  const ValueId conv = detail::conv(net, "conv", x, noise({2, 3, 1, 1}, 1), noise({2}, 2), 0,
                                    {any, 2, 4, 4}, Form::functional);
  const ValueId scaled = net.call("scaled", "addcmul.default",
                                  {net.constant("shift", noise({1, 2, 1, 1}, 3)), conv,
                                   net.constant("scale", noise({1, 2, 1, 1}, 4))},
                                  {any, 2, 4, 4});
  const ValueId rows =
      net.call("rows", "view.default", {scaled, list({size, whole(32)})}, {any, 32});
  const ValueId bent = net.call("bent", "relu.default", {rows}, {any, 32});
  EXPECT_EQ(front_of(net.returning({bent})), "rows");
}

TEST(AffineFront, EndsWhereTheInputIsReadTwiceOrTimesItself) {
  const auto after = [](const std::function<ValueId(Net&, ValueId)>& last) {
    Net net;
    const ValueId x = net.input("x", {any, 3});
    const ValueId twice = net.call("twice", "mul.Tensor", {x, whole(2)}, {any, 3});
    return net.returning({last(net, twice)});
  };
  EXPECT_EQ(front_of(after([](Net& net, ValueId v) {
              const ValueId one = net.call("one", "neg.default", {v}, {any, 3});
              return net.call("y", "add.Tensor", {v, one}, {any, 3});
            })),
            "twice");
  EXPECT_EQ(front_of(after([](Net& net, ValueId v) {
              return net.call("y", "mul.Tensor", {v, v}, {any, 3});
            })),
            "twice");
  EXPECT_EQ(front_of(after([](Net& net, ValueId v) {
              return net.call("y", "div.Tensor", {net.constant("one", at::ones({3})), v}, {any, 3});
            })),
            "twice");
  EXPECT_EQ(front_of(after([](Net& net, ValueId v) {
              return net.call("y", "exp.default", {v}, {any, 3});
            })),
            "twice");
}

TEST(AffineFront, OfARandomStepOrAWrittenValueIsBeforeIt) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId twice = net.call("twice", "mul.Tensor", {x, whole(2)}, {any, 3});
  const ValueId row =
      net.call("row", "slice.Tensor", {twice, whole(1), whole(0), whole(1)}, {any, 1});
  net.call("filled", "fill_.Scalar", {row, whole(0)}, {any, 1});
  EXPECT_EQ(front_of(net.returning({net.call("y", "neg.default", {twice}, {any, 3})})), "x");
}

}  // namespace
}  // namespace pellucid

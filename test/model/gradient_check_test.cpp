// A gradient that rounding alone blurs passes; one that is wrong does not.
#include "pellucid/model/gradient_check.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pellucid/graph/builder.h"
#include "test/networks.h"

namespace pellucid {
namespace {

// sin(x Wᵀ) in the type's digits; `wrong`: with a gradient that is half of the true one.
std::shared_ptr<const Graph> network(at::ScalarType type, bool wrong) {
  GraphBuilder builder;
  const auto shaped = [&](std::string name) {
    return Value{.name = std::move(name), .dtype = type, .shape = {std::nullopt, 16}};
  };
  const ValueId x = builder.add_input(shaped("x"));
  const ValueId weight =
      builder.add_constant({.name = "weight", .dtype = type, .shape = {16, 16}},
                           {.name = "weight", .data = noise({16, 16}, 1).to(type)});
  const ValueId product = builder.declare(shaped("product"));
  builder.add_aten("product", "aten::linear.default", {{"", {x}}, {"", {weight}}}, {{{product}}},
                   {});
  ValueId last = product;
  if (wrong) {
    const ValueId cut = builder.declare(shaped("cut"));
    builder.add_aten("cut", "aten::detach.default", {{"", {product}}}, {{{cut}}}, {});
    const ValueId sum = builder.declare(shaped("sum"));
    builder.add_aten("sum", "aten::add.Tensor", {{"", {product}}, {"", {cut}}}, {{{sum}}}, {});
    last = sum;
  }
  const ValueId y = builder.declare(shaped("y"));
  builder.add_aten("y", "aten::sin.default", {{"", {last}}}, {{{y}}}, {});
  builder.add_output({"", {y}});
  return std::move(builder).build();
}

GradientCheck checked(at::ScalarType type, bool wrong) {
  const auto graph = network(type, wrong);
  const at::Tensor input = noise({1, 16}, 2).to(type);
  return check_gradient(Executor(graph), graph, {&input, 1});
}

TEST(GradientCheck, AllowsWhatRoundingDoesInFewerDigits) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    EXPECT_TRUE(checked(type, false).passed()) << toString(type) << checked(type, false).error;
    EXPECT_FALSE(checked(type, true).passed()) << toString(type) << checked(type, true).error;
  }
  EXPECT_EQ(checked(at::kFloat, false).threshold, GradientCheck::usual_threshold);
  EXPECT_GT(checked(at::kBFloat16, false).threshold, checked(at::kHalf, false).threshold);
}

// sin of what a quantised network holds between its layers: rounded to steps of 1/8, or of a size
// per column.
std::shared_ptr<const Graph> rounding(bool by_columns) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId rounded =
      by_columns ? net.call("rounded", "fake_quantize_per_channel_affine.default",
                            {x, net.constant("scales", at::tensor({0.125F, 0.25F, 0.5F, 1.0F})),
                             net.constant("zeros", at::tensor({3, 3, 3, 3}, at::kInt)), whole(1),
                             whole(0), whole(255)},
                            {any, 4})
                 : net.call("rounded", "fake_quantize_per_tensor_affine.tensor_qparams",
                            {x, net.constant("scale", at::tensor({0.125F})),
                             net.constant("zero", at::tensor({3}, at::kInt)), whole(0), whole(255)},
                            {any, 4});
  return net.returning({net.call("y", "sin.default", {rounded}, {any, 4})});
}

TEST(GradientCheck, LeavesOutRoundingThatGradientsPassStraightThrough) {
  // The last lies below the range, where nothing passes.
  const at::Tensor input = at::tensor({0.33F, 1.07F, 2.21F, -5.0F}).reshape({1, 4});
  for (const bool by_columns : {false, true}) {
    const auto graph = rounding(by_columns);
    const GradientCheck check = check_gradient(Executor(graph), graph, {&input, 1});
    EXPECT_TRUE(check.passed()) << by_columns << " " << check.error;
    EXPECT_TRUE(check.without_rounding);
    EXPECT_TRUE(to_json(check).contains("without_rounding"));
  }
  EXPECT_FALSE(to_json(checked(at::kFloat, false)).contains("without_rounding"));
}

// relu(x / 10 − c) with c as float32 rounds x / 10 at the sample: 0 there, and a little more in
// truth.
TEST(GradientCheck, IsNotMisledByAPointThatRoundsOntoTheOtherSideOfAKink) {
  const float tenth = 0.1F;
  float x = 1.0F;
  const auto rounds_down = [&] {
    const volatile float product = x * tenth;  // no digits beyond float's
    return static_cast<double>(x) * static_cast<double>(tenth) > static_cast<double>(product);
  };
  while (!rounds_down()) x = std::nextafter(x, 2.0F);
  Net net;
  const ValueId in = net.input("x", {any, 1});
  const ValueId factor = net.constant("factor", at::tensor({tenth}));
  const ValueId edge = net.constant("edge", at::tensor({x * tenth}));
  const ValueId product = net.call("product", "mul.Tensor", {in, factor}, {any, 1});
  const ValueId shifted = net.call("shifted", "sub.Tensor", {product, edge}, {any, 1});
  const ValueId mirrored = net.call("mirrored", "neg.default", {shifted}, {any, 1});
  const auto graph = net.returning({net.call("up", "relu.default", {shifted}, {any, 1}),
                                    net.call("down", "relu.default", {mirrored}, {any, 1})});
  const at::Tensor sample = at::tensor({x}).reshape({1, 1});
  EXPECT_TRUE(check_gradient(Executor(graph), graph, {&sample, 1}).passed());
}

}  // namespace
}  // namespace pellucid

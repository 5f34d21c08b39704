// Networks made by hand, whose answers are known: so that an oracle needs no file.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "pellucid/graph/builder.h"

namespace pellucid {

using Shape = std::vector<std::optional<std::int64_t>>;
// A symbolic size: the batch of a network that takes any.
inline constexpr std::nullopt_t any = std::nullopt;

// A value or a literal, as short as an operand of a call can be written.
struct In {
  In(ValueId id) : operand{id} {}
  In(Operand given) : operand(std::move(given)) {}
  Operand operand;
};
inline In whole(std::int64_t value) { return Operand{c10::IValue(value)}; }
inline In real(double value) { return Operand{c10::IValue(value)}; }
inline In truth(bool value) { return Operand{c10::IValue(value)}; }
inline In none() { return Operand{c10::IValue()}; }
inline In list(const std::vector<In>& items) {
  std::vector<Operand> operands;
  for (const In& item : items) operands.push_back(item.operand);
  return Operand{std::move(operands)};
}
inline In sizes(const std::vector<std::int64_t>& values) {
  std::vector<In> items;
  for (const std::int64_t value : values) items.push_back(whole(value));
  return list(items);
}

// Drives a GraphBuilder; every call defines one tensor of the same name.
class Net {
 public:
  ValueId input(const std::string& name, Shape shape, at::ScalarType dtype = at::kFloat) {
    return builder.add_input({name, true, dtype, std::move(shape)});
  }
  ValueId constant(const std::string& name, const at::Tensor& data,
                   ConstantKind kind = ConstantKind::parameter) {
    return builder.add_constant(
        {name, true, data.scalar_type(), {data.sizes().begin(), data.sizes().end()}},
        {no_value, name, kind, data});
  }
  ValueId call(const std::string& name, const std::string& op, const std::vector<In>& operands,
               Shape shape, const std::string& module = "", at::ScalarType dtype = at::kFloat) {
    const ValueId result = builder.declare({name, true, dtype, std::move(shape)});
    std::vector<NamedOperand> named;
    for (const In& in : operands) named.push_back({"", in.operand});
    builder.add_aten(name, "aten::" + op, std::move(named), {{{result}, false}},
                     {module, module.empty() ? "" : "Module", "network.py:1"});
    return result;
  }
  std::shared_ptr<const Graph> returning(const std::vector<ValueId>& outputs) {
    for (const ValueId id : outputs) {
      builder.add_output({outputs.size() == 1 ? "" : "out" + std::to_string(id), {id}});
    }
    return std::move(builder).build();
  }

  GraphBuilder builder;
};

inline at::Tensor noise(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::TensorOptions());
}

inline std::vector<std::string> operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.op);
  return names;
}

// How the same function is written down.
enum class Form {
  functional,
  in_place,    // relu_ and add_ on values that nobody else reads
  decomposed,  // aten::convolution, addmm and clamp_min, as an exporter's decompositions leave them
};

namespace detail {

inline ValueId relu(Net& net, const std::string& name, ValueId x, const Shape& shape, Form form) {
  switch (form) {
    case Form::functional:
      return net.call(name, "relu.default", {x}, shape, name);
    case Form::in_place:
      return net.call(name, "relu_.default", {x}, shape, name);
    case Form::decomposed:
      return net.call(name, "clamp_min.default", {x, whole(0)}, shape, name);
  }
  return no_value;
}

inline ValueId linear(Net& net, const std::string& name, ValueId x, const at::Tensor& weight,
                      const at::Tensor& bias, Form form) {
  const ValueId w = net.constant(name + ".weight", weight), b = net.constant(name + ".bias", bias);
  const Shape shape = {any, weight.size(0)};
  if (form != Form::decomposed) return net.call(name, "linear.default", {x, w, b}, shape, name);
  const ValueId t = net.call(name + "_t", "t.default", {w}, {weight.size(1), weight.size(0)}, name);
  return net.call(name, "addmm.default", {b, x, t}, shape, name);
}

inline ValueId conv(Net& net, const std::string& name, ValueId x, const at::Tensor& weight,
                    const at::Tensor& bias, std::int64_t padding, const Shape& shape, Form form) {
  const ValueId w = net.constant(name + ".weight", weight), b = net.constant(name + ".bias", bias);
  if (form != Form::decomposed) {
    return net.call(name, "conv2d.default", {x, w, b, sizes({1, 1}), sizes({padding, padding})},
                    shape, name);
  }
  return net.call(name, "convolution.default",
                  {x, w, b, sizes({1, 1}), sizes({padding, padding}), sizes({1, 1}), truth(false),
                   sizes({0, 0}), whole(1)},
                  shape, name);
}

}  // namespace detail

// f = w·x, w = [1, .5, 0, −.3, .2]: x [N, 5] → [N, 1].
inline at::Tensor linear_weights() {
  return at::tensor({1.0F, 0.5F, 0.0F, -0.3F, 0.2F}).reshape({1, 5});
}
inline std::shared_ptr<const Graph> linear_network() {
  Net net;
  const ValueId x = net.input("x", {any, 5});
  return net.returning(
      {detail::linear(net, "fc", x, linear_weights(), at::zeros({1}), Form::functional)});
}

// conv 1→2, 3×3, all weights 1, bias [−50, −75]; ReLU; flatten; linear 8→4, every row
// [1,1,1,1,1,−1,−1,−1]; ReLU.
inline std::shared_ptr<const Graph> one_conv(Form form = Form::functional,
                                             std::optional<std::int64_t> batch = any) {
  Net net;
  const ValueId x = net.input("x", {batch, 1, 4, 4});
  const ValueId conv1 = detail::conv(net, "conv1", x, at::ones({2, 1, 3, 3}),
                                     at::tensor({-50.0F, -75.0F}), 0, {batch, 2, 2, 2}, form);
  const ValueId relu1 = detail::relu(net, "relu1", conv1, {batch, 2, 2, 2}, form);
  const ValueId flat = net.call("flatten", "flatten.using_ints", {relu1, whole(1)}, {batch, 8});
  const at::Tensor row = at::tensor({1.0F, 1.0F, 1.0F, 1.0F, 1.0F, -1.0F, -1.0F, -1.0F});
  const ValueId fc1 =
      detail::linear(net, "fc1", flat, row.expand({4, 8}).contiguous(), at::zeros({4}), form);
  return net.returning({detail::relu(net, "relu2", fc1, {batch, 4}, form)});
}
inline at::Tensor one_conv_input() {
  std::vector<float> values(16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return at::tensor(values).reshape({1, 1, 4, 4});
}

// Identity linear 3→3; linear 3→4, weights 1, bias [−10,1,1,1]; ReLU; linear 4→2, weights 1, bias
// [−1,1].
inline std::shared_ptr<const Graph> multi_layer(Form form = Form::functional) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const at::Tensor identity =
      at::tensor({1.0F, 0.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F, 0.0F, 1.0F}).reshape({3, 3});
  const ValueId fc0 = detail::linear(net, "fc0", x, identity, at::zeros({3}), form);
  const ValueId fc1 = detail::linear(net, "fc1", fc0, at::ones({4, 3}),
                                     at::tensor({-10.0F, 1.0F, 1.0F, 1.0F}), form);
  const ValueId relu1 = detail::relu(net, "relu1", fc1, {any, 4}, form);
  return net.returning(
      {detail::linear(net, "fc2", relu1, at::ones({2, 4}), at::tensor({-1.0F, 1.0F}), form)});
}

// ReLU(ReLU(x1) − 1 − ReLU(x2)) or, written otherwise, ReLU(ReLU(x1 − 1) − ReLU(x2)): x [N, 2] →
// [N, 1].
inline std::shared_ptr<const Graph> integrated_network(bool first) {
  Net net;
  const Shape column = {any, 1};
  const ValueId x = net.input("x", {any, 2});
  const ValueId x1 = net.call("x1", "slice.Tensor", {x, whole(1), whole(0), whole(1)}, column);
  const ValueId x2 = net.call("x2", "slice.Tensor", {x, whole(1), whole(1), whole(2)}, column);
  const ValueId second = net.call("relu_x2", "relu.default", {x2}, column);
  ValueId inner = no_value;
  if (first) {
    const ValueId relu = net.call("relu_x1", "relu.default", {x1}, column);
    inner = net.call("less_one", "sub.Tensor", {relu, whole(1)}, column);
  } else {
    const ValueId less = net.call("less_one", "sub.Tensor", {x1, whole(1)}, column);
    inner = net.call("relu_x1", "relu.default", {less}, column);
  }
  const ValueId difference = net.call("difference", "sub.Tensor", {inner, second}, column);
  return net.returning({net.call("y", "relu.default", {difference}, column)});
}

// 2·ReLU(x1) + 2·ReLU(x2 − 1.5): x [N, 2] → [N, 1].
inline std::shared_ptr<const Graph> rescale_network() {
  Net net;
  const ValueId x = net.input("x", {any, 2});
  const ValueId less = net.call("less", "sub.Tensor",
                                {x, net.constant("offset", at::tensor({0.0F, 1.5F}))}, {any, 2});
  const ValueId relu = net.call("relu", "relu.default", {less}, {any, 2});
  const ValueId sum = net.call("sum", "sum.dim_IntList", {relu, sizes({1}), truth(true)}, {any, 1});
  return net.returning({net.call("y", "mul.Tensor", {sum, whole(2)}, {any, 1})});
}

// conv, batch norm, ReLU; conv, batch norm, + shortcut, the same ReLU again; mean; linear 4→3. x
// [N, 3, 6, 5]. With Form::in_place the ReLUs and the sum write in place. `training` leaves the
// second batch norm untouched by folds.
inline std::shared_ptr<const Graph> residual_network(Form form = Form::functional,
                                                     std::optional<std::int64_t> batch = any) {
  Net net;
  const Shape wide = {batch, 4, 6, 5};
  const auto norm = [&](const std::string& name, ValueId x, std::uint64_t seed) {
    const ValueId w = net.constant(name + ".weight", noise({4}, seed) * 0.2 + 1);
    const ValueId b = net.constant(name + ".bias", noise({4}, seed + 1) * 0.5);
    const ValueId mean =
        net.constant(name + ".running_mean", noise({4}, seed + 2) * 0.3, ConstantKind::buffer);
    const ValueId variance = net.constant(
        name + ".running_var", noise({4}, seed + 3).square() + 0.5, ConstantKind::buffer);
    return net.call(name, "batch_norm.default",
                    {x, w, b, mean, variance, truth(false), real(0.1), real(1e-5), truth(true)},
                    wide, name);
  };
  const auto relu = [&](const std::string& name, ValueId x) {
    return net.call(name, form == Form::in_place ? "relu_.default" : "relu.default", {x}, wide,
                    "relu");
  };
  const ValueId x = net.input("x", {batch, 3, 6, 5});
  const ValueId conv1 = detail::conv(net, "conv1", x, noise({4, 3, 3, 3}, 1) * 0.3, noise({4}, 2),
                                     1, wide, Form::functional);
  const ValueId first = relu("relu_1", norm("bn1", conv1, 10));
  const ValueId conv2 = detail::conv(net, "conv2", first, noise({4, 4, 3, 3}, 3) * 0.3,
                                     noise({4}, 4), 1, wide, Form::functional);
  const ValueId normed = norm("bn2", conv2, 20);
  const ValueId sum = net.call("shortcut", form == Form::in_place ? "add_.Tensor" : "add.Tensor",
                               {normed, first}, wide);
  const ValueId second = relu("relu_2", sum);
  const ValueId pooled = net.call("pool", "mean.dim", {second, sizes({2, 3})}, {batch, 4}, "pool");
  return net.returning(
      {detail::linear(net, "head", pooled, noise({3, 4}, 5), noise({3}, 6), Form::functional)});
}

// A mask filled through slices of it, as Swin does, and added to x [N, 4, 4]. With `from_input` one
// of the writes takes the input's mean, so that nothing of the mask is known before there is an
// input.
inline std::shared_ptr<const Graph> masked_network(bool from_input = false) {
  Net net;
  const Shape rows = {2, 4}, corner = {2, 2};
  const ValueId x = net.input("x", {any, 4, 4});
  const ValueId mask = net.call("mask", "new_zeros.default", {x, sizes({4, 4})}, {4, 4});
  const ValueId top = net.call("top", "slice.Tensor", {mask, whole(0), whole(0), whole(2)}, rows);
  const ValueId corner1 =
      net.call("corner1", "slice.Tensor", {top, whole(1), whole(0), whole(2)}, corner);
  net.call("filled1", "fill_.Scalar", {corner1, whole(1)}, corner);
  const ValueId bottom =
      net.call("bottom", "slice.Tensor", {mask, whole(0), whole(2), whole(4)}, rows);
  const ValueId corner2 =
      net.call("corner2", "slice.Tensor", {bottom, whole(1), whole(2), whole(4)}, corner);
  if (from_input) {
    const ValueId mean = net.call("x_mean", "mean.default", {x}, {});
    net.call("filled2", "fill_.Tensor", {corner2, mean}, corner);
  } else {
    net.call("filled2", "fill_.Scalar", {corner2, real(-2)}, corner);
  }
  const ValueId far = net.call("far", "mul.Tensor", {mask, whole(10)}, {4, 4});
  return net.returning({net.call("y", "add.Tensor", {x, far}, {any, 4, 4})});
}
// What the mask of `masked_network` adds.
inline at::Tensor filled_mask(double second) {
  at::Tensor mask = at::zeros({4, 4});
  mask.slice(0, 0, 2).slice(1, 0, 2).fill_(10);
  mask.slice(0, 2, 4).slice(1, 2, 4).fill_(10 * second);
  return mask;
}

// x.mean() > 0 ? relu(x)·3 : −x, as torch.cond is exported.
inline std::shared_ptr<const Graph> cond_network() {
  Net yes, no, net;
  const ValueId in_yes = yes.input("a", {any, 3});
  const ValueId relu = yes.call("r", "relu.default", {in_yes}, {any, 3});
  const auto taken = yes.returning({yes.call("t", "mul.Tensor", {relu, whole(3)}, {any, 3})});
  const ValueId in_no = no.input("a", {any, 3});
  const auto other = no.returning({no.call("n", "neg.default", {in_no}, {any, 3})});
  const ValueId x = net.input("x", {any, 3});
  const ValueId mean = net.call("mean", "mean.default", {x}, {});
  const ValueId positive = net.call("positive", "gt.Scalar", {mean, whole(0)}, {}, "", at::kBool);
  const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 3}});
  net.builder.add_block("y", "block::cond", {{positive}, {x}}, {taken, other}, {{{y}, false}}, {});
  return net.returning({y});
}

// x·2 three times over, keeping each round's number added to it, as a loop of fixed length: answers
// 8·x and the rounds [3, N, 3].
inline std::shared_ptr<const Graph> counting_network() {
  Net body, net;
  const ValueId round = body.builder.add_input({"round", false, {}, {}});
  const ValueId goes_on = body.builder.add_input({"goes_on", false, {}, {}});
  const ValueId a = body.input("a", {any, 3});
  const ValueId twice = body.call("twice", "mul.Tensor", {a, whole(2)}, {any, 3});
  const ValueId kept = body.call("kept", "add.Tensor", {twice, round}, {any, 3});
  const auto one = body.returning({goes_on, twice, kept});
  const ValueId x = net.input("x", {any, 3});
  const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 3}});
  const ValueId rounds = net.builder.declare({"rounds", true, at::kFloat, {any, any, 3}});
  net.builder.add_block("y", "block::loop",
                        {whole(3).operand, none().operand, whole(1).operand, {x}}, {one},
                        {{{y}, false}, {{rounds}, false}}, {});
  return net.returning({y, rounds});
}

// Halved while the mean is above 1, as torch's while_loop is exported.
inline std::shared_ptr<const Graph> halving_network() {
  Net condition, round, net;
  const ValueId seen = condition.input("a", {any, 3});
  const ValueId mean = condition.call("mean", "mean.default", {seen}, {});
  const auto goes_on = condition.returning(
      {condition.call("large", "gt.Scalar", {mean, whole(1)}, {}, "", at::kBool)});
  const ValueId a = round.input("a", {any, 3});
  const auto halved = round.returning({round.call("half", "mul.Tensor", {a, real(0.5)}, {any, 3})});
  const ValueId x = net.input("x", {any, 3});
  const ValueId y = net.builder.declare({"y", true, at::kFloat, {any, 3}});
  net.builder.add_block("y", "block::while_loop", {list({x}).operand, list({}).operand},
                        {goes_on, halved}, {{{y}, false}}, {});
  return net.returning({y});
}

}  // namespace pellucid

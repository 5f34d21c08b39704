// Activations: one ATen operator each where there is one, so that rules for ReLU and its kin find
// them.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

Refs relu(Call& call) { return {call.aten("aten::relu", {call.in(0)})}; }
Refs sigmoid(Call& call) { return {call.aten("aten::sigmoid", {call.in(0)})}; }
Refs softplus(Call& call) { return {call.aten("aten::softplus", {call.in(0)})}; }
Refs hard_swish(Call& call) { return {call.aten("aten::hardswish", {call.in(0)})}; }
Refs mish(Call& call) { return {call.aten("aten::mish", {call.in(0)})}; }

Refs elu(Call& call) { return {call.aten("aten::elu", {call.in(0), call.real("alpha", 1.0)})}; }

Refs celu(Call& call) { return {call.aten("aten::celu", {call.in(0), call.real("alpha", 1.0)})}; }

Refs selu(Call& call) {
  // elu() with all three factors is ONNX's formula: γ (x > 0 ? x : α (e^x - 1)).
  return {call.aten("aten::elu", {call.in(0), call.real("alpha", 1.67326319217681884765625),
                                  call.real("gamma", 1.05070102214813232421875)})};
}

Refs leaky_relu(Call& call) {
  return {call.aten("aten::leaky_relu", {call.in(0), call.real("alpha", 0.01)})};
}

Refs thresholded_relu(Call& call) {
  return {call.aten("aten::threshold", {call.in(0), call.real("alpha", 1.0), 0.0})};
}

Refs hard_sigmoid(Call& call) {
  const double alpha = call.real("alpha", 0.2), beta = call.real("beta", 0.5);
  if (std::abs(alpha - 1.0 / 6) < 1e-6 && beta == 0.5)  // as torch writes its own
    return {call.aten("aten::hardsigmoid", {call.in(0)})};
  return {call.aten("aten::clamp", {call.add(call.mul(call.in(0), alpha), beta), 0.0, 1.0})};
}

Refs gelu(Call& call) {
  return {call.aten("aten::gelu", {call.in(0), call.text("approximate", "none").c_str()})};
}

Refs swish(Call& call) {
  const double alpha = call.real("alpha", 1.0);
  const Ref x = call.in(0);
  if (alpha == 1.0) return {call.aten("aten::silu", {x})};
  return {call.mul(x, call.aten("aten::sigmoid", {call.mul(x, alpha)}))};
}

Refs swiglu(Call& call) {
  const Ref gate = call.in(0), x = call.in(1);
  const double alpha = call.real("alpha", 1.0);
  const Ref open = alpha == 1.0
                       ? call.aten("aten::silu", {gate})
                       : call.mul(gate, call.aten("aten::sigmoid", {call.mul(gate, alpha)}));
  return {call.mul(open, x)};
}

Refs softsign(Call& call) {
  const Ref x = call.in(0);
  return {call.div(x, call.add(call.aten("aten::abs", {x}), 1.0))};
}

Refs shrink(Call& call) {
  const double bias = call.real("bias", 0.0), edge = call.real("lambd", 0.5);
  const Ref x = call.in(0);
  const Ref above = call.aten("aten::gt.Scalar", {x, edge}, "above"),
            below = call.aten("aten::lt.Scalar", {x, -edge}, "below");
  const Ref rest = call.aten("aten::zeros_like", {x}, "zero");
  // Integers are shrunk as numbers and stay integers.
  const auto moved = [&](double by) { return call.cast(call.add(x, by), dtype_of(x)); };
  return {
      call.aten("aten::where.self",
                {above, moved(-bias), call.aten("aten::where.self", {below, moved(bias), rest})})};
}

Refs prelu(Call& call) {
  const Ref x = call.in(0), slope = call.in(1);
  if (slope->data.defined() && is_known(x) && rank_of(x) >= 2 && c10::isFloatingType(dtype_of(x))) {
    // One slope per channel, or one for all, is ATen's own.
    const auto sizes = slope->data.sizes();
    const auto channels = static_cast<std::size_t>(rank_of(x) - 2);
    bool per_channel = slope->data.numel() == 1;
    if (!per_channel && sizes.size() == channels + 1) {
      per_channel = known_size(x, 1) == sizes[0];
      for (std::size_t i = 1; i < sizes.size(); ++i) per_channel = per_channel && sizes[i] == 1;
    }
    if (per_channel)
      return {call.aten("aten::prelu", {x, call.reshape(slope, std::vector<std::int64_t>{-1})})};
  }
  return {call.aten("aten::where.self",
                    {call.aten("aten::lt.Scalar", {x, 0}, "negative"), call.mul(x, slope), x})};
}

// Until opset 12 the axis split the tensor into a matrix whose rows are normalised.
Refs softmax_of(Call& call, const char* op) {
  const Ref x = call.in(0);
  if (call.opset >= 13) return {call.aten(op, {x, call.integer("axis", -1)})};
  const std::int64_t axis = call.integer("axis", 1), rank = call.rank(x);
  const std::int64_t place = rank == 0 ? 0 : call.axis(axis == rank ? 0 : axis, rank);
  if (place == rank - 1) return {call.aten(op, {x, place})};
  const Ref rows = call.aten("aten::flatten.using_ints", {x, place, -1}, "rows");
  const Ref done = call.aten(op, {rows, -1}, "normalised");
  return {call.reshape(done, call.sizes(x))};
}

Refs softmax(Call& call) { return softmax_of(call, "aten::softmax.int"); }
Refs log_softmax(Call& call) { return softmax_of(call, "aten::log_softmax.int"); }

Refs hardmax(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t rank = call.rank(x);
  const auto one_hot = [&](const Ref& of, std::int64_t axis) {
    const Ref best = call.aten("aten::argmax", {of, axis, true}, "best");
    return call.aten("aten::scatter.value",
                     {call.aten("aten::zeros_like", {of}, "zero"), axis, best, 1.0});
  };
  if (call.opset >= 13) return {one_hot(x, call.axis(call.integer("axis", -1), rank))};
  const std::int64_t place = call.axis(call.integer("axis", 1), rank);
  const Ref rows = call.aten("aten::flatten.using_ints", {x, place, -1}, "rows");
  return {call.reshape(one_hot(rows, call.rank(rows) - 1), call.sizes(x))};
}

constexpr Operator table[] = {
    {"Celu", celu},
    {"Elu", elu},
    {"Gelu", gelu},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", hard_swish},
    {"Hardmax", hardmax},
    {"LeakyRelu", leaky_relu},
    {"LogSoftmax", log_softmax},
    {"Mish", mish},
    {"PRelu", prelu},
    {"Relu", relu},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", sigmoid},
    {"Softmax", softmax},
    {"Softplus", softplus},
    {"Softsign", softsign},
    {"SwiGLU", swiglu},
    {"Swish", swish},
    {"ThresholdedRelu", thresholded_relu},
};

}  // namespace

std::span<const Operator> activation_operators() { return table; }

}  // namespace pellucid::from_onnx

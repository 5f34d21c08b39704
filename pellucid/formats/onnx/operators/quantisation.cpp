// Quantised numbers are computed as the real numbers they stand for. Between QuantizeLinear and
// DequantizeLinear the gradient passes straight through, as in quantisation-aware training.
#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {

Ref convolved(Call& call, Ref x, const Ref& weight, const Ref& bias);

namespace {

struct Range {
  std::int64_t lowest = 0, highest = 255;
};

Range range_of(Call& call, at::ScalarType type) {
  switch (type) {
    case at::kByte:
      return {0, 255};
    case at::kChar:
      return {-128, 127};
    case at::kUInt16:
      return {0, 65535};
    case at::kShort:
      return {-32768, 32767};
    case at::kInt:
      return {-2147483648LL, 2147483647LL};
    default:
      throw call.refuse("makes numbers of a type that is not read");
  }
}

// Scales and zero points stand along an axis, or in blocks along it, or are one for all.
Ref spread(Call& call, const Ref& parameter, const Ref& x, std::int64_t axis, std::int64_t block) {
  const std::int64_t rank = call.rank(x);
  if (rank_of(parameter) == 0) return parameter;
  if (rank_of(parameter) == 1 && known_size(parameter, 0) == 1 && block == 0)
    return call.reshape(parameter, std::vector<std::int64_t>{});
  if (block == 0) return call.along(parameter, call.axis(axis, rank), rank);
  const std::int64_t place = call.axis(axis, rank);
  const Ref repeated =
      call.aten("aten::repeat_interleave.self_int", {parameter, block, place}, "blocks");
  return call.aten("aten::slice.Tensor", {repeated, place, 0, call.size(x, place)}, "blocks");
}

Refs dequantize(Call& call) {
  const Ref x = call.in(0), scale = call.in(1), zero_point = call.maybe(2);
  const std::int64_t axis = call.integer("axis", 1), block = call.integer("block_size", 0);
  const at::ScalarType type = dtype_of(scale);
  if (x->quantised != nullptr) {
    const Term::Quantised& q = *x->quantised;
    // The same scale on the way back: rounding whose gradient is one.
    if (q.scale == scale && q.zero_point == zero_point && block == 0 && type == at::kFloat &&
        is_known(scale) && call.rank(scale) <= 1 && dtype_of(q.input) == at::kFloat) {
      call.program.warn("the model is quantised: gradients pass straight through the rounding");
      const bool single = rank_of(scale) == 0 || known_size(scale, 0) == 1;
      const std::vector<std::int64_t> flat{-1};
      const Ref zero =
          zero_point == nullptr
              ? call.aten("aten::zeros_like", {call.reshape(scale, flat), at::kInt}, "zero")
              : call.cast(call.reshape(zero_point, flat), at::kInt);
      if (single)
        return {call.aten("aten::fake_quantize_per_tensor_affine.tensor_qparams",
                          {q.input, call.reshape(scale, flat), zero, q.lowest, q.highest})};
      return {
          call.aten("aten::fake_quantize_per_channel_affine",
                    {q.input, scale, zero, call.axis(axis, call.rank(x)), q.lowest, q.highest})};
    }
  }
  const at::ScalarType through = type == at::kDouble ? at::kDouble : at::kFloat;
  Ref real = call.cast(x, through);
  if (zero_point != nullptr)
    real = call.sub(real, call.cast(spread(call, zero_point, x, axis, block), through));
  return {call.cast(call.mul(real, call.cast(spread(call, scale, x, axis, block), through)), type)};
}

Refs quantize(Call& call) {
  const Ref x = call.in(0), scale = call.in(1), zero_point = call.maybe(2);
  const std::int64_t axis = call.integer("axis", 1), block = call.integer("block_size", 0);
  at::ScalarType type = at::kByte;
  if (zero_point != nullptr) {
    type = dtype_of(zero_point);
  } else if (const std::int64_t code = call.integer("output_dtype", 0); code != 0) {
    const auto known = scalar_type(code);
    if (!known || type_name(code).ends_with("4") || type_name(code).ends_with("2"))
      throw call.refuse("makes numbers of the type " + type_name(code));
    type = *known;
  }
  const at::ScalarType through = dtype_of(x) == at::kDouble ? at::kDouble : at::kFloat;
  Ref scaled =
      call.div(call.cast(x, through), call.cast(spread(call, scale, x, axis, block), through));
  if (c10::isFloat8Type(type)) {
    const double largest = type == at::kFloat8_e4m3fn     ? 448.0
                           : type == at::kFloat8_e4m3fnuz ? 240.0
                                                          : 57344.0;
    return {call.cast(call.aten("aten::clamp", {scaled, -largest, largest}), type)};
  }
  const Range range = range_of(call, type);
  Ref rounded = call.aten("aten::round", {scaled}, "rounded");
  if (zero_point != nullptr)
    rounded = call.add(rounded, call.cast(spread(call, zero_point, x, axis, block), through));
  const Ref made = call.cast(
      call.cast(call.aten("aten::clamp", {rounded, range.lowest, range.highest}), at::kLong), type);
  if (block == 0 && !made->data.defined())
    made->quantised = std::make_shared<const Term::Quantised>(
        Term::Quantised{x, scale, zero_point, axis, range.lowest, range.highest});
  return {made};
}

// What is computed in whole numbers has no gradient; a range that is measured would let through one
// that means nothing.
void warn_of_whole_numbers(Call& call) {
  call.program.warn("the model computes with whole numbers (" + std::string(call.node.type) +
                    "): no gradient passes there; methods that need none work");
}

Refs dynamic_quantize(Call& call) {
  warn_of_whole_numbers(call);
  const Ref x = call.aten("aten::detach", {call.in(0)}, "without_gradient");
  // The range always holds zero.
  const Ref high = call.aten("aten::clamp", {call.aten("aten::amax", {x}), 0.0, Arg()}, "highest"),
            low = call.aten("aten::clamp", {call.aten("aten::amin", {x}), Arg(), 0.0}, "lowest");
  const Ref scale = call.div(call.sub(high, low), 255.0);
  const Ref zero = call.aten(
      "aten::clamp",
      {call.aten("aten::round", {call.aten("aten::neg", {call.div(low, scale)})}), 0.0, 255.0});
  const Ref made = call.aten(
      "aten::clamp", {call.add(call.aten("aten::round", {call.div(x, scale)}), zero), 0.0, 255.0});
  return {call.cast(made, at::kByte), scale, call.cast(zero, at::kByte)};
}

// Products of 8-bit numbers are exact in float64.
Ref centred(Call& call, const Ref& x, const Ref& zero_point, std::int64_t axis) {
  const Ref real = call.cast(x, at::kDouble);
  if (zero_point == nullptr) return real;
  const Ref zero = call.cast(zero_point, at::kDouble);
  const std::int64_t rank = call.rank(x);
  if (rank_of(zero) == 1 && known_size(zero, 0) != 1 && axis < rank)
    return call.sub(real, call.along(zero, axis, rank));
  return call.sub(real, zero);
}

Ref requantised(Call& call, const Ref& real, const Ref& scale, const Ref& zero_point) {
  const at::ScalarType type = dtype_of(zero_point);
  const Range range = range_of(call, type);
  const Ref rounded = call.aten("aten::round", {call.div(real, call.cast(scale, at::kDouble))});
  const Ref placed = call.add(rounded, call.cast(zero_point, at::kDouble));
  return call.cast(
      call.cast(call.aten("aten::clamp", {placed, range.lowest, range.highest}), at::kLong), type);
}

Refs matmul_integer(Call& call) {
  warn_of_whole_numbers(call);
  const Ref a = call.in(0), b = call.in(1);
  const Ref left = centred(call, a, call.maybe(2), call.rank(a) - 2),
            right = centred(call, b, call.maybe(3), call.rank(b) - 1);
  return {call.cast(call.aten("aten::matmul", {left, right}), at::kInt)};
}

Refs conv_integer(Call& call) {
  warn_of_whole_numbers(call);
  const Ref x = centred(call, call.in(0), call.maybe(2), 1),
            weight = centred(call, call.in(1), call.maybe(3), 0);
  return {call.cast(convolved(call, x, weight, nullptr), at::kInt)};
}

Refs qlinear_matmul(Call& call) {
  warn_of_whole_numbers(call);
  const Ref a = call.in(0), b = call.in(3);
  const Ref left = centred(call, a, call.in(2), call.rank(a) - 2),
            right = centred(call, b, call.in(5), call.rank(b) - 1);
  const auto wide = [&](std::size_t i) { return call.cast(call.in(i), at::kDouble); };
  const Ref real = call.mul(call.mul(call.aten("aten::matmul", {left, right}), wide(1)), wide(4));
  return {requantised(call, real, call.in(6), call.in(7))};
}

Refs qlinear_conv(Call& call) {
  warn_of_whole_numbers(call);
  const Ref x = centred(call, call.in(0), call.in(2), 1),
            weight = centred(call, call.in(3), call.in(5), 0);
  const Ref bias = call.maybe(8) == nullptr ? nullptr : call.cast(call.maybe(8), at::kDouble);
  Ref scale = call.cast(call.in(4), at::kDouble);
  if (rank_of(scale) == 1 && known_size(scale, 0) != 1) scale = call.along(scale, 1, call.rank(x));
  const Ref real = call.mul(
      call.mul(convolved(call, x, weight, bias), call.cast(call.in(1), at::kDouble)), scale);
  return {requantised(call, real, call.in(6), call.in(7))};
}

constexpr Operator table[] = {
    {"ConvInteger", conv_integer},
    {"DequantizeLinear", dequantize},
    {"DynamicQuantizeLinear", dynamic_quantize},
    {"MatMulInteger", matmul_integer},
    {"QLinearConv", qlinear_conv},
    {"QLinearMatMul", qlinear_matmul},
    {"QuantizeLinear", quantize},
};

}  // namespace

std::span<const Operator> quantisation_operators() { return table; }

}  // namespace pellucid::from_onnx

// Constants, shapes as values, changes of type.
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {
namespace {

Refs constant(Call& call) {
  if (const AttributeRecord* value = call.attribute("value")) {
    if (value->tensor == nullptr) throw call.refuse("lacks its value");
    return {constant_term(call.program.tensor(*value->tensor))};
  }
  if (call.attribute("value_float") != nullptr)
    return {constant_term(at::scalar_tensor(call.real("value_float", 0), at::kFloat))};
  if (const auto value = call.integer("value_int"))
    return {constant_term(at::scalar_tensor(*value, at::kLong))};
  if (call.attribute("value_floats") != nullptr)
    return {constant_term(at::tensor(call.reals("value_floats")).to(at::kFloat))};
  if (const auto values = call.integers("value_ints"))
    return {constant_term(at::tensor(*values, at::kLong))};
  throw call.refuse("is neither a tensor nor a number");
}

Refs constant_of_shape(Call& call) {
  at::Tensor value = at::scalar_tensor(0.0, at::kFloat);
  if (const AttributeRecord* given = call.attribute("value"); given != nullptr && given->tensor)
    value = call.program.tensor(*given->tensor).reshape({-1});
  if (value.numel() != 1) throw call.refuse("wants one number as value");
  const std::vector<Number> sizes = call.body.numbers(call.in(0));
  // Of an empty or short shape the numbers stay numbers: shapes are made of them.
  if (sizes.size() == 1 && sizes[0].known() && sizes[0].constant.toInt() >= 0 &&
      sizes[0].constant.toInt() <= 64)
    return {constant_term(value.expand({sizes[0].constant.toInt()}).contiguous())};
  return {call.aten("aten::full", {sizes, c10::IValue(value.item()), value.scalar_type()})};
}

Refs shape(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t rank = call.rank(x);
  const auto place = [&](std::int64_t given) {
    return std::clamp(given < 0 ? given + rank : given, std::int64_t{0}, rank);
  };
  std::vector<Number> sizes;
  for (std::int64_t axis = place(call.integer("start", 0)); axis < place(call.integer("end", rank));
       ++axis)
    sizes.push_back(call.size(x, axis));
  return {numbers_term(std::move(sizes), false, at::kLong)};
}

Refs size(Call& call) {
  Number count = number(1);
  for (const Number& each : call.sizes(call.in(0)))
    count = call.body.arithmetic("mul", {count, each});
  return {numbers_term({count}, true, at::kLong)};
}

at::ScalarType type_of(const Call& call, std::int64_t code) {
  const auto type = scalar_type(code);
  if (!type) throw call.refuse("wants the type " + type_name(code) + ", which is not read");
  if (type_name(code).ends_with("int4") || type_name(code).ends_with("int2"))
    throw call.refuse("makes numbers of the type " + type_name(code));
  return *type;
}

Ref converted(Call& call, const Ref& x, at::ScalarType type) {
  const at::ScalarType from = dtype_of(x);
  // ATen turns a real number into an unsigned one by way of a signed one of the same size.
  if (c10::isFloatingType(from) &&
      (type == at::kByte || type == at::kUInt16 || type == at::kUInt32))
    return call.cast(call.cast(x, at::kLong), type);
  const bool to_float8 = c10::isFloat8Type(type);
  if (to_float8 && call.integer("saturate", 1) != 0 && type != at::kFloat8_e8m0fnu) {
    // Beyond the largest number lies the largest, not infinity.
    const double largest = type == at::kFloat8_e4m3fn     ? 448.0
                           : type == at::kFloat8_e4m3fnuz ? 240.0
                                                          : 57344.0;
    const Ref wide = call.cast(x, at::kFloat);
    return call.cast(call.aten("aten::clamp", {wide, -largest, largest}), type);
  }
  return call.cast(x, type);
}

Refs cast(Call& call) {
  return {converted(call, call.in(0), type_of(call, call.integer("to", 0)))};
}

Refs cast_like(Call& call) { return {converted(call, call.in(0), dtype_of(call.in(1)))}; }

Refs bit_cast(Call& call) {
  return {call.aten("aten::view.dtype", {call.in(0), type_of(call, call.integer("to", 0))})};
}

Refs range(Call& call) {
  const Ref start = call.in(0);
  const Number from = call.body.numbers(start).at(0), to = call.body.numbers(call.in(1)).at(0),
               step = call.body.numbers(call.in(2)).at(0);
  return {call.aten("aten::arange.start_step", {from, to, step, dtype_of(start)})};
}

Refs eye_like(Call& call) {
  const Ref x = call.in(0);
  const auto code = call.integer("dtype");
  const at::ScalarType type = code ? type_of(call, *code) : dtype_of(x);
  const std::int64_t k = call.integer("k", 0);
  // A one where column - row = k.
  const Ref rows = call.along(call.aten("aten::arange", {call.size(x, 0), at::kLong}), 0, 2),
            columns = call.along(call.aten("aten::arange", {call.size(x, 1), at::kLong}), 1, 2);
  return {call.cast(call.aten("aten::eq.Scalar", {call.sub(columns, rows), k}), type)};
}

Refs random_like(Call& call, const char* op) {
  const Ref x = call.in(0);
  const auto code = call.integer("dtype");
  return {call.aten(op, {x, code ? type_of(call, *code) : dtype_of(x)})};
}

Refs random_uniform_like(Call& call) {
  const Ref unit = random_like(call, "aten::rand_like")[0];
  const double low = call.real("low", 0.0), high = call.real("high", 1.0);
  return {call.add(call.mul(unit, high - low), low)};
}

Refs random_normal_like(Call& call) {
  const Ref unit = random_like(call, "aten::randn_like")[0];
  return {call.add(call.mul(unit, call.real("scale", 1.0)), call.real("mean", 0.0))};
}

constexpr Operator table[] = {
    {"BitCast", bit_cast},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape},
    {"EyeLike", eye_like},
    {"RandomNormalLike", random_normal_like},
    {"RandomUniformLike", random_uniform_like},
    {"Range", range},
    {"Shape", shape},
    {"Size", size},
};

}  // namespace

std::span<const Operator> creation_operators() { return table; }

}  // namespace pellucid::from_onnx

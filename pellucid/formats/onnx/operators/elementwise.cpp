// Arithmetic, comparisons and logic, element by element with ONNX's (NumPy's) broadcasting.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

// ATen computes with unsigned numbers of more than eight bits hardly anywhere: they go through
// int64, whose sums and products agree in all the bits that are kept.
bool is_wide_unsigned(const Ref& term) {
  return is_known(term) && (dtype_of(term) == at::kUInt16 || dtype_of(term) == at::kUInt32 ||
                            dtype_of(term) == at::kUInt64);
}

Ref widened(Call& call, const Ref& term) {
  return is_wide_unsigned(term) ? call.cast(term, at::kLong) : term;
}

template <const char* op>
Refs unary(Call& call) {
  const Ref x = call.in(0);
  if (!is_wide_unsigned(x)) return {call.aten(op, {x})};
  return {call.cast(call.aten(op, {widened(call, x)}), dtype_of(x))};
}

// Of operators whose result has the operands' type.
template <const char* op>
Refs binary(Call& call) {
  const Ref a = call.in(0), b = call.in(1);
  if (!is_wide_unsigned(a)) return {call.aten(op, {a, b})};
  return {call.cast(call.aten(op, {widened(call, a), widened(call, b)}), dtype_of(a))};
}

template <const char* op>
Refs comparison(Call& call) {
  return {call.aten(op, {widened(call, call.in(0)), widened(call, call.in(1))})};
}

Refs divide(Call& call) {
  const Ref a = call.in(0), b = call.in(1);
  if (!is_known(a) || c10::isFloatingType(dtype_of(a)) || c10::isComplexType(dtype_of(a)))
    return {call.div(a, b)};
  const Ref quotient =
      call.aten("aten::div.Tensor_mode", {widened(call, a), widened(call, b), "trunc"});
  return {is_wide_unsigned(a) ? call.cast(quotient, dtype_of(a)) : quotient};
}

Refs modulo(Call& call) {
  const bool like_c = call.integer("fmod", 0) != 0;
  const Ref a = call.in(0), b = call.in(1);
  const Ref rest = call.aten(like_c ? "aten::fmod.Tensor" : "aten::remainder.Tensor",
                             {widened(call, a), widened(call, b)});
  return {is_wide_unsigned(a) ? call.cast(rest, dtype_of(a)) : rest};
}

Refs power(Call& call) {
  const Ref base = call.in(0), exponent = call.in(1);
  const at::ScalarType type = dtype_of(base);
  // The result has the base's type, whatever the exponent's.
  if (exponent->data.defined() && exponent->data.numel() == 1 && exponent->data.dim() == 0 &&
      c10::isFloatingType(type))
    return {call.aten("aten::pow.Tensor_Scalar", {base, c10::IValue(exponent->data.item())})};
  if (dtype_of(exponent) == type && !is_wide_unsigned(base))
    return {call.aten("aten::pow.Tensor_Tensor", {base, exponent})};
  const bool real = c10::isFloatingType(type) || call.is_real(exponent);
  const at::ScalarType through =
      real ? (type == at::kDouble ? at::kDouble : at::kFloat) : at::kLong;
  return {call.cast(call.aten("aten::pow.Tensor_Tensor",
                              {call.cast(base, through), call.cast(exponent, through)}),
                    type)};
}

Ref folded(Call& call, const char* op) {
  Ref result = widened(call, call.in(0));
  for (std::size_t i = 1; i < call.count(); ++i)
    result = call.aten(op, {result, widened(call, call.in(i))});
  const Ref first = call.in(0);
  if (is_wide_unsigned(first)) return call.cast(result, dtype_of(first));
  return result;
}

Refs maximum(Call& call) { return {folded(call, "aten::maximum")}; }
Refs minimum(Call& call) { return {folded(call, "aten::minimum")}; }
Refs sum(Call& call) { return {folded(call, "aten::add.Tensor")}; }
Refs mean(Call& call) {
  const Ref total = folded(call, "aten::add.Tensor");
  return {call.div(total, static_cast<double>(call.count()))};
}

Refs bit_shift(Call& call) {
  const std::string direction = call.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    throw call.refuse("shifts neither LEFT nor RIGHT");
  const Ref a = call.in(0), b = call.in(1);
  const Ref shifted =
      call.aten(direction == "LEFT" ? "aten::__lshift__.Tensor" : "aten::__rshift__.Tensor",
                {widened(call, a), widened(call, b)});
  return {call.cast(shifted, dtype_of(a))};
}

Refs clip(Call& call) {
  const Ref x = call.in(0);
  if (call.opset < 11) {
    Arg low, high;
    if (call.attribute("min") != nullptr) low = call.real("min", 0);
    if (call.attribute("max") != nullptr) high = call.real("max", 0);
    if (call.attribute("min") == nullptr && call.attribute("max") == nullptr) return {x};
    return {call.aten("aten::clamp", {x, low, high})};
  }
  const Ref low = call.maybe(1), high = call.maybe(2);
  if (low == nullptr && high == nullptr) return {x};
  const auto is_plain = [](const Ref& term) {
    return term == nullptr || (term->data.defined() && term->data.numel() == 1 &&
                               term->data.scalar_type() != at::kUInt64);
  };
  const auto scalar = [](const Ref& term) {
    return term == nullptr ? Arg() : Arg(c10::IValue(term->data.item()));
  };
  if (is_wide_unsigned(x)) {
    return {call.cast(call.aten("aten::clamp.Tensor",
                                {widened(call, x), low == nullptr ? low : widened(call, low),
                                 high == nullptr ? high : widened(call, high)}),
                      dtype_of(x))};
  }
  if (is_plain(low) && is_plain(high))
    return {call.aten("aten::clamp", {x, scalar(low), scalar(high)})};
  return {call.aten("aten::clamp.Tensor", {x, low, high})};
}

Refs is_infinite(Call& call) {
  const bool negative = call.integer("detect_negative", 1) != 0,
             positive = call.integer("detect_positive", 1) != 0;
  const Ref x = call.in(0);
  if (negative && positive) return {call.aten("aten::isinf", {x})};
  if (negative) return {call.aten("aten::isneginf", {x})};
  if (positive) return {call.aten("aten::isposinf", {x})};
  return {call.aten("aten::zeros_like", {x, at::kBool})};
}

Refs where(Call& call) {
  const Ref a = call.in(1), b = call.in(2);
  return {call.aten("aten::where.self", {call.in(0), a, b})};
}

Refs identity(Call& call) { return {call.in(0)}; }

Refs reciprocal(Call& call) { return {call.aten("aten::reciprocal", {call.in(0)})}; }

#define PELLUCID_NAME(name, op) constexpr char name[] = "aten::" op;
PELLUCID_NAME(abs_, "abs")
PELLUCID_NAME(acos_, "acos")
PELLUCID_NAME(acosh_, "acosh")
PELLUCID_NAME(asin_, "asin")
PELLUCID_NAME(asinh_, "asinh")
PELLUCID_NAME(atan_, "atan")
PELLUCID_NAME(atanh_, "atanh")
PELLUCID_NAME(ceil_, "ceil")
PELLUCID_NAME(cos_, "cos")
PELLUCID_NAME(cosh_, "cosh")
PELLUCID_NAME(erf_, "erf")
PELLUCID_NAME(exp_, "exp")
PELLUCID_NAME(floor_, "floor")
PELLUCID_NAME(isnan_, "isnan")
PELLUCID_NAME(log_, "log")
PELLUCID_NAME(neg_, "neg")
PELLUCID_NAME(round_, "round")
PELLUCID_NAME(sign_, "sign")
PELLUCID_NAME(sin_, "sin")
PELLUCID_NAME(sinh_, "sinh")
PELLUCID_NAME(sqrt_, "sqrt")
PELLUCID_NAME(tan_, "tan")
PELLUCID_NAME(tanh_, "tanh")
PELLUCID_NAME(not_, "logical_not")
PELLUCID_NAME(bitwise_not_, "bitwise_not")
PELLUCID_NAME(add_, "add.Tensor")
PELLUCID_NAME(sub_, "sub.Tensor")
PELLUCID_NAME(mul_, "mul.Tensor")
PELLUCID_NAME(and_, "logical_and")
PELLUCID_NAME(or_, "logical_or")
PELLUCID_NAME(xor_, "logical_xor")
PELLUCID_NAME(bitwise_and_, "bitwise_and.Tensor")
PELLUCID_NAME(bitwise_or_, "bitwise_or.Tensor")
PELLUCID_NAME(bitwise_xor_, "bitwise_xor.Tensor")
PELLUCID_NAME(eq_, "eq.Tensor")
PELLUCID_NAME(lt_, "lt.Tensor")
PELLUCID_NAME(le_, "le.Tensor")
PELLUCID_NAME(gt_, "gt.Tensor")
PELLUCID_NAME(ge_, "ge.Tensor")
#undef PELLUCID_NAME

constexpr Operator table[] = {
    {"Abs", unary<abs_>},
    {"Acos", unary<acos_>},
    {"Acosh", unary<acosh_>},
    {"Add", binary<add_>},
    {"And", comparison<and_>},
    {"Asin", unary<asin_>},
    {"Asinh", unary<asinh_>},
    {"Atan", unary<atan_>},
    {"Atanh", unary<atanh_>},
    {"BitShift", bit_shift},
    {"BitwiseAnd", binary<bitwise_and_>},
    {"BitwiseNot", unary<bitwise_not_>},
    {"BitwiseOr", binary<bitwise_or_>},
    {"BitwiseXor", binary<bitwise_xor_>},
    {"Ceil", unary<ceil_>},
    {"Clip", clip},
    {"Cos", unary<cos_>},
    {"Cosh", unary<cosh_>},
    {"Div", divide},
    {"Equal", comparison<eq_>},
    {"Erf", unary<erf_>},
    {"Exp", unary<exp_>},
    {"Floor", unary<floor_>},
    {"Greater", comparison<gt_>},
    {"GreaterOrEqual", comparison<ge_>},
    {"Identity", identity},
    {"IsInf", is_infinite},
    {"IsNaN", unary<isnan_>},
    {"Less", comparison<lt_>},
    {"LessOrEqual", comparison<le_>},
    {"Log", unary<log_>},
    {"Max", maximum},
    {"Mean", mean},
    {"Min", minimum},
    {"Mod", modulo},
    {"Mul", binary<mul_>},
    {"Neg", unary<neg_>},
    {"Not", unary<not_>},
    {"Or", comparison<or_>},
    {"Pow", power},
    {"Reciprocal", reciprocal},
    {"Round", unary<round_>},
    {"Sign", unary<sign_>},
    {"Sin", unary<sin_>},
    {"Sinh", unary<sinh_>},
    {"Sqrt", unary<sqrt_>},
    {"Sub", binary<sub_>},
    {"Sum", sum},
    {"Tan", unary<tan_>},
    {"Tanh", unary<tanh_>},
    {"Where", where},
    {"Xor", comparison<xor_>},
};

}  // namespace

std::span<const Operator> elementwise_operators() { return table; }

}  // namespace pellucid::from_onnx

#include "pellucid/run/python_operators.h"

#include <cmath>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

using c10::IValue;

bool whole(const IValue& value) { return value.isInt() || value.isBool(); }
std::int64_t to_int(const IValue& value) {
  if (value.isDouble()) return static_cast<std::int64_t>(value.toDouble());
  return value.isBool() ? static_cast<std::int64_t>(value.toBool()) : value.toInt();
}
double to_real(const IValue& value) {
  return value.isDouble() ? value.toDouble() : static_cast<double>(to_int(value));
}
bool to_bool(const IValue& value) {
  return value.isDouble() ? value.toDouble() != 0.0 : to_int(value) != 0;
}

// Values from sizes of a hostile file must not overflow into undefined behaviour.
template <class Operation>
IValue checked(Operation operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (operation(a, b, &result)) throw model_error("a size overflows");
  return result;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) throw model_error("division by zero");
  if (b == -1) {
    std::int64_t negated = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &negated)) throw model_error("a size overflows");
    return negated;
  }
  const std::int64_t quotient = a / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

IValue power(const IValue& a, const IValue& b) {
  if (whole(a) && whole(b) && to_int(b) >= 0) {
    std::int64_t result = 1, base = to_int(a);
    for (std::int64_t exponent = to_int(b); exponent > 0; exponent >>= 1) {
      if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
        throw model_error("a size overflows");
      if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
        throw model_error("a size overflows");
    }
    return result;
  }
  return std::pow(to_real(a), to_real(b));
}

IValue to_whole(double value) {
  if (!(std::abs(value) < 9.2e18)) throw model_error("a size overflows");
  return static_cast<std::int64_t>(value);
}

IValue unary(std::string_view op, const IValue& a) {
  if (op == "neg")
    return whole(a)
               ? checked([](auto x, auto y, auto* r) { return __builtin_sub_overflow(x, y, r); }, 0,
                         to_int(a))
               : IValue(-to_real(a));
  if (op == "pos") return a;
  if (op == "abs")
    return whole(a) ? (to_int(a) < 0 ? unary("neg", a) : IValue(to_int(a)))
                    : IValue(std::abs(to_real(a)));
  if (op == "not_" || op == "sym_not") return !to_bool(a);
  if (op == "ceil") return to_whole(std::ceil(to_real(a)));
  if (op == "floor") return to_whole(std::floor(to_real(a)));
  if (op == "trunc" || op == "int" || op == "sym_int")
    return whole(a) ? IValue(to_int(a)) : to_whole(std::trunc(to_real(a)));
  if (op == "round") return whole(a) ? IValue(to_int(a)) : to_whole(std::nearbyint(to_real(a)));
  if (op == "sqrt") return std::sqrt(to_real(a));
  if (op == "float" || op == "sym_float") return to_real(a);
  if (op == "bool") return to_bool(a);
  throw model_error("no meaning of \"" + std::string(op) + "\" with one operand");
}

IValue binary(std::string_view op, const IValue& a, const IValue& b) {
  const bool both = whole(a) && whole(b);
  if (op == "add")
    return both ? checked([](auto x, auto y, auto* r) { return __builtin_add_overflow(x, y, r); },
                          to_int(a), to_int(b))
                : IValue(to_real(a) + to_real(b));
  if (op == "sub")
    return both ? checked([](auto x, auto y, auto* r) { return __builtin_sub_overflow(x, y, r); },
                          to_int(a), to_int(b))
                : IValue(to_real(a) - to_real(b));
  if (op == "mul")
    return both ? checked([](auto x, auto y, auto* r) { return __builtin_mul_overflow(x, y, r); },
                          to_int(a), to_int(b))
                : IValue(to_real(a) * to_real(b));
  if ((op == "truediv" || op == "floordiv" || op == "mod") && to_real(b) == 0.0)
    throw model_error("division by zero");
  if (op == "truediv") return to_real(a) / to_real(b);
  if (op == "floordiv")
    return both ? IValue(floor_divide(to_int(a), to_int(b)))
                : IValue(std::floor(to_real(a) / to_real(b)));
  if (op == "mod") {
    if (!both) return to_real(a) - to_real(b) * std::floor(to_real(a) / to_real(b));
    return to_int(a) - floor_divide(to_int(a), to_int(b)) * to_int(b);
  }
  if (op == "pow") return power(a, b);
  // Whole numbers beyond 2^53 are no doubles.
  const int order = both ? (to_int(a) > to_int(b)) - (to_int(a) < to_int(b))
                         : (to_real(a) > to_real(b)) - (to_real(a) < to_real(b));
  if (op == "eq") return order == 0;
  if (op == "ne") return order != 0;
  if (op == "lt") return order < 0;
  if (op == "le") return order <= 0;
  if (op == "gt") return order > 0;
  if (op == "ge") return order >= 0;
  if (op == "max" || op == "sym_max") return order >= 0 ? a : b;
  if (op == "min" || op == "sym_min") return order <= 0 ? a : b;
  const bool logical = a.isBool() && b.isBool();
  if (op == "and_")
    return logical ? IValue(a.toBool() && b.toBool()) : IValue(to_int(a) & to_int(b));
  if (op == "or_")
    return logical ? IValue(a.toBool() || b.toBool()) : IValue(to_int(a) | to_int(b));
  if (op == "xor")
    return logical ? IValue(a.toBool() != b.toBool()) : IValue(to_int(a) ^ to_int(b));
  if (op == "lshift" || op == "rshift") {
    const std::int64_t by = to_int(b);
    if (by < 0 || by > 62) throw model_error("a size overflows");
    return op == "lshift" ? binary("mul", a, IValue(std::int64_t{1} << by))
                          : IValue(to_int(a) >> by);
  }
  throw model_error("no meaning of \"" + std::string(op) + "\" with two operands");
}

}  // namespace

IValue evaluate_python(std::string_view op, std::span<const IValue> operands) {
  if (const auto colons = op.find("::"); colons != std::string_view::npos)
    op.remove_prefix(colons + 2);
  if (op == "getitem" && operands.size() == 2 && operands[0].isList()) {
    const auto list = operands[0].toListRef();
    std::int64_t index = to_int(operands[1]);
    if (index < 0) index += static_cast<std::int64_t>(list.size());
    if (index < 0 || index >= static_cast<std::int64_t>(list.size()))
      throw model_error("getitem beyond the list");
    return list[static_cast<std::size_t>(index)];
  }
  if (op == "sym_sum" && operands.size() == 1 && operands[0].isList()) {
    IValue sum = std::int64_t{0};
    for (const IValue& item : operands[0].toListRef()) sum = binary("add", sum, item);
    return sum;
  }
  for (const IValue& operand : operands) {
    if (!whole(operand) && !operand.isDouble())
      throw model_error(std::string(op) + " wants numbers");
  }
  if (op == "sym_ite" && operands.size() == 3)
    return to_bool(operands[0]) ? operands[1] : operands[2];
  if (operands.size() == 1) return unary(op, operands[0]);
  if (operands.size() == 2) return binary(op, operands[0], operands[1]);
  throw model_error(std::string(op) + " with " + std::to_string(operands.size()) + " operands");
}

}  // namespace pellucid

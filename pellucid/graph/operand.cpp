#include "pellucid/graph/operand.h"

#include <ATen/ScalarOps.h>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

using c10::TypeKind;

bool is_number(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isComplexDouble();
}

c10::TypePtr without_optional(const c10::TypePtr& type) {
  return type->kind() == TypeKind::OptionalType
             ? type->castRaw<c10::OptionalType>()->getElementType()
             : type;
}

c10::IValue fit_literal(const c10::IValue& value, const c10::TypePtr& type) {
  if (value.isNone()) return value;
  switch (type->kind()) {
    case TypeKind::TensorType:
      return is_number(value) ? c10::IValue(wrapped_number(value)) : value;
    case TypeKind::FloatType:
    case TypeKind::SymFloatType:
      if (value.isInt()) return static_cast<double>(value.toInt());
      return value;
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      if (value.isBool()) return static_cast<std::int64_t>(value.toBool());
      return value;
    case TypeKind::BoolType:
    case TypeKind::SymBoolType:
      if (value.isInt()) return value.toInt() != 0;
      return value;
    default:
      return value;
  }
}

bool literal_fits(const c10::IValue& value, const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::TensorType:
      return value.isTensor();
    case TypeKind::FloatType:
    case TypeKind::SymFloatType:
      return value.isDouble();
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return value.isInt();
    case TypeKind::BoolType:
    case TypeKind::SymBoolType:
      return value.isBool();
    case TypeKind::NumberType:
      return is_number(value);
    case TypeKind::StringType:
      return value.isString();
    case TypeKind::DeviceObjType:
      return value.isDevice();
    case TypeKind::ListType:
      return value.isList();
    default:
      return true;  // enumerations are integers; the call itself refuses the rest
  }
}

}  // namespace

c10::TypePtr plain_type(const c10::Argument& argument) {
  return without_optional(argument.real_type());
}

at::Tensor wrapped_number(const c10::IValue& number) {
  return at::native::wrapped_scalar_tensor(number.toScalar());
}

c10::IValue typed_list(std::vector<c10::IValue> items, const c10::TypePtr& element) {
  const auto make = [&](auto list, const auto& convert) {
    list.reserve(items.size());
    for (const c10::IValue& item : items) list.push_back(convert(item));
    return c10::IValue(std::move(list));
  };
  switch (element->kind()) {
    case TypeKind::TensorType:
      return make(c10::List<at::Tensor>(), [](const c10::IValue& item) { return item.toTensor(); });
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return make(c10::List<std::int64_t>(), [](const c10::IValue& item) { return item.toInt(); });
    case TypeKind::FloatType:
    case TypeKind::SymFloatType:
      return make(c10::List<double>(),
                  [](const c10::IValue& item) { return item.toScalar().toDouble(); });
    case TypeKind::BoolType:
    case TypeKind::SymBoolType:
      return make(c10::List<bool>(), [](const c10::IValue& item) { return item.toBool(); });
    case TypeKind::OptionalType:
      if (without_optional(element)->kind() == TypeKind::TensorType) {
        return make(c10::List<std::optional<at::Tensor>>(),
                    [](const c10::IValue& item) { return item.toOptional<at::Tensor>(); });
      }
      [[fallthrough]];
    default: {
      c10::impl::GenericList list(element);
      for (c10::IValue& item : items) list.push_back(std::move(item));
      return list;
    }
  }
}

Operand fit(const Operand& operand, const c10::Argument& argument) {
  const c10::TypePtr type = plain_type(argument);
  const bool optional = argument.real_type()->kind() == TypeKind::OptionalType;
  const auto refuse = [&](const std::string& got) -> Error {
    return model_error("argument \"" + argument.name() + "\" wants " + argument.real_type()->str() +
                       ", got " + got);
  };

  if (operand.is_value()) return operand;

  if (type->kind() == TypeKind::ListType) {
    const c10::TypePtr element = type->castRaw<c10::ListType>()->getElementType();
    std::vector<Operand> items;
    if (operand.is_list()) {
      items = operand.list();
    } else if (operand.constant().isNone()) {
      if (!optional) throw refuse("nothing");
      return operand;
    } else if (operand.constant().isList()) {
      for (const c10::IValue& item : operand.constant().toListRef()) items.push_back({item});
    } else {  // `stride=2` stands for [2, 2]
      items.assign(static_cast<std::size_t>(argument.N().value_or(1)), operand);
    }
    bool holds_values = false;
    for (Operand& item : items) {
      if (item.is_list()) throw refuse("a list of lists");
      if (item.is_value()) {
        holds_values = true;
        continue;
      }
      const c10::TypePtr plain = without_optional(element);
      const c10::IValue literal = fit_literal(item.constant(), plain);
      const bool may_be_none = element->kind() == TypeKind::OptionalType;
      if (!(literal.isNone() ? may_be_none : literal_fits(literal, plain)))
        throw refuse(literal.tagKind());
      item = {literal};
    }
    if (holds_values) return {std::move(items)};
    std::vector<c10::IValue> literals;
    literals.reserve(items.size());
    for (const Operand& item : items) literals.push_back(item.constant());
    return {typed_list(std::move(literals), element)};
  }

  if (operand.is_list()) {
    // Only a size of one can stand where a single number is wanted.
    throw refuse("a list");
  }
  if (operand.constant().isNone()) {
    if (!optional) throw refuse("nothing");
    return operand;
  }
  const c10::IValue literal = fit_literal(operand.constant(), type);
  if (!literal_fits(literal, type)) throw refuse(literal.tagKind());
  return {literal};
}

}  // namespace pellucid

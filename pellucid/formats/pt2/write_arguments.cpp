// arguments.cpp the other way round: the kind of a literal is what the operator's schema calls it,
// for dtypes, layouts and memory formats are integers to the dispatcher.
#include "pellucid/formats/pt2/write_arguments.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue_inl.h>
#include <ATen/core/jit_type.h>

#include <cmath>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/enums.h"
#include "pellucid/graph/operand.h"

namespace pellucid::pt2 {
namespace {

constexpr const char* no_kind = "a .pt2 file has no way to write it";

// JSON has no infinities: torch writes their names.
Json real(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

Json complex(c10::complex<double> number) {
  return {{"real", real(number.real())}, {"imag", real(number.imag())}};
}

template <class Enumeration>
Json enumerated(Enumeration value) {
  const auto number = number_of(value);
  if (!number) throw model_error("a type that the format has no number for").hint(no_kind);
  return *number;
}

Json scalar(const at::Tensor& wrapped) {
  const at::Scalar number = wrapped.item();
  if (number.isBoolean()) return {{"as_bool", number.toBool()}};
  if (number.isIntegral(false)) return {{"as_int", number.toLong()}};
  if (number.isComplex()) return {{"as_complex", complex(number.toComplexDouble())}};
  return {{"as_float", real(number.toDouble())}};
}

c10::TypeKind kind_of_type(const c10::Argument* argument) {
  if (argument == nullptr) return c10::TypeKind::AnyType;
  c10::TypePtr type = argument->real_type();
  while (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  return type->kind();
}

Json literal(const c10::IValue& value, c10::TypeKind type);

Json literal_list(const c10::IValue& value) {
  const auto items = value.toListRef();
  if (items.empty()) return {{"as_ints", Json::array()}};
  Json list = Json::array();
  const c10::IValue& first = items[0];
  const char* kind = first.isInt()      ? "as_ints"
                     : first.isDouble() ? "as_floats"
                     : first.isBool()   ? "as_bools"
                     : first.isString() ? "as_strings"
                     : first.isNone()   ? "as_optional_tensors"
                                        : nullptr;
  if (kind == nullptr) throw model_error("a list of " + first.tagKind()).hint(no_kind);
  for (const c10::IValue& item : items) {
    if (item.tagKind() != first.tagKind())
      throw model_error("a list of several kinds").hint(no_kind);
    if (item.isInt()) list.push_back(item.toInt());
    if (item.isDouble()) list.push_back(real(item.toDouble()));
    if (item.isBool()) list.push_back(item.toBool());
    if (item.isString()) list.push_back(item.toStringRef());
    if (item.isNone()) list.push_back({{"as_none", true}});
  }
  return {{kind, std::move(list)}};
}

Json literal(const c10::IValue& value, c10::TypeKind type) {
  if (value.isNone() || (value.isTensor() && !value.toTensor().defined()))
    return {{"as_none", true}};
  if (value.isTensor()) return scalar(value.toTensor());
  if (value.isBool()) return {{"as_bool", value.toBool()}};
  if (value.isInt()) {
    if (type == c10::TypeKind::ScalarTypeType)
      return {{"as_scalar_type", enumerated(static_cast<at::ScalarType>(value.toInt()))}};
    if (type == c10::TypeKind::LayoutType)
      return {{"as_layout", enumerated(static_cast<at::Layout>(value.toInt()))}};
    if (type == c10::TypeKind::MemoryFormatType)
      return {{"as_memory_format", enumerated(static_cast<at::MemoryFormat>(value.toInt()))}};
    return {{"as_int", value.toInt()}};
  }
  if (value.isDouble()) return {{"as_float", real(value.toDouble())}};
  if (value.isComplexDouble()) return {{"as_complex", complex(value.toComplexDouble())}};
  if (value.isString()) return {{"as_string", value.toStringRef()}};
  if (value.isDevice()) return {{"as_device", {{"type", "cpu"}, {"index", nullptr}}}};
  if (value.isList()) return literal_list(value);
  throw model_error("an operand of type " + value.tagKind()).hint(no_kind);
}

// {"as_int": 1}, {"as_int": 2} → {"as_ints": [1, 2]}; lists of lists alike.
Json literals_of(const std::vector<Json>& items) {
  const std::string own = items.at(0).begin().key();
  Json list = Json::array();
  for (const Json& each : items) {
    if (each.begin().key() != own) throw model_error("a list of several kinds").hint(no_kind);
    list.push_back(own == "as_none" ? each : each.begin().value());
  }
  if (own == "as_none") return {{"as_optional_tensors", std::move(list)}};
  const bool nested = own.ends_with('s');
  return {{nested ? own.substr(0, own.size() - 1) + "_lists" : own + "s", std::move(list)}};
}

// A list with values in it: all tensors (or none), or all numbers of one kind.
Json list_of(const Graph& graph, const Measurement& run, const std::vector<Operand>& items,
             const c10::Argument* argument) {
  Json list = Json::array();
  std::string kind;
  bool optional = false;
  if (argument != nullptr) {
    if (const auto type = plain_type(*argument)->cast<c10::ListType>())
      optional = type->getElementType()->kind() == c10::TypeKind::OptionalType;
  }
  std::vector<Json> written;
  for (const Operand& item : items) {
    if (item.is_list()) throw model_error("a list of lists of values").hint(no_kind);
    written.push_back(argument_of(graph, run, item, nullptr));
    const std::string own = written.back().begin().key();
    if (item.is_value() && kind.empty()) kind = own;
    optional = optional || own == "as_none";
  }
  if (kind.empty()) return literals_of(written);
  const bool tensors = kind == "as_tensor";
  const std::string plain = tensors ? "" : "as_" + kind.substr(std::string("as_sym_").size());
  for (const Json& each : written) {
    const std::string own = each.begin().key();
    const Json& content = each.begin().value();
    if (tensors && optional && (own == "as_tensor" || own == "as_none"))
      list.push_back(each);
    else if (own == kind)
      list.push_back(content);
    else if (!tensors && own == plain)
      list.push_back({{plain, content}});
    else
      throw model_error("a list of several kinds").hint(no_kind);
  }
  if (tensors) return {{optional ? "as_optional_tensors" : "as_tensors", std::move(list)}};
  return {{kind + "s", std::move(list)}};
}

}  // namespace

Json value_argument(const Graph& graph, const Measurement& run, ValueId id) {
  const Value& value = graph.value(id);
  const auto& measured = run.values[static_cast<std::size_t>(id)];
  if (!measured || measured->number.isNone()) return {{"as_tensor", {{"name", value.name}}}};
  const c10::IValue& number = measured->number;
  const char* kind = number.isBool()     ? "as_sym_bool"
                     : number.isDouble() ? "as_sym_float"
                     : number.isInt()    ? "as_sym_int"
                                         : nullptr;
  if (kind == nullptr) {
    throw model_error("the value \"" + value.name + "\" is a " + number.tagKind()).hint(no_kind);
  }
  return {{kind, {{"as_name", value.name}}}};
}

Json argument_of(const Graph& graph, const Measurement& run, const Operand& operand,
                 const c10::Argument* argument) {
  if (operand.is_value()) return value_argument(graph, run, operand.value());
  if (operand.is_list()) {
    if (operand.list().empty()) return {{"as_tensors", Json::array()}};
    return list_of(graph, run, operand.list(), argument);
  }
  return literal(operand.constant(), kind_of_type(argument));
}

bool is_default(const Operand& operand, const c10::Argument& argument) {
  if (operand.is_value() || operand.is_list() || !argument.default_value()) return false;
  const c10::IValue &given = operand.constant(), &usual = *argument.default_value();
  if (given.isTensor() || usual.isTensor()) return false;
  if (given.isNone() || usual.isNone()) return given.isNone() && usual.isNone();
  if (given.tagKind() != usual.tagKind()) return false;
  return given == usual;
}

}  // namespace pellucid::pt2

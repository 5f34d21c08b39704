// The Argument union of torch's export schema, version 8. Places become the CPU: where a model runs
// is chosen when it runs, not when it was exported.
#include "pellucid/formats/pt2/arguments.h"

#include <ATen/core/List.h>
#include <ATen/core/ivalue_inl.h>
#include <c10/util/complex.h>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/enums.h"

namespace pellucid::pt2 {
namespace {

using Use = std::function<ValueId(std::string_view)>;

template <class Number, class Read>
Operand literals(const JsonItem& list, Read read) {
  c10::List<Number> numbers;
  for (const JsonItem& item : list.array()) numbers.push_back(read(item));
  return {c10::IValue(std::move(numbers))};
}

template <class Read>
Operand operands(const JsonItem& list, Read read) {
  std::vector<Operand> items;
  for (const JsonItem& item : list.array()) items.push_back(read(item));
  return {std::move(items)};
}

// A list in which some entries are values; a plain literal when none is.
template <class Number, class Read>
Operand symbolic_list(const JsonItem& list, std::string_view literal, const Use& use, Read read) {
  bool all_literal = true;
  for (const JsonItem& item : list.array())
    all_literal = all_literal && kind_of(item).key() == literal;
  if (all_literal)
    return literals<Number>(list, [&](const JsonItem& item) { return read(kind_of(item)); });
  return operands(list, [&](const JsonItem& item) -> Operand {
    const JsonItem& kind = kind_of(item);
    if (kind.key() == literal) return {c10::IValue(read(kind))};
    return {use(kind.text())};
  });
}

std::int64_t integer(const JsonItem& item) { return item.integer(); }
double real(const JsonItem& item) { return item.real(); }
bool boolean(const JsonItem& item) { return item.boolean(); }

Operand tensor(const JsonItem& argument, const Use& use) {
  return {use(argument.at("name").text())};
}

Operand optional_tensor(const JsonItem& argument, const Use& use) {
  const JsonItem& kind = kind_of(argument);
  if (kind.key() == "as_none") return {c10::IValue()};
  return tensor(kind, use);
}

// Dtypes, layouts and memory formats are integers in operator schemas.
template <class Value>
Operand enumerator(const JsonItem& number, std::optional<Value> value, const char* what) {
  if (!value)
    throw model_error("unknown " + std::string(what) + " number " +
                      std::to_string(number.integer()));
  return {c10::IValue(static_cast<std::int64_t>(*value))};
}

}  // namespace

const JsonItem& kind_of(const JsonItem& argument) {
  const JsonItem* kind = nullptr;
  for (const JsonItem& member : argument.members()) {
    if (member.is_null()) continue;
    if (kind != nullptr)
      throw model_error("an argument has two kinds: " + std::string(kind->key()) + " and " +
                        std::string(member.key()));
    kind = &member;
  }
  if (kind == nullptr) throw model_error("an argument has no kind");
  return *kind;
}

std::string_view value_name(const JsonItem& argument) {
  const JsonItem& kind = kind_of(argument);
  const std::string_view key = kind.key();
  if (key == "as_tensor") return kind.at("name").text();
  if (key == "as_optional_tensor") return value_name(kind);
  if (key == "as_sym_int" || key == "as_sym_float" || key == "as_sym_bool") {
    const JsonItem& symbol = kind_of(kind);
    return symbol.key() == "as_name" ? symbol.text() : std::string_view();
  }
  return {};
}

Operand operand_of(const JsonItem& argument, const Use& use) {
  const JsonItem& kind = kind_of(argument);
  const std::string_view key = kind.key();
  if (key == "as_tensor") return tensor(kind, use);
  if (key == "as_none") return {c10::IValue()};
  if (key == "as_int") return {c10::IValue(kind.integer())};
  if (key == "as_float") return {c10::IValue(kind.real())};
  if (key == "as_bool") return {c10::IValue(kind.boolean())};
  if (key == "as_string") return {c10::IValue(std::string(kind.text()))};
  if (key == "as_operator") return {c10::IValue(std::string(kind.text()))};
  if (key == "as_complex")
    return {c10::IValue(c10::complex<double>(kind.at("real").real(), kind.at("imag").real()))};
  if (key == "as_ints") return literals<std::int64_t>(kind, integer);
  if (key == "as_floats") return literals<double>(kind, real);
  if (key == "as_bools") return literals<bool>(kind, boolean);
  if (key == "as_strings")
    return literals<std::string>(kind,
                                 [](const JsonItem& item) { return std::string(item.text()); });
  if (key == "as_tensors")
    return operands(kind, [&](const JsonItem& item) { return tensor(item, use); });
  if (key == "as_optional_tensors")
    return operands(kind, [&](const JsonItem& item) { return optional_tensor(item, use); });
  if (key == "as_optional_tensor") return optional_tensor(kind, use);
  if (key == "as_nested_tensors") {
    return operands(kind, [&](const JsonItem& row) {
      return operands(row, [&](const JsonItem& item) { return tensor(item, use); });
    });
  }
  if (key == "as_int_lists")
    return operands(kind, [](const JsonItem& row) { return literals<std::int64_t>(row, integer); });
  if (key == "as_float_lists")
    return operands(kind, [](const JsonItem& row) { return literals<double>(row, real); });
  if (key == "as_sym_ints") return symbolic_list<std::int64_t>(kind, "as_int", use, integer);
  if (key == "as_sym_floats") return symbolic_list<double>(kind, "as_float", use, real);
  if (key == "as_sym_bools") return symbolic_list<bool>(kind, "as_bool", use, boolean);
  if (key == "as_sym_int" || key == "as_sym_float" || key == "as_sym_bool") {
    const JsonItem& symbol = kind_of(kind);
    if (symbol.key() == "as_name") return {use(symbol.text())};
    if (key == "as_sym_int") return {c10::IValue(symbol.integer())};
    return key == "as_sym_float" ? Operand{c10::IValue(symbol.real())}
                                 : Operand{c10::IValue(symbol.boolean())};
  }
  if (key == "as_scalar_type") return enumerator(kind, scalar_type(kind.integer()), "dtype");
  if (key == "as_layout") return enumerator(kind, layout(kind.integer()), "layout");
  if (key == "as_memory_format")
    return enumerator(kind, memory_format(kind.integer()), "memory format");
  if (key == "as_device") return {c10::IValue(c10::Device(c10::kCPU))};
  if (key == "as_custom_obj") {
    const JsonItem* type = kind.find("class_fqn");
    throw model_error("a custom object" +
                      (type == nullptr ? "" : " of class " + std::string(type->text())));
  }
  throw model_error("an argument of unknown kind " + std::string(key));
}

void for_each_name(const JsonItem& argument, const std::function<void(std::string_view)>& visit) {
  if (kind_of(argument).key() == "as_graph") return;
  operand_of(argument, [&](std::string_view name) {
    visit(name);
    return ValueId{0};
  });
}

std::string problem_of(const JsonItem& argument) {
  try {
    for_each_name(argument, [](std::string_view) {});
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace pellucid::pt2

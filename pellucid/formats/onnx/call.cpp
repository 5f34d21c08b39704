// Attributes and operands by kind, with the checks that each operator would need to repeat.
#include "pellucid/formats/onnx/call.h"

#include "pellucid/base/error.h"

namespace pellucid::from_onnx {

Ref Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->around) {
    if (const auto found = scope->names.find(name); found != scope->names.end())
      return found->second;
  }
  return nullptr;
}

Error Call::refuse(const std::string& why) const {
  return model_error("the operator " + std::string(node.type) + " " + why);
}

Ref Call::in(std::size_t i) const {
  if (i >= inputs_.size() || inputs_[i] == nullptr)
    throw refuse("lacks its input " + std::to_string(i));
  return inputs_[i];
}

std::size_t Call::results() const {
  std::size_t count = node.outputs.size();
  while (count > 0 && node.outputs[count - 1].empty()) --count;
  return count;
}

const AttributeRecord* Call::attribute(std::string_view name) const {
  for (const AttributeRecord& each : node.attributes) {
    if (each.name != name) continue;
    if (each.refers_to.empty()) return &each;
    if (scope.attributes == nullptr) return nullptr;
    const auto found = scope.attributes->find(each.refers_to);
    return found == scope.attributes->end() ? nullptr : found->second;
  }
  return nullptr;
}

std::optional<std::int64_t> Call::integer(std::string_view name) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return std::nullopt;
  if (!found->integer && found->type != 0 && found->type != 2)
    throw refuse("wants a whole number as " + std::string(name));
  return found->integer.value_or(0);
}

std::int64_t Call::integer(std::string_view name, std::int64_t fallback) const {
  return integer(name).value_or(fallback);
}

double Call::real(std::string_view name, double fallback) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return fallback;
  if (!found->real && found->type != 0 && found->type != 1)
    throw refuse("wants a number as " + std::string(name));
  return static_cast<double>(found->real.value_or(0.0F));
}

std::string Call::text(std::string_view name, std::string_view fallback) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return std::string(fallback);
  return std::string(found->text.value_or(""));
}

std::optional<std::vector<std::int64_t>> Call::integers(std::string_view name) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return std::nullopt;
  return found->integers;
}

std::vector<double> Call::reals(std::string_view name) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return {};
  return {found->reals.begin(), found->reals.end()};
}

std::vector<std::string> Call::texts(std::string_view name) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr) return {};
  return {found->texts.begin(), found->texts.end()};
}

const GraphRecord& Call::graph(std::string_view name) const {
  const AttributeRecord* found = attribute(name);
  if (found == nullptr || found->graph == nullptr)
    throw refuse("lacks the graph " + std::string(name));
  return *found->graph;
}

Ref Call::aten(std::string_view op, Args args, const char* what) {
  return body.call(op, std::move(args), 1, what)[0];
}

Refs Call::many(std::string_view op, Args args, std::size_t results, const char* what) {
  return body.call(op, std::move(args), results, what);
}

Refs Call::list(std::string_view op, Args args, std::size_t results, const char* what) {
  return body.call_list(op, std::move(args), results, what);
}

std::vector<std::int64_t> Call::all_axes(const Ref& term) const {
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i < rank(term); ++i) axes.push_back(i);
  return axes;
}

std::vector<Number> Call::sizes(const Ref& term) {
  std::vector<Number> made;
  for (std::int64_t i = 0; i < rank(term); ++i) made.push_back(size(term, i));
  return made;
}

std::int64_t Call::axis(std::int64_t given, std::int64_t rank) const {
  const std::int64_t axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis >= rank) {
    throw refuse("has no axis " + std::to_string(given) + " of " + std::to_string(rank));
  }
  return axis;
}

std::vector<std::int64_t> Call::axes(std::vector<std::int64_t> given, std::int64_t rank) const {
  for (std::int64_t& each : given) each = axis(each, rank);
  return given;
}

std::vector<std::int64_t> Call::constants(const Ref& term, const char* what) const {
  std::vector<std::int64_t> made;
  // What a tensor computes is not asked for, so that no node is made in vain.
  if (!term->data.defined() && !term->numbers)
    throw refuse(std::string("needs ") + what + " that do not depend on the inputs");
  for (const Number& each : body.numbers(term)) {
    if (!each.known() || !each.constant.isInt())
      throw refuse(std::string("needs ") + what + " that do not depend on the inputs' sizes");
    made.push_back(each.constant.toInt());
  }
  return made;
}

double Call::constant(const Ref& term, const char* what) const {
  if (!term->data.defined() || term->data.numel() != 1)
    throw refuse(std::string("needs ") + what +
                 " as one number that does not depend on the inputs");
  return term->data.item().toDouble();
}

std::optional<std::vector<std::int64_t>> Call::constants(std::size_t input,
                                                         const char* attribute) const {
  if (const Ref given = maybe(input)) return constants(given, attribute);
  return integers(attribute);
}

Ref Call::cast(const Ref& term, at::ScalarType type) {
  if (is_known(term) && dtype_of(term) == type) return term;
  return aten("aten::to.dtype", {term, type}, "cast");
}

Ref Call::along(const Ref& vector, std::int64_t axis, std::int64_t rank) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(rank), 1);
  sizes.at(static_cast<std::size_t>(axis)) = -1;
  return reshape(vector, sizes);
}

}  // namespace pellucid::from_onnx

// Arithmetic on sizes. Traces do it with tensors of one number ("prim::NumToTensor"); a number
// stands for them here, until an operator takes it for a tensor.
#include <map>

#include "pellucid/formats/torchscript/interpreter.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

// TorchScript's name → the graph's.
const std::map<std::string_view, std::string_view>& arithmetic() {
  static const std::map<std::string_view, std::string_view> table = {
      {"aten::add", "add"},
      {"aten::sub", "sub"},
      {"aten::mul", "mul"},
      {"aten::div", "truediv"},
      {"aten::true_divide", "truediv"},
      {"aten::floordiv", "floordiv"},
      {"aten::floor_divide", "floordiv"},
      {"aten::remainder", "mod"},
      {"aten::neg", "neg"},
      {"aten::eq", "eq"},
      {"aten::ne", "ne"},
      {"aten::lt", "lt"},
      {"aten::le", "le"},
      {"aten::gt", "gt"},
      {"aten::ge", "ge"},
      {"aten::__and__", "and_"},
      {"aten::__or__", "or_"},
      {"aten::__xor__", "xor"},
      {"aten::__not__", "not_"},
      {"aten::__lshift__", "lshift"},
      {"aten::__rshift__", "rshift"},
      {"aten::pow", "pow"},
      {"aten::Int", "int"},
      {"aten::IntImplicit", "int"},
      {"aten::Float", "float"},
      {"aten::FloatImplicit", "float"},
      {"aten::Bool", "bool"},
      {"aten::ceil", "ceil"},
      {"aten::floor", "floor"},
      {"aten::sqrt", "sqrt"},
      {"aten::trunc", "trunc"},
      {"aten::round", "round"},
      {"prim::max", "max"},
      {"prim::min", "min"},
      {"prim::abs", "abs"},
      {"aten::abs", "abs"},
      {"aten::logical_and", "and_"},
      {"aten::logical_or", "or_"},
      {"aten::logical_not", "not_"}};
  return table;
}

// These hand a number on as it is.
bool passes_on(std::string_view name) {
  return name == "aten::ScalarImplicit" || name == "aten::item" || name == "aten::detach" ||
         name == "aten::contiguous" || name == "aten::clone" || name == "aten::cpu";
}

bool is_one(const Item& item) {
  const c10::IValue* value = literal(item);
  return value != nullptr && value->isInt() && value->toInt() == 1;
}

// A number where the schema has a tensor.
bool stands_for_tensor(const jit::Node& node, const std::vector<Item>& inputs) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return false;
  for (std::size_t i = 0; i < inputs.size() && i < schema->arguments().size(); ++i) {
    if (is_number(inputs[i]) && schema->arguments()[i].type()->kind() == c10::TypeKind::TensorType)
      return true;
  }
  return false;
}

// Traces have literals as tensors, too. Those of fewer digits than a number has stay tensors.
Item as_number(const Item& item, const Recorder& recorder) {
  const Symbol* known = symbol(item);
  if (known == nullptr || !known->is_tensor || !recorder.is_exact(*known)) return item;
  const at::Tensor& tensor = known->examples[0].toTensor();
  if (!tensor.defined() || tensor.dim() != 0 ||
      (tensor.scalar_type() != at::kLong && tensor.scalar_type() != at::kDouble))
    return item;
  return c10::IValue(tensor.item());
}

}  // namespace

bool changes_number(const jit::Node& node, const std::vector<Item>& inputs) {
  const std::string_view name = node.kind().toQualString();
  return name.ends_with('_') && !name.ends_with("__") && !inputs.empty() && is_number(inputs[0]) &&
         stands_for_tensor(node, inputs);
}

std::optional<Item> number_call(const jit::Node& node, const std::vector<Item>& given,
                                Recorder& recorder, const Origin& origin) {
  std::string name = node.kind().toQualString();
  if (std::none_of(given.begin(), given.end(), is_number)) return std::nullopt;
  if (changes_number(node, given)) name.pop_back();
  std::vector<Item> inputs;
  for (const Item& item : given) inputs.push_back(as_number(item, recorder));
  if (!is_number(inputs[0])) return std::nullopt;
  const bool stands = stands_for_tensor(node, given);
  const bool any_symbol =
      std::any_of(inputs.begin(), inputs.end(), [](const Item& item) { return symbol(item); });
  if (!stands && !any_symbol) return std::nullopt;
  if (std::any_of(inputs.begin(), inputs.end(), holds_tensor)) return std::nullopt;

  if (passes_on(name)) return inputs[0];
  if (name == "aten::to" || name == "aten::type_as" || name == "prim::dtype") {
    if (name != "aten::to") return std::nullopt;
    const c10::IValue* dtype = inputs.size() > 1 ? literal(inputs[1]) : nullptr;
    if (dtype == nullptr || !dtype->isInt()) return inputs[0];
    const auto type = dtype->toScalarType();
    if (type == at::kBool) return recorder.number("bool", {inputs[0]}, origin);
    return recorder.number(at::isFloatingType(type) ? "float" : "int", {inputs[0]}, origin);
  }
  if (name == "aten::__range_length" && inputs.size() == 3 && is_one(inputs[2])) {
    const Item length = recorder.number("sub", {inputs[1], inputs[0]}, origin);
    return recorder.number("max", {length, c10::IValue(std::int64_t{0})}, origin);
  }
  if (name == "aten::__derive_index" && inputs.size() == 3) {
    const Item scaled = recorder.number("mul", {inputs[0], inputs[2]}, origin);
    return recorder.number("add", {scaled, inputs[1]}, origin);
  }
  const auto found = arithmetic().find(name);
  if (found == arithmetic().end()) return std::nullopt;
  std::string_view op = found->second;
  std::vector<Item> operands = inputs;
  if ((op == "add" || op == "sub") && operands.size() == 3) {
    if (!is_one(operands[2])) return std::nullopt;  // alpha
    operands.pop_back();
  }
  if (op == "truediv" && operands.size() == 3) {
    const c10::IValue* mode = literal(operands[2]);
    if (mode == nullptr) return std::nullopt;
    operands.pop_back();
    if (mode->isString() && mode->toStringRef() == "floor") op = "floordiv";
    if (mode->isString() && mode->toStringRef() == "trunc")
      return recorder.number("int", {recorder.number("truediv", operands, origin)}, origin);
  }
  for (const Item& item : operands)
    if (!is_number(item)) return std::nullopt;
  return recorder.number(op, operands, origin);
}

}  // namespace pellucid::script

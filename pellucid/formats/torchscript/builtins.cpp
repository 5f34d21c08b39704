// Operators: those that concern containers, numbers and a tensor's properties are settled while the
// graph is built; the rest are nodes, under the names that torch.export gives them.
#include <torch/csrc/jit/runtime/operator.h>

#include "pellucid/formats/torchscript/interpreter.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

std::optional<c10::OperatorHandle> dispatched(const std::string& name,
                                              const std::string& overload) {
  return c10::Dispatcher::singleton().findSchema({name, overload});
}

Item literal_or(const std::vector<Item>& inputs, std::size_t index) {
  return index < inputs.size() ? inputs[index] : Item{c10::IValue()};
}

// Traces have the operator below conv2d(); its rank says which convolution was called.
std::optional<std::pair<c10::OperatorHandle, std::vector<Item>>> plain_convolution(
    const std::vector<Item>& inputs) {
  if (inputs.size() < 9) return std::nullopt;
  const Symbol* x = symbol(inputs[0]);
  const c10::IValue* transposed = literal(inputs[6]);
  if (x == nullptr || transposed == nullptr || !transposed->isBool() || !x->examples[0].isTensor())
    return std::nullopt;
  const Symbol* weight = symbol(inputs[1]);
  if (weight == nullptr) return std::nullopt;
  const std::int64_t rank = weight->examples[0].toTensor().dim() - 2;
  if (rank < 1 || rank > 3) return std::nullopt;
  const std::string dimensions = std::to_string(rank) + "d";
  if (transposed->toBool()) {
    const auto handle = dispatched("aten::conv_transpose" + dimensions, rank == 1 ? "" : "input");
    if (!handle) return std::nullopt;
    return std::pair{*handle, std::vector<Item>{inputs[0], inputs[1], inputs[2], inputs[3],
                                                inputs[4], inputs[7], inputs[8], inputs[5]}};
  }
  const auto handle = dispatched("aten::conv" + dimensions, "");
  if (!handle) return std::nullopt;
  return std::pair{*handle, std::vector<Item>{inputs[0], inputs[1], inputs[2], inputs[3], inputs[4],
                                              inputs[5], inputs[8]}};
}

// TorchScript's own spellings of operators that take a list of optional tensors.
std::string plain_overload(const std::string& overload) {
  if (overload == "Tensor_hacked_twin") return "Tensor";
  return overload == "hacked_twin" ? "" : overload;
}

bool makes_tensor(const jit::Node& node) {
  for (const jit::Value* output : node.outputs()) {
    const c10::TypePtr type = output->type();
    if (type->isSubtypeOf(*c10::OptionalType::create(c10::TensorType::get()))) return true;
  }
  return false;
}

}  // namespace

std::vector<Item> Interpreter::run_builtin(const jit::Node& node, std::vector<Item> inputs) {
  const Origin origin = origin_of(node);
  const std::string name = node.kind().toQualString();
  if (auto done = container_call(node, inputs, recorder_, origin)) return *std::move(done);
  if (auto done = property_call(node, inputs, recorder_, origin)) return {*std::move(done)};
  if (auto done = number_call(node, inputs, recorder_, origin)) return {*std::move(done)};

  if (auto done = fused_call(node, inputs, recorder_, origin)) return *std::move(done);
  if (name == "aten::_convolution" || name == "aten::convolution") {
    if (auto plain = plain_convolution(inputs))
      return recorder_.call(plain->first, plain->second, origin);
  }
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) throw Unsupported{model_error("what is not read: " + name)};
  std::string overload = plain_overload(schema->overload_name());
  // A number of repeats that a trace has as a tensor: sizes say how many, not content.
  if (name == "aten::repeat_interleave" && overload == "self_Tensor" && is_number(inputs[1]))
    overload = "self_int";
  auto handle = dispatched(schema->name(), overload);
  const bool tensors =
      makes_tensor(node) || std::any_of(inputs.begin(), inputs.end(), holds_tensor);
  if (handle && tensors) return recorder_.call(*handle, inputs, origin);

  // What TorchScript alone has, on what is known: it is computed now.
  if (std::all_of(inputs.begin(), inputs.end(), is_known)) {
    jit::Stack stack;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      stack.push_back(value_of(inputs[i], node.input(i)->type()));
    if (schema->is_vararg()) stack.emplace_back(static_cast<std::int64_t>(inputs.size()));
    node.getOperation()(stack);
    std::vector<Item> made;
    for (const c10::IValue& value : stack) {
      if (value.isTensor() && value.toTensor().defined())
        made.emplace_back(recorder_.constant(value.toTensor(), recorder_.fresh("literal"),
                                             ConstantKind::literal));
      else
        made.push_back(item_of(value, &recorder_.scope()));
    }
    return made;
  }
  // A text with a size in it: a message's, which nothing else is made of.
  if (name == "aten::format") return {c10::IValue()};
  if (name == "aten::tensor" || name == "aten::as_tensor") {
    const auto scalar = dispatched("aten::scalar_tensor", "");
    if (scalar && is_number(inputs[0]))
      return recorder_.call(
          *scalar,
          {inputs[0], literal_or(inputs, 1), c10::IValue(), literal_or(inputs, 2), c10::IValue()},
          origin);
  }
  std::string given;
  for (const Item& item : inputs) given += (given.empty() ? "" : ", ") + kind_of(item);
  throw Unsupported{model_error("unknown operator " + name +
                                (overload.empty() ? "" : "." + overload) + " on " + given)};
}

}  // namespace pellucid::script

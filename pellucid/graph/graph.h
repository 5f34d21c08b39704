// A network as an immutable list of operator calls on named values.
//
// Every value has one name and is defined once: by an input, a constant or a node. "A hook" is a
// value's name. Only GraphBuilder makes a Graph; a rewrite takes one and returns another.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace pellucid {

using ValueId = std::int32_t;
inline constexpr ValueId no_value = -1;

// What the file says of a value before anything runs.
struct Value {
  std::string name;
  bool is_tensor = true;                           // false: a symbolic number or truth value
  std::optional<at::ScalarType> dtype;             // of a tensor, if the file tells
  std::vector<std::optional<std::int64_t>> shape;  // of a tensor; nullopt: a symbolic size
};

// Where a node comes from, in the user's own words.
struct Origin {
  std::string module_path;   // "layer4.2.conv3"; empty: the model itself
  std::string module_class;  // "torch.nn.modules.conv.Conv2d"
  std::string source;        // "torchvision/models/resnet.py:154"
};

class Graph;

// An operand: a constant, a value, nothing, or a list of operands (a list with no value in it is a
// constant).
struct Operand {
  std::variant<c10::IValue, ValueId, std::vector<Operand>> is;

  bool is_value() const { return is.index() == 1; }
  bool is_list() const { return is.index() == 2; }
  ValueId value() const { return std::get<1>(is); }
  const c10::IValue& constant() const { return std::get<0>(is); }
  const std::vector<Operand>& list() const { return std::get<2>(is); }
};

// One return of an operator: a value, or the values of a returned list.
struct Result {
  std::vector<ValueId> values;  // no_value: nobody uses it
  bool is_list = false;
};

enum class NodeKind {
  aten,    // an operator of the dispatcher, whatever its namespace
  python,  // arithmetic on symbolic sizes: "mul", "getitem", ...
  block,   // an operator whose body is a graph: "cond", "wrap_with_set_grad_enabled", ...
  kernel,  // our own code in an operator's place
};

// What a kernel node runs. It returns one new tensor, writes into none of its operands, and is
// differentiable wherever the operator it stands for is. Called from several threads at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual at::Tensor run(std::span<const c10::IValue> operands) const = 0;
};

// torch.autocast() around a node: some operators take their operands in `dtype` (none: the device's
// own), as PyTorch's tables say.
struct Autocast {
  c10::DeviceType device = c10::DeviceType::CPU;
  bool enabled = true;
  std::optional<at::ScalarType> dtype;
};

struct Node {
  NodeKind kind = NodeKind::aten;
  std::string name;  // unique; the first value it defines
  std::string op;    // "aten::conv2d.default", "python::mul", "block::cond", "kernel::..."
  std::optional<c10::OperatorHandle> handle;  // of an aten node
  std::vector<Operand> operands;              // in the schema's order, defaults filled in
  std::vector<Result> results;
  std::vector<std::shared_ptr<const Graph>> bodies;  // of a block
  std::shared_ptr<const Kernel> kernel;              // of a kernel
  std::optional<Autocast> autocast;                  // the mode it runs in, if any
  Origin origin;
};

enum class ConstantKind { parameter, buffer, literal, folded };

struct Constant {
  ValueId value = no_value;
  std::string name;  // fully qualified as in the state dict; a literal's own name otherwise
  ConstantKind kind = ConstantKind::parameter;
  at::Tensor data;
};

// A leaf of the model's answer: its path in the returned tree ("out", "aux.0", or "" when it is the
// answer itself).
struct Output {
  std::string name;
  Operand operand;  // a value, or a constant the model returns as it is
};

class Graph {
 public:
  std::span<const Value> values() const { return values_; }
  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const ValueId> inputs() const { return inputs_; }
  std::span<const Constant> constants() const { return constants_; }
  std::span<const Output> outputs() const { return outputs_; }

  // The value of that name, or no_value.
  ValueId find(std::string_view name) const;
  // The index of the node that defines the value; -1 for inputs and constants.
  int producer(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  // Indices of the nodes that use the value, ascending.
  std::span<const int> users(ValueId id) const { return users_[static_cast<std::size_t>(id)]; }
  // True when the model returns the value itself.
  bool is_output(ValueId id) const;
  // The constant that the value is, or nullptr.
  const Constant* constant(ValueId id) const;

 private:
  friend class GraphBuilder;
  Graph() = default;

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_;
  std::vector<Constant> constants_;
  std::vector<Output> outputs_;
  std::unordered_map<std::string, ValueId> by_name_;
  std::vector<int> producers_;
  std::vector<std::vector<int>> users_;
  std::unordered_map<ValueId, std::size_t> constant_of_;
};

// Calls visit(ValueId) for every value among the operands, lists included.
template <class Visit>
void for_each_value(const Operand& operand, Visit&& visit) {
  if (operand.is_value()) {
    visit(operand.value());
  } else if (operand.is_list()) {
    for (const Operand& item : operand.list()) for_each_value(item, visit);
  }
}

template <class Visit>
void for_each_operand_value(const Node& node, Visit&& visit) {
  for (const Operand& operand : node.operands) for_each_value(operand, visit);
}

template <class Visit>
void for_each_result(const Node& node, Visit&& visit) {
  for (const Result& result : node.results) {
    for (const ValueId id : result.values) {
      if (id != no_value) visit(id);
    }
  }
}

}  // namespace pellucid

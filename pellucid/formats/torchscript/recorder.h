// Adds nodes to the graph that is being built, and runs each on the example inputs as it is added,
// so that ranks, types and sizes are known to what comes next.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/formats/torchscript/item.h"
#include "pellucid/graph/builder.h"

namespace pellucid::script {

// What no example can mend: an operator or a construct that is not read. Stops the attempts with
// other examples.
struct Unsupported {
  Error error;
};

// What was built does not hold for another batch than the example's; it is built again for that
// batch alone.
struct BatchMatters {
  std::string reason;
};

// A graph, or the body of a block inside it, while it is built.
class Scope {
 public:
  explicit Scope(Scope* outer) : outer_(outer) {}

  // The symbol's value here; one from outside becomes an input of this body.
  ValueId id_of(const Symbol& known);
  // What came from outside, in the order of the inputs it became.
  const std::vector<Symbol>& captured() const { return captured_; }
  GraphBuilder& builder() { return builder_; }
  Scope* outer() const { return outer_; }

 private:
  Scope* outer_;
  GraphBuilder builder_;
  std::vector<Symbol> captured_;
  std::unordered_map<std::string, ValueId> by_name_;
};

// What the graph says of the symbol: sizes that differ between the examples, or that content
// decides, are symbolic.
Value description(const Symbol& known);

// What tells two tensors over the same memory.
const void* storage_of(const at::Tensor& tensor);

class Recorder {
 public:
  // `examples`: how many there are of every input.
  explicit Recorder(std::size_t examples);

  std::size_t examples() const { return examples_; }
  Scope& scope() { return *scope_; }
  void enter(Scope& body) { scope_ = &body; }

  // A name that no value has yet: `wanted`, or wanted_1, ...
  std::string fresh(const std::string& wanted);

  SymbolRef input(const std::string& name, std::vector<c10::IValue> examples);
  // A body's own input: its value is not known, its type is.
  SymbolRef body_input(const std::string& name, const Symbol& like, bool sized_by_content);
  // The same tensor is one constant, whatever it is called.
  SymbolRef constant(const at::Tensor& data, const std::string& name, ConstantKind kind);

  // A call of an operator of the dispatcher, its operands in the schema's order. Throws Unsupported
  // for what is not read, Error where it fails on the first example, BatchMatters where it fails
  // on the other.
  std::vector<Item> call(const c10::OperatorHandle& handle, const std::vector<Item>& operands,
                         const Origin& origin);
  // Arithmetic on numbers ("add"); of literals alone the literal result.
  Item number(std::string_view op, const std::vector<Item>& operands, const Origin& origin);
  // A block whose bodies end in one output per leaf; the leaves' examples are given.
  std::vector<Item> block(std::string_view op, std::vector<Operand> operands,
                          std::vector<std::shared_ptr<const Graph>> bodies,
                          std::vector<Symbol> results, const Origin& origin);

  // The item as an operand in the present scope. Throws Unsupported for an object or a dictionary.
  Operand operand(const Item& item);

  // True when the tensor's content is that of its example whatever the input is.
  bool is_exact(const Symbol& known) const;
  std::shared_ptr<const Graph> build() &&;
  Scope& root() { return root_; }

 private:
  struct Taint {
    bool depends = false, sized_by_content = false;
  };
  Taint taint_of(const c10::OperatorHandle& handle, const std::vector<Item>& operands) const;
  void forbid_writes_to_weights(const c10::OperatorHandle& handle,
                                const std::vector<Item>& operands) const;
  void taint_what_is_written(const c10::OperatorHandle& handle, const std::vector<Item>& operands);
  SymbolRef declare(Symbol made);
  void spend();

  std::size_t examples_, nodes_ = 0;
  Scope root_{nullptr};
  Scope* scope_ = &root_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> counts_;           // of names made of one
  std::unordered_map<const void*, SymbolRef> constants_;  // by tensor
  std::unordered_set<const void*> constant_storages_;
  // Written by what depends on an input. Held weakly, so that no later tensor gets the address.
  std::unordered_map<const void*, c10::weak_intrusive_ptr<c10::StorageImpl>> written_storages_;
};

}  // namespace pellucid::script

// In-place → functional, node by node in program order: `relu_(v)` becomes `relu(v)` and later uses
// of v follow to its result, unless a value that may share v's storage is still to be read. Then
// the node stays and runs as written.
#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/graph/disjoint_sets.h"

namespace pellucid {
namespace {

// The functional twin of an in-place operator ("aten::add_.Tensor" → aten::add.Tensor), if its
// arguments are the same.
std::optional<c10::OperatorHandle> functional_twin(const Node& node) {
  const c10::FunctionSchema& schema = node.handle->schema();
  const std::string& name = schema.name();
  if (name.size() < 2 || name.back() != '_' || name[name.size() - 2] == '_') return std::nullopt;
  const auto twin = c10::Dispatcher::singleton().findSchema(
      {name.substr(0, name.size() - 1), schema.overload_name()});
  if (!twin || twin->schema().arguments().size() != schema.arguments().size()) return std::nullopt;
  if (twin->schema().returns().size() != 1) return std::nullopt;
  for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& mine = schema.arguments()[i];
    const c10::Argument& its = twin->schema().arguments()[i];
    if (mine.name() != its.name() || *mine.type() != *its.type()) return std::nullopt;
    // Only `self` may be written.
    if (i > 0 && mine.alias_info() != nullptr && mine.alias_info()->isWrite()) return std::nullopt;
  }
  return twin;
}

class Functionaliser {
 public:
  explicit Functionaliser(const Graph& graph)
      : parts_(take_apart(graph)),
        sets_(parts_.values.size()),
        last_use_(parts_.values.size(), -1) {
    for (std::size_t i = 0; i < parts_.values.size(); ++i) {
      now_.push_back(static_cast<ValueId>(i));
      originals_.push_back({static_cast<ValueId>(i)});
      members_.push_back({static_cast<ValueId>(i)});
    }
    for (std::size_t n = 0; n < parts_.nodes.size(); ++n) {
      for_each_operand_value(parts_.nodes[n], [&](ValueId id) { use(id) = static_cast<int>(n); });
    }
    for (const Output& output : parts_.outputs) {
      for_each_value(output.operand,
                     [&](ValueId id) { use(id) = static_cast<int>(parts_.nodes.size()); });
    }
  }

  std::shared_ptr<const Graph> run() && {
    for (std::size_t n = 0; n < parts_.nodes.size(); ++n) rewrite(static_cast<int>(n));
    for (Output& output : parts_.outputs) follow(output.operand);
    return assemble(std::move(parts_));
  }

 private:
  int& use(ValueId id) { return last_use_[static_cast<std::size_t>(id)]; }
  const Value& value(ValueId id) const { return parts_.values[static_cast<std::size_t>(id)]; }

  // The operand with values that were overwritten replaced by what they became.
  void follow(Operand& operand) {
    if (operand.is_value())
      operand.is = now_[static_cast<std::size_t>(operand.value())];
    else if (operand.is_list())
      for (Operand& item : std::get<2>(operand.is)) follow(item);
  }

  void unite(ValueId a, ValueId b) {
    const ValueId from = sets_.root(a), into = sets_.root(b);
    if (from == into) return;
    sets_.unite(from, into);
    auto& source = members_[static_cast<std::size_t>(from)];
    auto& target = members_[static_cast<std::size_t>(into)];
    target.insert(target.end(), source.begin(), source.end());
    source.clear();
  }

  // In-place keeps the type of what it writes into; its twin promotes. Only where that can't differ
  // do they agree.
  bool keeps_type(const Node& node, ValueId self) const {
    if (!value(self).dtype) return false;
    bool same = true;
    for_each_operand_value(node, [&](ValueId id) {
      if (id == self || !value(id).is_tensor) return;
      same = same && value(id).dtype &&
             (*value(id).dtype == *value(self).dtype || value(id).shape.empty());
    });
    // A literal number may promote an integer tensor.
    return same && (at::isFloatingType(*value(self).dtype) || node.operands.size() == 1);
  }

  void rewrite(int n) {
    Node& node = parts_.nodes[static_cast<std::size_t>(n)];
    for (Operand& operand : node.operands) follow(operand);
    if (node.kind == NodeKind::aten && node.results.size() <= 1 && make_functional(node, n)) return;
    if (!may_share_storage(node)) return;
    ValueId first = no_value;
    const auto join = [&](ValueId id) {
      if (!value(id).is_tensor) return;
      if (first == no_value)
        first = id;
      else
        unite(id, first);
    };
    for_each_operand_value(node, join);
    for_each_result(node, join);
  }

  bool make_functional(Node& node, int n) {
    const auto twin = functional_twin(node);
    if (!twin || !node.operands[0].is_value()) return false;
    const ValueId self = node.operands[0].value();
    if (!keeps_type(node, self)) return false;
    ValueId result = node.results.empty() || node.results[0].values.empty()
                         ? no_value
                         : node.results[0].values[0];
    for (const ValueId other : members_[static_cast<std::size_t>(sets_.root(self))]) {
      // `other` keeps the old content if we don't write; nobody may look at it any more.
      if (other != self && other != result && use(other) > n) return false;
    }
    if (result == no_value) {
      result = new_value(node.name + "_functional", self);
      node.results = {Result{{result}, false}};
    }
    node.handle = twin;
    node.op = twin->schema().name() + "." +
              (twin->schema().overload_name().empty() ? "default" : twin->schema().overload_name());
    for (const ValueId original : originals_[static_cast<std::size_t>(self)])
      become(original, result);
    originals_[static_cast<std::size_t>(self)].clear();
    use(result) = std::max(use(result), use(self));
    if (may_share_storage(node)) unite(result, self);  // detach_ becomes a view
    return true;
  }

  void become(ValueId original, ValueId result) {
    now_[static_cast<std::size_t>(original)] = result;
    originals_[static_cast<std::size_t>(result)].push_back(original);
  }

  ValueId new_value(std::string name, ValueId like) {
    Value copy = value(like);
    copy.name = std::move(name);
    parts_.values.push_back(std::move(copy));
    const ValueId id = sets_.add();
    now_.push_back(id);
    originals_.push_back({id});
    members_.push_back({id});
    last_use_.push_back(-1);
    return id;
  }

  GraphParts parts_;
  DisjointSets sets_;
  std::vector<std::vector<ValueId>> members_;    // by root
  std::vector<ValueId> now_;                     // what a value has become
  std::vector<std::vector<ValueId>> originals_;  // the inverse of now_
  std::vector<int> last_use_;
};

}  // namespace

std::shared_ptr<const Graph> functionalise(const Graph& graph) {
  return Functionaliser(graph).run();
}

}  // namespace pellucid

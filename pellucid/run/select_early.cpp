// What an encoder's head reads of its last block is often one token of many (`x[:, 0]`). The
// operators before such a selection that treat every position by itself need that position only:
//   select(f(x), dim, i) = select(f(slice(x, dim, i, i+1)), dim, 0)
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

// Each element of the result depends on the elements at its own place alone.
constexpr std::array elementwise = {
    "aten::add",     "aten::sub",  "aten::mul",       "aten::div",         "aten::gelu",
    "aten::relu",    "aten::silu", "aten::tanh",      "aten::sigmoid",     "aten::hardtanh",
    "aten::neg",     "aten::exp",  "aten::hardswish", "aten::hardsigmoid", "aten::leaky_relu",
    "aten::dropout", "aten::erf",  "aten::addcmul",   "aten::clone"};

class Selection {
 public:
  Selection(const Graph& graph, const Aliases& aliases, int select)
      : graph_(graph), aliases_(aliases), select_(select) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(select)];
    if (node.op != "aten::select.int" || !node.operands[0].is_value()) return;
    if (!node.operands[1].constant().isInt() || node.operands[2].is_value()) return;
    source_ = node.operands[0].value();
    const auto& shape = graph.value(source_).shape;
    rank_ = static_cast<std::int64_t>(shape.size());
    dim_ = node.operands[1].constant().toInt();
    if (dim_ < 0) dim_ += rank_;
    if (dim_ < 0 || dim_ >= rank_ || !shape[static_cast<std::size_t>(dim_)]) return;
    size_ = *shape[static_cast<std::size_t>(dim_)];
    index_ = node.operands[2].constant().toInt();
    if (index_ < 0) index_ += size_;
    if (size_ < 2 || index_ < 0 || index_ >= size_) return;
    grow();
  }

  // True when there is something in front of the selection that it can be moved before.
  bool any() const { return !narrowed_.empty(); }

  void apply(GraphParts& parts) const {
    std::map<ValueId, Operand> narrow;  // what stands for a value behind the selection
    std::vector<Node> nodes;
    for (int n = 0; n < static_cast<int>(parts.nodes.size()); ++n) {
      Node& node = parts.nodes[static_cast<std::size_t>(n)];
      if (narrowed_.contains(n)) {
        for (Operand& operand : node.operands) {
          if (!operand.is_value() || !is_wide(operand.value())) continue;
          const ValueId wide = operand.value();
          if (!narrow.contains(wide)) narrow[wide] = slice(parts, nodes, wide);
          operand = narrow.at(wide);
        }
        const ValueId result = node.results[0].values[0];
        const ValueId own = declare_narrow(parts, result);
        node.results[0].values[0] = own;
        node.name = parts.values[static_cast<std::size_t>(own)].name;
        narrow[result] = Operand{own};
      } else if (n == select_) {
        node.operands[0] = narrow.at(source_);
        node.operands[2] = Operand{c10::IValue(std::int64_t{0})};
      }
      nodes.push_back(std::move(node));
    }
    parts.nodes = std::move(nodes);
  }

 private:
  // From the selection upwards: a node joins when nobody else reads what it makes.
  void grow() {
    for (int n = select_ - 1; n >= 0; --n) {
      const Node& node = graph_.nodes()[static_cast<std::size_t>(n)];
      if (is_read_by_us_alone(node) && is_positionwise(node)) narrowed_.insert(n);
    }
  }

  bool is_read_by_us_alone(const Node& node) const {
    if (node.results.size() != 1 || node.results[0].is_list) return false;
    const ValueId result = node.results[0].values[0];
    if (result == no_value || !is_wide(result) || graph_.is_output(result)) return false;
    const auto users = graph_.users(result);
    return !users.empty() && std::ranges::all_of(users, [&](int user) {
      return user == select_ || narrowed_.contains(user);
    });
  }

  // A tensor with all the positions in `dim_`.
  bool is_wide(ValueId id) const {
    const Value& value = graph_.value(id);
    const auto& shape = value.shape;
    return value.is_tensor && static_cast<std::int64_t>(shape.size()) == rank_ &&
           shape[static_cast<std::size_t>(dim_)] == size_;
  }

  // A tensor that is the same for all positions, or no tensor.
  bool is_same_everywhere(const Operand& operand) const {
    if (operand.is_list()) return std::ranges::none_of(operand.list(), &Operand::is_value);
    if (!operand.is_value()) return true;
    const Value& value = graph_.value(operand.value());
    if (!value.is_tensor) return true;
    // Broadcasting aligns the last dimensions.
    const std::int64_t own = dim_ - rank_ + static_cast<std::int64_t>(value.shape.size());
    return own < 0 || value.shape[static_cast<std::size_t>(own)] == 1;
  }

  bool is_positionwise(const Node& node) const {
    if (node.kind != NodeKind::aten || is_random(node)) return false;
    bool steady = true;
    for_each_operand_value(node, [&](ValueId id) { steady = steady && !aliases_.mutated(id); });
    for_each_result(node, [&](ValueId id) { steady = steady && !aliases_.mutated(id); });
    if (!steady || !node.operands[0].is_value()) return false;
    const std::string& name = node.handle->schema().name();
    if (std::ranges::find(elementwise, name) != elementwise.end()) {
      return std::ranges::all_of(node.operands, [&](const Operand& operand) {
        return (operand.is_value() && is_wide(operand.value())) || is_same_everywhere(operand);
      });
    }
    if (!is_wide(node.operands[0].value())) return false;
    if (name == "aten::slice") {  // what `x[:, 0]` leaves of its colon
      if (!node.operands[1].constant().isInt()) return false;
      const std::int64_t along = node.operands[1].constant().toInt();
      return (along < 0 ? along + rank_ : along) != dim_;
    }
    const auto constants_follow = [&] {
      return std::all_of(node.operands.begin() + 1, node.operands.end(), [&](const Operand& one) {
        return !one.is_value() || graph_.constant(one.value()) != nullptr;
      });
    };
    if (name == "aten::linear") return dim_ < rank_ - 1 && constants_follow();
    if (name == "aten::layer_norm") {
      const c10::IValue& normalised = node.operands[1].constant();
      return constants_follow() &&
             dim_ < rank_ - static_cast<std::int64_t>(normalised.toIntVector().size());
    }
    return false;
  }

  ValueId declare_narrow(GraphParts& parts, ValueId wide) const {
    Value value = graph_.value(wide);
    value.name += "_at_" + std::to_string(index_) + "_of_" + std::to_string(select_);
    value.shape[static_cast<std::size_t>(dim_)] = 1;
    parts.values.push_back(std::move(value));
    return static_cast<ValueId>(parts.values.size() - 1);
  }

  Operand slice(GraphParts& parts, std::vector<Node>& nodes, ValueId wide) const {
    const ValueId own = declare_narrow(parts, wide);
    Node node;
    node.op = "aten::slice.Tensor";
    node.name = parts.values[static_cast<std::size_t>(own)].name;
    node.handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::slice", "Tensor");
    node.operands = {Operand{wide}, Operand{c10::IValue(dim_)}, Operand{c10::IValue(index_)},
                     Operand{c10::IValue(index_ + 1)}, Operand{c10::IValue(std::int64_t{1})}};
    node.results = {{{own}, false}};
    node.origin = graph_.nodes()[static_cast<std::size_t>(select_)].origin;
    nodes.push_back(std::move(node));
    return Operand{own};
  }

  const Graph& graph_;
  const Aliases& aliases_;
  int select_;
  ValueId source_ = no_value;
  std::int64_t rank_ = 0, dim_ = 0, size_ = 0, index_ = 0;
  std::set<int> narrowed_;  // nodes that work on one position
};

}  // namespace

std::shared_ptr<const Graph> select_early(std::shared_ptr<const Graph> graph) {
  bool moved = true;
  while (moved) {
    moved = false;
    const Aliases aliases(*graph);
    // One at a time, for the nodes' numbers change.
    for (int n = static_cast<int>(graph->nodes().size()) - 1; n >= 0 && !moved; --n) {
      const Selection selection(*graph, aliases, n);
      if (!selection.any()) continue;
      GraphParts parts = take_apart(*graph);
      selection.apply(parts);
      graph = assemble(std::move(parts));
      moved = true;
    }
  }
  return graph;
}

}  // namespace pellucid

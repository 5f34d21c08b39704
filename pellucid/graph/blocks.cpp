// What holds for blocks before they run: their form, and whether data decides which way they go.
#include "pellucid/graph/blocks.h"

#include <algorithm>
#include <array>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

std::vector<Operand> flattened(std::span<const Operand> operands) {
  std::vector<Operand> flat;
  for (const Operand& operand : operands) {
    if (operand.is_list())
      flat.insert(flat.end(), operand.list().begin(), operand.list().end());
    else
      flat.push_back(operand);
  }
  return flat;
}

std::size_t result_count(const Node& block) {
  std::size_t count = 0;
  for (const Result& result : block.results) count += result.values.size();
  return count;
}

void want_bodies(const Node& block, std::size_t wanted) {
  if (block.bodies.size() != wanted) {
    throw model_error(block.op + " wants " + std::to_string(wanted) + " bodies, got " +
                      std::to_string(block.bodies.size()));
  }
}

// Of these a tensor operand's values do not matter, only its sizes and type.
constexpr std::array reads_metadata = {"aten::sym_size",   "aten::sym_numel",
                                       "aten::sym_stride", "aten::sym_storage_offset",
                                       "aten::size",       "aten::numel",
                                       "aten::dim",        "aten::zeros_like",
                                       "aten::ones_like",  "aten::full_like",
                                       "aten::empty_like", "aten::new_zeros",
                                       "aten::new_ones",   "aten::new_full",
                                       "aten::new_empty",  "aten::rand_like",
                                       "aten::randn_like", "aten::is_floating_point"};

bool needs_values(const Node& node) {
  return node.kind != NodeKind::aten ||
         std::ranges::find(reads_metadata, node.handle->schema().name()) == reads_metadata.end();
}

// Which values depend on data, as far as the nodes go.
class Dependence {
 public:
  Dependence(const Graph& graph, const std::vector<bool>& inputs)
      : graph_(graph), depends_(graph.values().size(), false) {
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) mark(graph.inputs()[i], inputs[i]);
    for (const Node& node : graph.nodes()) {
      if (node.kind == NodeKind::block && block(node)) deciding_.push_back(node.name);
      const bool any = needs_values(node) && std::ranges::any_of(node.operands, [&](const auto& o) {
                         return depends(o);
                       });
      for_each_result(node, [&](ValueId id) { mark(id, any); });
    }
  }

  bool depends(const Operand& operand) const {
    bool any = false;
    for_each_value(operand,
                   [&](ValueId id) { any = any || depends_[static_cast<std::size_t>(id)]; });
    return any;
  }
  bool depends(std::size_t output) const { return depends(graph_.outputs()[output].operand); }
  const std::vector<std::string>& deciding() const { return deciding_; }

 private:
  void mark(ValueId id, bool depends) { depends_[static_cast<std::size_t>(id)] = depends; }

  // Does data decide in it, or in a body of it?
  bool block(const Node& node) const {
    const std::vector<Operand> handed = flattened(node.operands);
    const bool any = std::ranges::any_of(handed, [&](const Operand& o) { return depends(o); });
    bool inside = false;
    std::vector<Dependence> bodies;
    for (const auto& body : node.bodies) {
      // A body's inputs are the last that is handed over. What a loop carries is of either kind
      // from its second round on.
      std::vector<bool> inputs;
      const std::size_t first = handed.size() - std::min(handed.size(), body->inputs().size());
      for (std::size_t i = 0; i < body->inputs().size(); ++i) {
        const bool fixed = node.op == "block::loop" && i < 2;
        inputs.push_back(!fixed &&
                         (node.op == "block::cond" ? depends(handed.at(first + i)) : any));
      }
      bodies.emplace_back(*body, inputs);
      inside = inside || !bodies.back().deciding().empty();
    }
    if (inside) return true;
    if (node.op == "block::cond") return depends(node.operands[0]);
    if (node.op == "block::loop")
      return depends(node.operands[0]) || depends(node.operands[1]) || bodies[0].depends(0);
    return node.op == "block::while_loop" && bodies[0].depends(0);
  }

  const Graph& graph_;
  std::vector<bool> depends_;
  std::vector<std::string> deciding_;
};

}  // namespace

std::vector<Operand> handed_to(const Graph& body, const Node& block, std::size_t first) {
  std::vector<Operand> handed =
      flattened(std::span(block.operands).subspan(std::min(first, block.operands.size())));
  if (handed.size() != body.inputs().size()) {
    throw model_error("its body wants " + std::to_string(body.inputs().size()) + " values, got " +
                      std::to_string(handed.size()));
  }
  return handed;
}

std::size_t carried_by(const Node& loop) {
  return static_cast<std::size_t>(loop.operands[2].constant().toInt());
}

void check_block(const Node& block) {
  if (block.op == "block::cond") {
    want_bodies(block, 2);
    if (block.operands.empty() || block.operands[0].is_list())
      throw model_error(block.op + " wants a predicate");
    for (const auto& body : block.bodies) {
      handed_to(*body, block, 1);
      if (body->outputs().size() < result_count(block))
        throw model_error("its body returns too few values");
    }
  } else if (block.op == "block::while_loop") {
    want_bodies(block, 2);
    if (block.operands.size() != 2 || block.operands[0].is_value() || block.operands[1].is_value())
      throw model_error(block.op + " wants two lists of values");
    for (const auto& body : block.bodies) handed_to(*body, block, 0);
    const std::size_t carried = flattened(std::span(block.operands).first(1)).size();
    if (block.bodies[0]->outputs().size() != 1 || block.bodies[1]->outputs().size() != carried ||
        result_count(block) > carried)
      throw model_error(block.op + " carries other values than its bodies return");
  } else if (block.op == "block::loop") {
    want_bodies(block, 1);
    const auto& operands = block.operands;
    const bool counted = operands.size() >= 3 && !operands[2].is_value() &&
                         !operands[2].is_list() && operands[2].constant().isInt();
    const std::int64_t carried = counted ? operands[2].constant().toInt() : -1;
    const auto given = static_cast<std::int64_t>(operands.size()) - 3;
    if (carried < 0 || carried > given) throw model_error(block.op + " wants what it carries");
    const Graph& body = *block.bodies[0];
    if (static_cast<std::int64_t>(body.inputs().size()) != given + 2)
      throw model_error("its body wants " + std::to_string(body.inputs().size()) + " values, got " +
                        std::to_string(given + 2));
    if (static_cast<std::int64_t>(body.outputs().size()) < 1 + carried ||
        result_count(block) > body.outputs().size() - 1)
      throw model_error("its body returns too few values");
  }
}

std::vector<std::string> decided_by_data(const Graph& graph) {
  return Dependence(graph, std::vector<bool>(graph.inputs().size(), true)).deciding();
}

}  // namespace pellucid

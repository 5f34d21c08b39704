// Rewriting: a graph taken apart into plain lists, and put together again through the builder.
#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/graph/disjoint_sets.h"

namespace pellucid {
namespace {

// Which nodes the outputs need: by value, and by the storage that other nodes write into.
std::vector<bool> needed_nodes(const GraphParts& parts, std::size_t values) {
  std::vector<int> producer(values, -1);
  std::vector<std::vector<int>> writers(values);
  DisjointSets sets(values);  // values that may share storage; being too generous only keeps a node
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    for_each_result(parts.nodes[n], [&](ValueId id) {
      producer[static_cast<std::size_t>(id)] = static_cast<int>(n);
    });
    if (may_share_storage(parts.nodes[n])) {
      ValueId first = no_value;
      const auto unite = [&](ValueId id) {
        if (first == no_value)
          first = id;
        else
          sets.unite(id, first);
      };
      for_each_operand_value(parts.nodes[n], unite);
      for_each_result(parts.nodes[n], unite);
    }
  }
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    for (const ValueId id : written_by(parts.nodes[n])) {
      writers[static_cast<std::size_t>(sets.root(id))].push_back(static_cast<int>(n));
    }
  }
  std::vector<bool> needed(parts.nodes.size(), false);
  std::vector<ValueId> open;
  const auto want = [&](ValueId id) { open.push_back(id); };
  for (const Output& output : parts.outputs) for_each_value(output.operand, want);
  std::vector<bool> seen(values, false);
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (seen[static_cast<std::size_t>(id)]) continue;
    seen[static_cast<std::size_t>(id)] = true;
    const auto take = [&](int n) {
      if (n < 0 || needed[static_cast<std::size_t>(n)]) return;
      needed[static_cast<std::size_t>(n)] = true;
      for_each_operand_value(parts.nodes[static_cast<std::size_t>(n)], want);
    };
    take(producer[static_cast<std::size_t>(id)]);
    for (const int n : writers[static_cast<std::size_t>(sets.root(id))]) take(n);
  }
  return needed;
}

}  // namespace

GraphParts take_apart(const Graph& graph) {
  return {{graph.values().begin(), graph.values().end()},
          {graph.inputs().begin(), graph.inputs().end()},
          {graph.constants().begin(), graph.constants().end()},
          {graph.nodes().begin(), graph.nodes().end()},
          {graph.outputs().begin(), graph.outputs().end()}};
}

ValueId add_folded(GraphParts& parts, const std::string& name, at::Tensor data) {
  std::vector<std::optional<std::int64_t>> shape(data.sizes().begin(), data.sizes().end());
  parts.values.push_back({name, true, data.scalar_type(), std::move(shape)});
  const auto id = static_cast<ValueId>(parts.values.size() - 1);
  parts.constants.push_back({id, name, ConstantKind::folded, std::move(data)});
  return id;
}

std::shared_ptr<const Graph> assemble(GraphParts parts) {
  const std::vector<bool> needed = needed_nodes(parts, parts.values.size());
  std::vector<bool> used(parts.values.size(), false);
  const auto mark = [&](ValueId id) { used[static_cast<std::size_t>(id)] = true; };
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    if (needed[n]) for_each_operand_value(parts.nodes[n], mark);
  }
  for (const Output& output : parts.outputs) for_each_value(output.operand, mark);

  GraphBuilder builder;
  std::vector<ValueId> moved(parts.values.size(), no_value);
  const auto value_of = [&](ValueId id) -> Value& {
    return parts.values[static_cast<std::size_t>(id)];
  };
  for (const ValueId id : parts.inputs)
    moved[static_cast<std::size_t>(id)] = builder.add_input(value_of(id));
  for (Constant& constant : parts.constants) {
    const auto old = static_cast<std::size_t>(constant.value);
    if (used[old]) moved[old] = builder.add_constant(value_of(constant.value), std::move(constant));
  }
  const auto move_value = [&](ValueId id) {
    const ValueId now = moved[static_cast<std::size_t>(id)];
    if (now == no_value)
      throw internal_error("a rewrite uses \"" + value_of(id).name + "\" before it is defined");
    return now;
  };
  const std::function<void(Operand&)> move_operand = [&](Operand& operand) {
    if (operand.is_value())
      operand.is = move_value(operand.value());
    else if (operand.is_list())
      for (Operand& item : std::get<2>(operand.is)) move_operand(item);
  };
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    if (!needed[n]) continue;
    Node node = std::move(parts.nodes[n]);
    for (Operand& operand : node.operands) move_operand(operand);
    for (Result& result : node.results) {
      for (ValueId& id : result.values) {
        if (id == no_value) continue;
        const auto old = static_cast<std::size_t>(id);
        id = moved[old] = builder.declare(value_of(id));
      }
    }
    builder.add(std::move(node));
  }
  for (Output& output : parts.outputs) {
    move_operand(output.operand);
    builder.add_output(std::move(output));
  }
  return std::move(builder).build();
}

}  // namespace pellucid

// LibTorch multiplies a linear layer's input by its weights as one matrix only when the input is
// contiguous; a transposed one ([tokens, samples, width], as nn.MultiheadAttention makes it) it
// multiplies token by token, a third slower in both directions. Copying it costs far less.
#include <algorithm>

#include "pellucid/graph/builder.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

bool reads_transposed(const Graph& graph, const Node& node) {
  if (node.op != "aten::linear.default" || !node.operands[0].is_value()) return false;
  const ValueId input = node.operands[0].value();
  const int producer = graph.producer(input);
  if (producer < 0 || graph.value(input).shape.size() < 3) return false;
  const std::string& op = graph.nodes()[static_cast<std::size_t>(producer)].op;
  return op == "aten::transpose.int" || op == "aten::permute.default";
}

}  // namespace

std::shared_ptr<const Graph> contiguous_rows(std::shared_ptr<const Graph> graph) {
  const auto nodes = graph->nodes();
  if (std::ranges::none_of(nodes, [&](const Node& node) { return reads_transposed(*graph, node); }))
    return graph;
  GraphParts parts = take_apart(*graph);
  parts.nodes.clear();
  for (const Node& node : nodes) {
    Node own = node;
    if (reads_transposed(*graph, node)) {
      Value value = graph->value(node.operands[0].value());
      value.name = node.name + "_rows";
      parts.values.push_back(std::move(value));
      const auto rows = static_cast<ValueId>(parts.values.size() - 1);
      Node copy;
      copy.op = "aten::contiguous.default";
      copy.name = node.name + "_rows";
      copy.handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::contiguous", "");
      copy.operands = {
          node.operands[0],
          Operand{c10::IValue(static_cast<std::int64_t>(at::MemoryFormat::Contiguous))}};
      copy.results = {{{rows}, false}};
      copy.origin = node.origin;
      parts.nodes.push_back(std::move(copy));
      own.operands[0] = Operand{rows};
    }
    parts.nodes.push_back(std::move(own));
  }
  return assemble(std::move(parts));
}

}  // namespace pellucid

// LibTorch multiplies a linear layer's input by its weights as one matrix only when the input is
// contiguous; a transposed one ([tokens, samples, width], as nn.MultiheadAttention makes it) it
// multiplies token by token, a third slower in both directions. Copying it costs far less.
#include <algorithm>

#include "pellucid/run/contiguous_operand.h"
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
    if (reads_transposed(*graph, node)) make_first_operand_contiguous(parts, own, parts.nodes);
    parts.nodes.push_back(std::move(own));
  }
  return assemble(std::move(parts));
}

}  // namespace pellucid

#include "pellucid/run/contiguous_operand.h"

#include <algorithm>

namespace pellucid {
namespace {

// A graph that was rewritten before (a converted file's) has the copy already.
bool is_copy(const std::vector<Node>& nodes, ValueId value) {
  const auto made = std::find_if(nodes.rbegin(), nodes.rend(), [&](const Node& node) {
    bool found = false;
    for_each_result(node, [&](ValueId id) { found = found || id == value; });
    return found;
  });
  return made != nodes.rend() && made->op == "aten::contiguous.default";
}

}  // namespace

void make_first_operand_contiguous(GraphParts& parts, Node& node, std::vector<Node>& nodes) {
  if (!node.operands[0].is_value() || is_copy(nodes, node.operands[0].value())) return;
  Value copy = parts.values[static_cast<std::size_t>(node.operands[0].value())];
  copy.name = node.name + "_contiguous";
  parts.values.push_back(std::move(copy));
  const auto id = static_cast<ValueId>(parts.values.size() - 1);
  nodes.push_back(
      {.kind = NodeKind::aten,
       .name = node.name + "_contiguous",
       .op = "aten::contiguous.default",
       .handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::contiguous", ""),
       .operands = {node.operands[0],
                    Operand{c10::IValue(static_cast<std::int64_t>(at::MemoryFormat::Contiguous))}},
       .results = {Result{{id}, false}},
       .bodies = {},
       .kernel = {},
       .autocast = {},
       .origin = node.origin});
  node.operands[0] = Operand{id};
}

}  // namespace pellucid

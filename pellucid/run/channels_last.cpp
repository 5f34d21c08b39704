// Convolutions on the CPU are quicker with the channels innermost; one whose weights are so gives
// its result so, and what follows keeps it.
#include <c10/core/GradMode.h>

#include "pellucid/graph/builder.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {

std::shared_ptr<const Graph> with_channels_last_weights(std::shared_ptr<const Graph> graph) {
  const at::NoGradGuard no_gradient;
  GraphParts parts = take_apart(*graph);
  std::vector<bool> is_weight(parts.values.size(), false);
  for (const Node& node : parts.nodes) {
    if (node.kind == NodeKind::aten && node.handle->schema().name() == "aten::conv2d" &&
        node.operands[1].is_value()) {
      is_weight[static_cast<std::size_t>(node.operands[1].value())] = true;
    }
  }
  for (Constant& constant : parts.constants) {
    if (is_weight[static_cast<std::size_t>(constant.value)] && constant.data.dim() == 4) {
      constant.data = constant.data.contiguous(at::MemoryFormat::ChannelsLast);
    }
  }
  return assemble(std::move(parts));
}

}  // namespace pellucid

// A dense copy in front of a node's first operand, for rewrites.
#pragma once

#include <vector>

#include "pellucid/graph/builder.h"

namespace pellucid {

// Appends the copy to `nodes` (none where the operand is no value, or one already) and lets the
// node, which the caller appends next, read it. Its value is called after the node.
void make_first_operand_contiguous(GraphParts& parts, Node& node, std::vector<Node>& nodes);

}  // namespace pellucid

// The names by which an exported program calls functions, as the graph's operators.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

struct Target {
  NodeKind kind = NodeKind::aten;
  std::string op;  // "aten::conv2d.default", "python::mul", "block::cond"
};

// "torch.ops.aten.conv2d.default", "_operator.mul", "math.floor", "torch.sym_max",
// "torch.ops.higher_order.cond"; nullopt for what names no operator at all.
std::optional<Target> parse_target(std::string_view target);

// The other way: what torch calls the node's operator; nullopt for one that is none of torch's own.
std::optional<std::string> target_name(NodeKind kind, std::string_view op);

// True when the graph can be built with it on this LibTorch and calling it touches nothing but its
// operands.
bool is_known(const Target& target);

}  // namespace pellucid::pt2

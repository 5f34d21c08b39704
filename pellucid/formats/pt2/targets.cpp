// torch writes the qualified Python name of what a node calls.
#include "pellucid/formats/pt2/targets.h"

#include "pellucid/graph/builder.h"

namespace pellucid::pt2 {

std::optional<Target> parse_target(std::string_view target) {
  constexpr std::string_view operators = "torch.ops.", blocks = "torch.ops.higher_order.";
  if (target.starts_with(blocks)) return Target{NodeKind::block, "block::" + std::string(target.substr(blocks.size()))};
  if (target.starts_with(operators)) {
    const std::string_view name = target.substr(operators.size());
    const std::size_t first = name.find('.'), last = name.rfind('.');
    if (first == name.npos || first == last || last + 1 == name.size()) return std::nullopt;
    return Target{NodeKind::aten, std::string(name.substr(0, first)) + "::" + std::string(name.substr(first + 1))};
  }
  for (const std::string_view module : {"_operator.", "operator.", "math.", "builtins.", "torch."}) {
    if (!target.starts_with(module)) continue;
    std::string_view name = target.substr(module.size());
    if (name == "sym_sqrt" || name == "_sym_sqrt") name = "sqrt";
    if (name.find('.') != name.npos) return std::nullopt;
    return Target{NodeKind::python, "python::" + std::string(name)};
  }
  return std::nullopt;
}

bool is_known(const Target& target) {
  switch (target.kind) {
    case NodeKind::aten: return is_known_operator(target.op);
    case NodeKind::python: return is_known_python(target.op);
    case NodeKind::block: return is_known_block(target.op);
  }
  return false;
}

}  // namespace pellucid::pt2

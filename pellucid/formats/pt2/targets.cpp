// torch writes the qualified Python name of what a node calls.
#include "pellucid/formats/pt2/targets.h"

#include <algorithm>
#include <array>

#include "pellucid/graph/builder.h"

namespace pellucid::pt2 {
namespace {

// Operators of PyTorch that compute and nothing else. Other libraries of the dispatcher reach
// processes, devices or raw memory ("inductor", "c10d", "profiler").
constexpr std::array<std::string_view, 3> computing = {"aten::", "prims::", "quantized::"};
// Those of them that touch files, or trust their operands' indices where a file may lie.
constexpr std::array<std::string_view, 9> trusting = {"aten::from_file",
                                                      "aten::set_data",
                                                      "aten::_sparse_coo_tensor_unsafe",
                                                      "aten::_sparse_csr_tensor_unsafe",
                                                      "aten::_sparse_csc_tensor_unsafe",
                                                      "aten::_sparse_bsr_tensor_unsafe",
                                                      "aten::_sparse_bsc_tensor_unsafe",
                                                      "aten::_sparse_compressed_tensor_unsafe",
                                                      "aten::_nested_view_from_buffer"};

// Of Python's operators, those that are not in its module operator.
constexpr std::pair<std::string_view, std::string_view> python_targets[] = {
    {"trunc", "math.trunc"},      {"ceil", "math.ceil"},        {"floor", "math.floor"},
    {"not_", "torch.sym_not"},    {"sym_not", "torch.sym_not"}, {"int", "torch.sym_int"},
    {"sym_int", "torch.sym_int"}, {"float", "torch.sym_float"}, {"sym_float", "torch.sym_float"},
    {"max", "torch.sym_max"},     {"sym_max", "torch.sym_max"}, {"min", "torch.sym_min"},
    {"sym_min", "torch.sym_min"}, {"sqrt", "torch.sym_sqrt"},   {"sym_ite", "torch.sym_ite"},
    {"sym_sum", "torch.sym_sum"}, {"round", "builtins.round"},  {"bool", "builtins.bool"}};

bool is_harmless(std::string_view op) {
  const auto begins = [&](std::string_view name) { return op.starts_with(name); };
  return std::any_of(computing.begin(), computing.end(), begins) &&
         std::none_of(trusting.begin(), trusting.end(), begins);
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
  constexpr std::string_view operators = "torch.ops.", blocks = "torch.ops.higher_order.";
  if (target.starts_with(blocks))
    return Target{NodeKind::block, "block::" + std::string(target.substr(blocks.size()))};
  if (target.starts_with(operators)) {
    const std::string_view name = target.substr(operators.size());
    const std::size_t first = name.find('.'), last = name.rfind('.');
    if (first == name.npos || first == last || last + 1 == name.size()) return std::nullopt;
    return Target{NodeKind::aten,
                  std::string(name.substr(0, first)) + "::" + std::string(name.substr(first + 1))};
  }
  for (const std::string_view module :
       {"_operator.", "operator.", "math.", "builtins.", "torch."}) {
    if (!target.starts_with(module)) continue;
    std::string_view name = target.substr(module.size());
    if (name == "sym_sqrt" || name == "_sym_sqrt") name = "sqrt";
    if (name.find('.') != name.npos) return std::nullopt;
    return Target{NodeKind::python, "python::" + std::string(name)};
  }
  return std::nullopt;
}

std::optional<std::string> target_name(NodeKind kind, std::string_view op) {
  const std::size_t colons = op.find("::");
  if (colons == op.npos) return std::nullopt;
  const std::string space(op.substr(0, colons)), name(op.substr(colons + 2));
  if (kind == NodeKind::aten) return "torch.ops." + space + "." + name;
  if (kind == NodeKind::block) return "torch.ops.higher_order." + name;
  if (kind != NodeKind::python) return std::nullopt;
  for (const auto& [ours, torchs] : python_targets) {
    if (ours == name) return std::string(torchs);
  }
  return "_operator." + name;
}

bool is_known(const Target& target) {
  switch (target.kind) {
    case NodeKind::aten:
      return is_harmless(target.op) && is_known_operator(target.op);
    case NodeKind::python:
      return is_known_python(target.op);
    case NodeKind::block:
      return is_known_block(target.op);
    case NodeKind::kernel:
      return false;  // only rewrites make them
  }
  return false;
}

}  // namespace pellucid::pt2

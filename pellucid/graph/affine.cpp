#include "pellucid/graph/affine.h"

#include <algorithm>
#include <array>

#include "pellucid/graph/aliases.h"

namespace pellucid {
namespace {

// Affine in their first operand; the others may be constants, sizes and literals.
constexpr std::array affine_in_first = {
    "aten::conv1d",     "aten::conv2d",    "aten::conv3d",    "aten::convolution",
    "aten::linear",     "aten::matmul",    "aten::mm",        "aten::mul",
    "aten::div",        "aten::add",       "aten::sub",       "aten::neg",
    "aten::view",       "aten::reshape",   "aten::flatten",   "aten::permute",
    "aten::transpose",  "aten::unsqueeze", "aten::squeeze",   "aten::contiguous",
    "aten::clone",      "aten::slice",     "aten::select",    "aten::constant_pad_nd",
    "aten::avg_pool2d", "aten::movedim",   "aten::unflatten", "aten::narrow"};
// Affine in an operand that is not the first: where it stands.
constexpr std::array affine_in_second = {"aten::addcmul", "aten::mul", "aten::add"};

template <std::size_t N>
bool is_one_of(const std::string& name, const std::array<const char*, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_affine(const Graph& graph, const Node& node, ValueId value) {
  if (node.kind != NodeKind::aten || node.results.size() != 1 || node.results[0].is_list)
    return false;
  const std::string& name = node.handle->schema().name();
  const auto stands_at = [&](std::size_t place) {
    return node.operands.size() > place && node.operands[place].is_value() &&
           node.operands[place].value() == value;
  };
  if (!(stands_at(0) && is_one_of(name, affine_in_first)) &&
      !(stands_at(1) && is_one_of(name, affine_in_second)))
    return false;
  if (name == "aten::div" && node.op != "aten::div.Tensor" && node.op != "aten::div.Scalar")
    return false;  // with a rounding mode
  int times = 0;
  bool others_known = true;
  for_each_operand_value(node, [&](ValueId id) {
    if (id == value)
      ++times;
    else
      others_known = others_known && (graph.constant(id) != nullptr || !graph.value(id).is_tensor);
  });
  return times == 1 && others_known;
}

bool reads_sizes_only(const Node& node) {
  return node.op.starts_with("aten::sym_size") || node.op.starts_with("aten::sym_numel");
}

}  // namespace

ValueId affine_front(const Graph& graph, ValueId input) {
  const Aliases aliases(graph);
  ValueId front = input;
  while (!aliases.mutated(front) && !graph.is_output(front)) {
    const Node* only = nullptr;
    for (const int n : graph.users(front)) {
      const Node& user = graph.nodes()[static_cast<std::size_t>(n)];
      if (reads_sizes_only(user)) continue;
      if (only != nullptr) return front;
      only = &user;
    }
    if (only == nullptr || !is_affine(graph, *only, front)) break;
    const ValueId next = only->results[0].values[0];
    if (next == no_value || graph.value(next).dtype != graph.value(input).dtype ||
        aliases.mutated(next))
      break;
    front = next;
  }
  return front;
}

}  // namespace pellucid

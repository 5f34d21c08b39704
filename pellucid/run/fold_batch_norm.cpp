// conv → scale and shift becomes one convolution: w' = w·scale, b' = b·scale + shift. Exact but for
// rounding.
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

// The convolution or linear layer whose only use is `user`, if its weights are constants; else
// nullptr.
const Node* foldable_producer(const Graph& graph, const Aliases& aliases, ValueId value, int user) {
  const int producer = graph.producer(value);
  if (producer < 0 || graph.users(value).size() != 1 || graph.users(value)[0] != user)
    return nullptr;
  if (graph.is_output(value)) return nullptr;
  const Node& node = graph.nodes()[static_cast<std::size_t>(producer)];
  if (node.kind != NodeKind::aten || node.autocast) return nullptr;
  const std::string& name = node.handle->schema().name();
  if (name != "aten::conv1d" && name != "aten::conv2d" && name != "aten::conv3d" &&
      name != "aten::linear")
    return nullptr;
  // The convolution moves to its user's place: nothing it reads may be written to in between.
  bool mutated = aliases.mutated(value);
  for_each_operand_value(node, [&](ValueId id) { mutated = mutated || aliases.mutated(id); });
  if (mutated) return nullptr;
  const auto constant_or_none = [&](const Operand& operand) {
    return operand.is_value() ? graph.constant(operand.value()) != nullptr
                              : operand.constant().isNone();
  };
  const bool fits = node.operands[1].is_value() && constant_or_none(node.operands[1]) &&
                    constant_or_none(node.operands[2]);
  return fits ? &node : nullptr;
}

// [C] of a scale or shift that varies along dimension 1 only; nullopt otherwise.
std::optional<at::Tensor> per_channel(const Graph& graph, const Operand& operand,
                                      std::int64_t channels) {
  const Constant* constant = operand.is_value() ? graph.constant(operand.value()) : nullptr;
  if (constant == nullptr || constant->data.dim() < 2 || constant->data.numel() != channels ||
      constant->data.size(1) != channels) {
    return std::nullopt;
  }
  return constant->data.flatten();
}

}  // namespace

std::shared_ptr<const Graph> fold_batch_norm(const std::shared_ptr<const Graph>& graph) {
  const at::NoGradGuard no_gradient;
  const Aliases aliases(*graph);
  GraphParts parts = take_apart(*graph);
  const auto add_constant = [&](const std::string& name, at::Tensor data) {
    return Operand{add_folded(parts, name, std::move(data))};
  };
  for (std::size_t n = 0; n < graph->nodes().size(); ++n) {
    const Node& node = graph->nodes()[n];
    // rewrite_norms writes addcmul(shift, x, scale).
    if (node.kind != NodeKind::aten || node.handle->schema().name() != "aten::addcmul" ||
        !node.operands[1].is_value())
      continue;
    if (node.operands[3].is_value() || node.operands[3].constant().toScalar().toDouble() != 1.0)
      continue;
    const Node* producer =
        foldable_producer(*graph, aliases, node.operands[1].value(), static_cast<int>(n));
    if (producer == nullptr) continue;
    const at::Tensor weight = graph->constant(producer->operands[1].value())->data;
    // A linear layer's channels are the last dimension: they are dimension 1 only for a matrix.
    if (producer->handle->schema().name() == "aten::linear" &&
        graph->value(node.operands[1].value()).shape.size() != 2)
      continue;
    const auto shift = per_channel(*graph, node.operands[0], weight.size(0));
    const auto scale = per_channel(*graph, node.operands[2], weight.size(0));
    if (!shift || !scale || weight.scalar_type() != scale->scalar_type()) continue;
    std::vector<std::int64_t> rows(static_cast<std::size_t>(weight.dim()), 1);
    rows[0] = -1;
    at::Tensor bias = *shift;
    if (producer->operands[2].is_value())
      bias = bias + graph->constant(producer->operands[2].value())->data * *scale;
    Node folded = *producer;
    folded.name = node.name;
    folded.origin = node.origin;
    folded.operands[1] = add_constant(node.name + "_folded_weight", weight * scale->reshape(rows));
    folded.operands[2] = add_constant(node.name + "_folded_bias", bias);
    folded.results = node.results;
    parts.nodes[n] = std::move(folded);
  }
  return assemble(std::move(parts));
}

}  // namespace pellucid

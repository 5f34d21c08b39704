// Rounding whose gradient is taken to be one (fake quantisation) has no derivative that differences
// could confirm. What is left of it here is its range, a clamp.
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "pellucid/graph/builder.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

bool rounds(const Node& node) {
  if (node.kind != NodeKind::aten) return false;
  const std::string& name = node.handle->schema().name();
  return name == "aten::fake_quantize_per_tensor_affine" ||
         name == "aten::fake_quantize_per_channel_affine";
}

// The operand's number or numbers; nullopt: they are computed.
std::optional<at::Tensor> known(const Graph& graph, const Operand& operand) {
  if (operand.is_list()) return std::nullopt;
  if (!operand.is_value()) return at::tensor(operand.constant().toScalar().toDouble(), at::kDouble);
  const Constant* constant = graph.constant(operand.value());
  if (constant == nullptr) return std::nullopt;
  return constant->data.to(at::kDouble);
}

}  // namespace

std::shared_ptr<const Graph> without_rounding(const std::shared_ptr<const Graph>& graph) {
  if (std::ranges::none_of(graph->nodes(), rounds)) return graph;
  const at::NoGradGuard no_gradient;
  GraphParts parts = take_apart(*graph);
  const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::clamp", "Tensor");
  const auto add_constant = [&](const std::string& name, at::Tensor data) {
    return Operand{add_folded(parts, name, std::move(data))};
  };
  for (Node& node : parts.nodes) {
    if (!rounds(node)) continue;
    auto scale = known(*graph, node.operands[1]), zero = known(*graph, node.operands[2]);
    if (!scale || !zero) continue;
    const ValueId x = node.operands[0].value();
    const std::size_t count = node.operands.size();
    // (x, scale, zero point, [axis,] lowest, highest)
    const double lowest = node.operands[count - 2].constant().toScalar().toDouble(),
                 highest = node.operands[count - 1].constant().toScalar().toDouble();
    std::vector<std::int64_t> sizes;
    if (count == 6) {
      sizes.assign(graph->value(x).shape.size(), 1);
      sizes.at(static_cast<std::size_t>(node.operands[3].constant().toInt())) = -1;
    }
    const at::ScalarType type = graph->value(x).dtype.value_or(at::kFloat);
    const auto bound = [&](double number) {
      return ((number - *zero) * *scale).to(type).reshape(sizes);
    };
    const Operand low = add_constant(node.name + "/lowest", bound(lowest)),
                  high = add_constant(node.name + "/highest", bound(highest));
    node.op = "aten::clamp.Tensor";
    node.handle = handle;
    node.operands = {Operand{x}, low, high};
  }
  return assemble(std::move(parts));
}

}  // namespace pellucid

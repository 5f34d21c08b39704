// A gradient flows along real-valued tensors and ends at detach(); which of them lead from an input
// to an output, the declared types tell.
#include "pellucid/explain/obstacle.h"

#include <algorithm>

namespace pellucid {
namespace {

bool has_real_output(const Graph& graph) {
  return std::ranges::any_of(graph.outputs(), [&](const Output& output) {
    return output.operand.is_value() && is_real(graph.value(output.operand.value()));
  });
}

// Does an output follow an input, through real numbers alone where `differentiable`?
bool is_reached(const Graph& graph, bool differentiable) {
  std::vector<bool> follows(graph.values().size(), false);
  const auto passes = [&](ValueId id) { return !differentiable || is_real(graph.value(id)); };
  for (const ValueId id : graph.inputs())
    follows[static_cast<std::size_t>(id)] = is_real(graph.value(id));
  for (const Node& node : graph.nodes()) {
    if (differentiable && node.op.starts_with("aten::detach")) continue;
    bool reached = false;
    for_each_operand_value(
        node, [&](ValueId id) { reached = reached || follows[static_cast<std::size_t>(id)]; });
    for_each_result(
        node, [&](ValueId id) { follows[static_cast<std::size_t>(id)] = reached && passes(id); });
  }
  return std::ranges::any_of(graph.outputs(), [&](const Output& output) {
    return output.operand.is_value() && follows[static_cast<std::size_t>(output.operand.value())];
  });
}

}  // namespace

bool is_real(const Value& value) {
  return value.is_tensor && (!value.dtype || at::isFloatingType(*value.dtype));
}

std::optional<Obstacle> obstacle_of(const Method& method, const Model& model) {
  const Graph& graph = *model.graph;
  if (!has_real_output(graph)) {
    return Obstacle{"no output holds real numbers",
                    "export the model with its scores as an output"};
  }
  if (method.coordinates == Coordinates::input) {
    const auto inputs = graph.inputs();
    if (std::ranges::none_of(inputs, [&](ValueId id) { return is_real(graph.value(id)); })) {
      return Obstacle{"the model has no real-valued input to attribute to",
                      "export it from its embedding or conversion to real numbers on"};
    }
    if (!is_reached(graph, false)) {
      return Obstacle{"no output depends on a real-valued input",
                      "export the model with the input as an argument"};
    }
    if (method.needs == Needs::gradient && !is_reached(graph, true)) {
      return Obstacle{
          "no gradient reaches a real-valued input: whole numbers or detach() lie between",
          "take a method that needs no gradient, or looks at a layer"};
    }
  }
  return method.obstacle == nullptr ? std::nullopt : method.obstacle(model);
}

}  // namespace pellucid

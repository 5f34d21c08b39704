// Grad-CAM: the channels of a layer, weighted by how strongly the target reacts to each.
//   s(y, x) = Σ_c w_c A_c(y, x),   w_c = mean over positions of d target / d A_c
// Selvaraju et al. 2017 (arXiv 1610.02391). The map is kept before the paper's final ReLU, in the
// layer's own grid; the picture shows its positive part.
#include <ATen/TensorOperators.h>

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/explain/grid.h"
#include "pellucid/explain/inputs.h"
#include "pellucid/explain/method.h"
#include "pellucid/explain/obstacle.h"
#include "pellucid/model/layers.h"

namespace pellucid {
namespace {

struct Settings {};

constexpr std::array<Option, 0> options = {};

Attribution explain(const Question& question, Probe& probe, const Settings&) {
  const Graph& graph = probe.graph();
  Attribution answer;
  ValueId layer = question.layer.value_or(no_value);
  std::string name = question.layer_name;
  if (layer == no_value) {
    const auto chosen = find_cam_layer(graph, question.targets.front().reads(graph));
    if (!chosen) {
      const bool real = std::ranges::any_of(question.inputs, &NamedTensor::attributable);
      throw usage_error(
          "no layer with places in the picture leads to the target, so Grad-CAM has nothing to "
          "weight")
          .hint(real ? "name one with --layer, or take integrated_gradients"
                     : "name one with --layer: `pellucid inspect MODEL --layers` lists them");
    }
    layer = chosen->value;
    name = layer_name(graph, layer);
    answer.notes.push_back("layer " + name + " was chosen: " + chosen->why);
  }
  const auto grid = grid_of(graph, layer);
  if (!grid) {
    throw usage_error("the layer \"" + name + "\" has no places in the picture")
        .hint("name a convolution, a block or a token layer with --layer");
  }
  const Probe::Gradient at =
      probe.gradient(data_of(question), question.targets, std::span(&layer, 1));
  const at::Tensor activation = as_channels_first(at.values[0], *grid);
  const at::Tensor weights =
      as_channels_first(at.gradients[0], *grid).mean({2, 3}, /*keepdim=*/true);
  answer.maps.push_back({name, Coordinates::layer,
                         (weights * activation).sum(1).to(at::kFloat).contiguous(), true,
                         "target"});
  answer.checks.resize(static_cast<std::size_t>(question.batch()));
  return answer;
}

std::optional<Obstacle> obstacle(const Model& model) {
  const Graph& graph = *model.graph;
  for (const Output& output : graph.outputs()) {
    if (output.operand.is_value() && find_cam_layer(graph, output.operand.value())) return {};
  }
  if (!spatial_layers(graph).empty()) return {};
  const bool real =
      std::ranges::any_of(graph.inputs(), [&](ValueId id) { return is_real(graph.value(id)); });
  return Obstacle{"no layer with places in the picture leads to an output",
                  real ? "take a method that scores the input's own values"
                       : "export it from its embedding on, for a method that scores the input's "
                         "own values"};
}

}  // namespace

extern constinit const Method grad_cam = {
    .name = "grad_cam",
    .title = "Grad-CAM",
    .summary =
        "Channels of a layer weighted by the mean gradient of the target: which places spoke for "
        "it.",
    .citation =
        "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM, 2017 (arXiv 1610.02391)",
    .options = options,
    .needs = Needs::gradient,
    .promises = Promise::deterministic,
    .coordinates = Coordinates::layer,
    .uses_layer = true,
    .obstacle = obstacle,
    .explain = run_with<explain, options>,
    .defaults = defaults_of<explain, options>,
};

}  // namespace pellucid

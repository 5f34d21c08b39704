#include "pellucid/explain/straight_path.h"

#include <ATen/TensorOperators.h>

#include "pellucid/explain/inputs.h"
#include "pellucid/graph/affine.h"

namespace pellucid {
namespace {

using Tensors = std::vector<at::Tensor>;

// Σₖ weightₖ · gradientₖ of the values, summed in double: fifty float roundings would show in a
// completeness gap.
Tensors weighted_gradients(const Question& question, Probe& probe, const Quadrature& rule,
                           std::span<const ValueId> values, const Probe::Points& points) {
  Tensors sum(values.size());
  probe.gradients(static_cast<std::int64_t>(rule.points.size()), question.targets, values, points,
                  [&](std::int64_t k, const Probe::Gradient& at) {
                    for (std::size_t i = 0; i < values.size(); ++i) {
                      const at::Tensor term = at.gradients[i].to(at::kDouble) *
                                              rule.weights[static_cast<std::size_t>(k)];
                      if (sum[i].defined())
                        sum[i].add_(term);
                      else
                        sum[i] = term;
                    }
                  });
  return sum;
}

// Where the path may begin behind the affine part; the input itself where it may not.
ValueId beginning(const Question& question, const Probe& probe, ValueId input) {
  const Graph& graph = probe.graph();
  const ValueId front = affine_front(graph, input);
  for (const Target& target : question.targets) {
    // A target that reads a value before it would not see the path.
    if (target.reads(graph) != front &&
        graph.producer(target.reads(graph)) <= graph.producer(front))
      return input;
  }
  return front;
}

}  // namespace

Tensors mean_gradients(const Question& question, Probe& probe, const Tensors& baselines,
                       const Quadrature& rule) {
  const std::vector<ValueId> values = attributable(question);
  const Tensors inputs = data_of(question);
  const auto point = [&](std::int64_t k) { return rule.points[static_cast<std::size_t>(k)]; };
  const ValueId front = values.size() == 1 ? beginning(question, probe, values[0]) : values[0];
  if (front != values[0]) {
    const at::Tensor from = probe.forward(baselines, std::span(&front, 1))[0],
                     to = probe.forward(inputs, std::span(&front, 1))[0];
    // Merged with another dimension, its samples could not be told apart.
    if (to.dim() > 0 && to.size(0) == question.batch()) {
      Probe::Points points{probe.graph().inputs(), [&](std::int64_t k) {
                             Tensors all = inputs;  // for their sizes, and the other inputs
                             all.push_back(from + (to - from) * point(k));
                             return all;
                           }};
      points.values.push_back(front);
      const at::Tensor sum =
          weighted_gradients(question, probe, rule, std::span(&front, 1), points)[0];
      return {
          probe.pulled_back(inputs, front, sum.to(to.scalar_type()), values[0]).to(at::kDouble)};
    }
  }
  return weighted_gradients(question, probe, rule, values,
                            {probe.graph().inputs(), [&](std::int64_t k) {
                               return between(question, baselines, point(k));
                             }});
}

}  // namespace pellucid

// Questions about networks made by hand, and methods out of the table.
#pragma once

#include <ATen/ops/zeros_like.h>

#include "pellucid/explain/method.h"
#include "pellucid/run/executor.h"
#include "test/near.h"
#include "test/networks.h"

namespace pellucid {

inline Target entry(std::int64_t index, int output = 0) {
  Target target;
  target.output = output;
  target.index = index;
  return target;
}
inline Target scalar() {
  Target target;
  target.kind = Target::Kind::whole;
  return target;
}

inline Model model_of(std::shared_ptr<const Graph> graph) {
  Model model;
  model.graph = std::move(graph);
  model.metadata = guess_metadata(*model.graph);
  return model;
}

// Zero baselines; one target stands for every sample.
inline Question question_of(const Model& model, const std::vector<at::Tensor>& inputs,
                            std::vector<Target> targets) {
  Question question;
  question.model = &model;
  const auto values = model.graph->inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    question.inputs.push_back({model.graph->value(values[i]).name, values[i], inputs[i],
                               at::isFloatingType(inputs[i].scalar_type())});
    question.baselines.push_back(at::zeros_like(inputs[i]));
  }
  while (static_cast<std::int64_t>(targets.size()) < inputs.front().size(0))
    targets.push_back(targets.back());
  question.targets = std::move(targets);
  question.baseline = "zero";
  return question;
}

inline Probe probe_of(const std::shared_ptr<const Graph>& graph, ProbeSettings settings = {}) {
  return Probe(std::make_shared<Executor>(graph), std::move(settings));
}

struct Explained {
  Attribution answer;
  Evaluations cost;
  const at::Tensor& scores(std::size_t i = 0) const { return answer.maps.at(i).scores; }
};

// A method as the engine calls it; `layer` is a value's name, empty where the method may choose.
inline Explained explained(const Method& method, const std::shared_ptr<const Graph>& graph,
                           const std::vector<at::Tensor>& inputs, std::vector<Target> targets,
                           const Json& settings = Json::object(), const std::string& layer = "") {
  const Model model = model_of(graph);
  Question question = question_of(model, inputs, std::move(targets));
  if (!layer.empty()) {
    question.layer = graph->find(layer);
    question.layer_name = layer;
  }
  Probe probe = probe_of(graph);
  Explained result{method.explain(question, probe, settings), {}};
  result.cost = probe.evaluations();
  return result;
}

// d target / d x by central differences in float64, entry by entry: x [1, ...].
inline at::Tensor central_differences(const std::shared_ptr<const Graph>& graph_in_double,
                                      const at::Tensor& x, const Target& target, double step) {
  Probe probe = probe_of(graph_in_double);
  const at::Tensor wide = x.to(at::kDouble).contiguous();
  at::Tensor slope = at::zeros_like(wide);
  for (std::int64_t i = 0; i < wide.numel(); ++i) {
    const auto at_offset = [&](double offset) {
      at::Tensor moved = wide.clone();
      moved.flatten()[i].add_(offset);
      const ValueId read = target.reads(*graph_in_double);
      return target.of(probe.forward(std::vector{moved}, std::vector{read})[0]).item<double>();
    };
    slope.flatten()[i].fill_((at_offset(step) - at_offset(-step)) / (2 * step));
  }
  return slope;
}

}  // namespace pellucid

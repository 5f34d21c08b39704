// Layers are values of the graph: recorded by asking for them, replaced by feeding them (a tensor)
// or by an Observer (a function). Invariant: what leaves is a plain tensor, not one of inference
// mode, and nobody else's memory.
#include "runs.h"

#include <ATen/Parallel.h>
#include <ATen/ops/clone.h>
#include <c10/core/InferenceMode.h>

#include "pellucid/base/text.h"
#include "pellucid/model/layers.h"
#include "pellucid/operation/prepared_input.h"
#include "requests.h"
#include "waiting.h"

namespace py = pybind11;

namespace pellucid {
namespace {

std::vector<Feed> feeds_of(const GivenInputs& given, const Model& model) {
  const std::vector<InputGroup> groups = group_inputs(given.requested(), model);
  if (groups.size() != 1) {
    throw usage_error("a run takes one sample or one batch, not " + std::to_string(groups.size()))
        .hint("stack the samples into one tensor");
  }
  std::vector<Feed> feeds;
  for (NamedTensor& tensor : prepare_input(groups.front(), model, {}).tensors) {
    feeds.push_back({tensor.value, std::move(tensor.data)});
  }
  return feeds;
}

// What replaces values during a run.
struct Replacements {
  std::vector<Feed> tensors;
  std::vector<std::pair<ValueId, py::object>> functions;

  Replacements(const py::list& given, const Graph& graph) {
    for (const py::handle entry : given) {
      const auto [words, what] = entry.cast<std::pair<std::string, py::object>>();
      const ValueId value = find_layer(graph, words).value;
      if (PyCallable_Check(what.ptr()) != 0) {
        functions.emplace_back(value, what);
      } else {
        tensors.push_back({value, what.cast<at::Tensor>().detach()});
      }
    }
  }
};

at::Tensor own(const c10::IValue& value) {
  return value.isTensor() ? value.toTensor().clone() : at::Tensor();
}

}  // namespace

Run run_model(LoadedModel& loaded, const py::list& inputs, const std::vector<std::string>& record,
              const py::list& replace) {
  const GivenInputs given(inputs);
  Cancellation cancellation;
  CallsToPython calls(cancellation);
  ModelSettings settings;
  settings.threads = at::get_num_threads();
  work_apart(cancellation, [&] { loaded.open(settings); });

  const Model& model = loaded.model();
  const Graph& graph = *model.graph;
  Replacements replaced(replace, graph);
  Observer observer;
  for (const auto& [value, function] : replaced.functions) observer.values.push_back(value);
  observer.see = [&](ValueId id, const at::Tensor& value) {
    at::Tensor answer;
    calls.call([&] {
      answer = value.clone();
      for (const auto& [own_value, function] : replaced.functions) {
        if (own_value == id) answer = function(answer).cast<at::Tensor>().detach();
      }
    });
    return answer;
  };

  std::vector<ValueId> wanted;
  Run run;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const Operand& operand = graph.outputs()[i].operand;
    if (!operand.is_value() || !graph.value(operand.value()).is_tensor) continue;
    wanted.push_back(operand.value());
    run.outputs.emplace_back(model.metadata.outputs[i].name, at::Tensor());
  }
  for (const std::string& words : record) {
    wanted.push_back(find_layer(graph, words).value);
    run.recorded.emplace_back(words, at::Tensor());
  }
  work_apart(cancellation, calls, [&] {
    std::vector<Feed> feeds = feeds_of(given, model);
    feeds.insert(feeds.end(), replaced.tensors.begin(), replaced.tensors.end());
    const std::vector<c10::IValue> values = loaded.runner()->run(
        feeds, wanted,
        {.observer = observer.values.empty() ? nullptr : &observer, .cancellation = &cancellation});
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      auto& place = i < run.outputs.size() ? run.outputs[i] : run.recorded[i - run.outputs.size()];
      place.second = own(values[i]);
    }
  });
  return run;
}

}  // namespace pellucid

// Graphs run in tests, as short as a test wants to say it.
#pragma once

#include <torch/csrc/autograd/autograd.h>

#include "pellucid/base/error.h"
#include "pellucid/run/executor.h"

namespace pellucid {

inline std::vector<at::Tensor> run_all(const Runner& runner, const std::vector<at::Tensor>& inputs,
                                       const RunSettings& settings = {}) {
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    feeds.push_back({runner.graph().inputs()[i], inputs[i]});
  std::vector<ValueId> wanted;
  for (const Output& output : runner.graph().outputs()) wanted.push_back(output.operand.value());
  std::vector<at::Tensor> answers;
  for (const c10::IValue& answer : runner.run(feeds, wanted, settings))
    answers.push_back(answer.toTensor());
  return answers;
}
inline at::Tensor answer_of(const std::shared_ptr<const Graph>& graph, const at::Tensor& x,
                            const RunSettings& settings = {}) {
  return run_all(Executor(graph), {x}, settings)[0];
}

// The gradient of the sum of weight · answer with respect to the only input.
inline at::Tensor gradient_of(const std::shared_ptr<const Graph>& graph, const at::Tensor& x,
                              const at::Tensor& weight) {
  const at::Tensor leaf = x.detach().requires_grad_(true);
  RunSettings settings;
  settings.gradient = true;
  const at::Tensor answer = answer_of(graph, leaf, settings);
  return torch::autograd::grad({answer}, {leaf}, {weight})[0];
}

template <class Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return internal_error("nothing was thrown");
}

}  // namespace pellucid

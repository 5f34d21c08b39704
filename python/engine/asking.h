// What a method written in Python asks the model with: the Probe of one call, whose tensors are
// torch's.
#pragma once

#include <pybind11/pybind11.h>
#include <torch/csrc/utils/pybind.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "pellucid/explain/method.h"

namespace pellucid {

// Valid until end(); Python may keep it longer, and is then refused. One thread at a time: others
// wait. Every call lets go of the GIL while the engine works. `inputs` are always all of the
// model's, each [N, ...] with N a multiple of the question's batch: whole copies of it, one after
// another. A layer is named as people name it; an input's own name is meant first.
//
// A tensor that comes back belongs to the caller: what somebody else holds, too, is copied.
class Asking {
 public:
  using Tensors = std::vector<at::Tensor>;

  Asking(const Question& question, Probe& probe, Needs needs)
      : question_(&question), probe_(&probe), needs_(needs) {}
  // Waits for whoever is asking. With the GIL.
  void end();

  Tensors outputs(const Tensors& inputs);
  Tensors activations(const Tensors& inputs, const std::vector<std::string>& layers);
  at::Tensor target(const Tensors& inputs);
  // The targets' texts, one per sample: "282 tiger cat".
  std::vector<std::string> targets();
  // (target, gradients, values).
  std::tuple<at::Tensor, Tensors, Tensors> gradient(const Tensors& inputs,
                                                    const std::vector<std::string>& of);
  // Gradients with respect to inputs at the points at(0), ..., at(count - 1), several in one model
  // call: add(k, gradients).
  void gradients(std::int64_t count, const std::vector<std::string>& of,
                 const pybind11::function& at, const pybind11::function& add);
  at::Tensor pulled_back(const Tensors& inputs, const std::string& layer, const at::Tensor& weights,
                         const std::string& input);
  // The layer that class activation maps would look at; empty: there is none.
  std::string picture_layer();
  std::vector<std::string> layers();

 private:
  template <class Work>
  auto ask(Needs wanted, const Work& work);
  ValueId value(const std::string& name) const;
  std::vector<ValueId> values(const std::vector<std::string>& names) const;
  Tensors checked(const Tensors& inputs) const;
  std::vector<Target> targets_for(const Tensors& inputs);

  std::mutex mutex_;
  std::atomic<std::thread::id> busy_;  // who holds the mutex
  const Question* question_;
  Probe* probe_;
  Needs needs_;
};

}  // namespace pellucid

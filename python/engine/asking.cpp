// Invariant: while C++ of the engine runs the GIL is free, and the Probe has one caller.
#include "asking.h"

#include <pybind11/stl.h>

#include "pellucid/base/text.h"
#include "pellucid/explain/grid.h"
#include "pellucid/explain/inputs.h"
#include "pellucid/model/layers.h"

namespace py = pybind11;

namespace pellucid {
namespace {

bool covers(Needs declared, Needs wanted) {
  const auto rank = [](Needs needs) {
    return needs == Needs::forward ? 0 : needs == Needs::activations ? 1 : 2;
  };
  return rank(declared) >= rank(wanted);
}

at::Tensor for_caller(at::Tensor tensor) {
  return tensor.storage().use_count() > 1 ? tensor.clone() : tensor;
}

Asking::Tensors for_caller(Asking::Tensors tensors) {
  for (at::Tensor& tensor : tensors) tensor = for_caller(std::move(tensor));
  return tensors;
}

class Busy {
 public:
  explicit Busy(std::atomic<std::thread::id>& who) : who_(who) {
    who_ = std::this_thread::get_id();
  }
  ~Busy() { who_ = std::thread::id(); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::atomic<std::thread::id>& who_;
};

}  // namespace

// Runs `work` without the GIL, as the only one.
template <class Work>
auto Asking::ask(Needs wanted, const Work& work) {
  const py::gil_scoped_release without_gil;
  if (busy_ == std::this_thread::get_id())
    throw usage_error("the probe was asked while it answers").hint("ask before or after");
  const std::lock_guard lock(mutex_);
  if (probe_ == nullptr)
    throw usage_error("the probe answers only while its method runs").hint("ask before returning");
  if (!covers(needs_, wanted)) {
    throw usage_error("the method said that it needs " + std::string(to_string(needs_)) + " alone")
        .hint("declare it with needs=\"" + std::string(to_string(wanted)) + "\"");
  }
  const Busy busy(busy_);
  return work();
}

void Asking::end() {
  // Whoever asks may want the GIL before he lets go of the mutex.
  const py::gil_scoped_release without_gil;
  const std::lock_guard lock(mutex_);
  question_ = nullptr;
  probe_ = nullptr;
}

ValueId Asking::value(const std::string& name) const {
  for (const NamedTensor& input : question_->inputs) {
    if (input.name == name) return input.value;
  }
  return find_layer(probe_->graph(), name).value;
}

std::vector<ValueId> Asking::values(const std::vector<std::string>& names) const {
  std::vector<ValueId> found;
  for (const std::string& name : names) found.push_back(value(name));
  return found;
}

// As the question's, in shape and type, but for the number of samples.
Asking::Tensors Asking::checked(const Tensors& inputs) const {
  if (inputs.size() != question_->inputs.size()) {
    throw usage_error(std::to_string(inputs.size()) + " tensors for " +
                      std::to_string(question_->inputs.size()) + " inputs");
  }
  Tensors plain;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor& own = question_->inputs[i].data;
    const at::Tensor& given = inputs[i];
    const bool fits = given.dim() == own.dim() && given.sizes().slice(1) == own.sizes().slice(1) &&
                      given.size(0) == inputs[0].size(0) && given.size(0) > 0 &&
                      given.size(0) % question_->batch() == 0;
    if (!fits) {
      throw usage_error("a tensor does not fit the question's input")
          .at(question_->inputs[i].name)
          .hint("its shape is the input's; it has as many samples, or whole copies of them");
    }
    plain.push_back(given.detach().to(own.options()));
  }
  return plain;
}

std::vector<Target> Asking::targets_for(const Tensors& inputs) {
  const std::int64_t copies = inputs.front().size(0) / question_->batch();
  if (copies == 1) return question_->targets;
  const std::vector<Target> settled = probe_->settled(question_->targets);
  std::vector<Target> all;
  for (std::int64_t k = 0; k < copies; ++k) all.insert(all.end(), settled.begin(), settled.end());
  return all;
}

Asking::Tensors Asking::outputs(const Tensors& inputs) {
  return ask(Needs::forward, [&] { return for_caller(probe_->outputs(checked(inputs))); });
}

Asking::Tensors Asking::activations(const Tensors& inputs, const std::vector<std::string>& layers) {
  return ask(Needs::activations,
             [&] { return for_caller(probe_->forward(checked(inputs), values(layers))); });
}

at::Tensor Asking::target(const Tensors& inputs) {
  return ask(Needs::forward, [&] {
    const Tensors plain = checked(inputs);
    return for_caller(probe_->target(plain, targets_for(plain)));
  });
}

std::vector<std::string> Asking::targets() {
  return ask(Needs::forward, [&] {
    std::vector<std::string> texts;
    for (const Target& target : probe_->settled(question_->targets)) texts.push_back(target.text);
    return texts;
  });
}

std::tuple<at::Tensor, Asking::Tensors, Asking::Tensors> Asking::gradient(
    const Tensors& inputs, const std::vector<std::string>& of) {
  return ask(Needs::gradient, [&] {
    const Tensors plain = checked(inputs);
    Probe::Gradient answer = probe_->gradient(plain, targets_for(plain), values(of));
    return std::tuple(for_caller(std::move(answer.target)), for_caller(std::move(answer.gradients)),
                      for_caller(std::move(answer.values)));
  });
}

void Asking::gradients(std::int64_t count, const std::vector<std::string>& of,
                       const py::function& at, const py::function& add) {
  ask(Needs::gradient, [&] {
    std::vector<ValueId> fed;
    for (const NamedTensor& input : question_->inputs) fed.push_back(input.value);
    const Probe::Points points(fed, [&](std::int64_t k) {
      const py::gil_scoped_acquire gil;
      Tensors point = checked(at(k).cast<Tensors>());
      if (point.front().size(0) != question_->batch())
        throw usage_error("a point has another number of samples than the question");
      return point;
    });
    probe_->gradients(count, question_->targets, values(of), points,
                      [&](std::int64_t k, const Probe::Gradient& gradient) {
                        const py::gil_scoped_acquire gil;
                        add(k, gradient.gradients);
                      });
  });
}

at::Tensor Asking::pulled_back(const Tensors& inputs, const std::string& layer,
                               const at::Tensor& weights, const std::string& input) {
  return ask(Needs::gradient, [&] {
    return for_caller(
        probe_->pulled_back(checked(inputs), value(layer), weights.detach(), value(input)));
  });
}

std::string Asking::picture_layer() {
  return ask(Needs::forward, [&] {
    const Graph& graph = probe_->graph();
    if (question_->layer) return question_->layer_name;
    const auto chosen = find_cam_layer(graph, question_->targets.front().reads(graph));
    return chosen ? layer_name(graph, chosen->value) : std::string();
  });
}

std::vector<std::string> Asking::layers() {
  return ask(Needs::forward, [&] {
    std::vector<std::string> names;
    for (const Layer& layer : pellucid::layers(probe_->graph())) names.push_back(layer.name);
    return names;
  });
}

}  // namespace pellucid

// Model calls for methods: cut into chunks, counted, reported, cancellable.
#include "pellucid/explain/probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"
#include "pellucid/run/memory.h"

namespace pellucid {
namespace {

// Autograd refuses tensors made in inference mode; a copy made outside is an ordinary one.
at::Tensor ordinary(const at::Tensor& tensor) {
  return tensor.is_inference() ? tensor.clone() : tensor;
}

std::vector<Feed> slice(std::span<const Feed> feeds, std::int64_t begin, std::int64_t end) {
  std::vector<Feed> parts;
  for (const Feed& feed : feeds)
    parts.push_back({feed.value, feed.data.toTensor().slice(0, begin, end)});
  return parts;
}

std::vector<Feed> feeds_of(std::span<const ValueId> values, std::span<const at::Tensor> tensors) {
  if (values.size() != tensors.size()) {
    throw internal_error("the probe got " + std::to_string(tensors.size()) + " tensors for " +
                         std::to_string(values.size()) + " values");
  }
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < values.size(); ++i)
    feeds.push_back({values[i], ordinary(tensors[i])});
  return feeds;
}

std::int64_t batch_of(std::span<const Feed> feeds) { return feeds[0].data.toTensor().size(0); }

std::vector<at::Tensor> joined(std::vector<std::vector<at::Tensor>>& parts) {
  std::vector<at::Tensor> whole;
  for (auto& part : parts) whole.push_back(part.size() == 1 ? part.front() : at::cat(part));
  return whole;
}

// The values that the targets read, each once.
std::vector<ValueId> values_read(std::span<const Target> targets, const Graph& graph) {
  std::vector<ValueId> reads;
  for (const Target& target : targets) {
    const ValueId id = target.reads(graph);
    if (std::find(reads.begin(), reads.end(), id) == reads.end()) reads.push_back(id);
  }
  return reads;
}

bool same_scalar(const Target& a, const Target& b) {
  return a.kind == b.kind && a.output == b.output && a.index == b.index && a.against == b.against &&
         a.value == b.value && a.position == b.position;
}

// The targets' scalars of samples that have consecutive equal targets, each group read at once.
at::Tensor scalars(std::span<const Target> targets, std::int64_t batch,
                   const std::function<at::Tensor(const Target&)>& read) {
  if (targets.size() == 1) return targets[0].of(read(targets[0]));
  std::vector<at::Tensor> parts;
  for (std::int64_t begin = 0; begin < batch;) {
    std::int64_t end = begin + 1;
    const Target& target = targets[static_cast<std::size_t>(begin)];
    while (end < batch && same_scalar(target, targets[static_cast<std::size_t>(end)])) ++end;
    parts.push_back(target.of(read(target)).slice(0, begin, end));
    begin = end;
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

}  // namespace

Probe::Probe(std::shared_ptr<const Runner> runner, ProbeSettings settings)
    : runner_(std::move(runner)),
      settings_(std::move(settings)),
      cost_(cost_per_sample(runner_->graph())),
      most_{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()} {}

const Graph& Probe::graph() const { return runner_->graph(); }

std::int64_t Probe::chunk_for(std::int64_t samples, Kind kind) {
  std::int64_t chunk = settings_.chunk;
  if (chunk <= 0) {
    const bool forward = kind == Kind::forward;
    chunk = forward ? cost_.forward_chunk : cost_.gradient_chunk;
    if (settings_.memory_limit > 0) {
      // A first guess; what does not fit in fact is cut further.
      const std::int64_t bytes = forward ? cost_.forward_bytes : cost_.gradient_bytes;
      chunk = std::clamp<std::int64_t>(settings_.memory_limit / std::max<std::int64_t>(bytes, 1), 1,
                                       chunk);
    }
  }
  chunk = std::min({chunk, samples, most_[static_cast<int>(kind)]});
  chunk_ = std::max(chunk_, chunk);
  return chunk;
}

// After a call with that many samples ran out of memory: fewer samples, then values computed twice.
// False: nothing is left to try.
bool Probe::take_less(Kind kind, std::int64_t failed) {
  if (failed > 1) {
    chunk_ = most_[static_cast<int>(kind)] = failed / 2;
    return true;
  }
  constexpr int most_segments = 32;
  if (kind == Kind::forward || segments_ >= most_segments) return false;
  segments_ = segments_ == 1 ? 4 : segments_ * 2;
  return true;
}

std::string Probe::memory_hint(Kind kind) const {
  const bool forward = kind == Kind::forward;
  const auto bytes = static_cast<double>(forward ? cost_.forward_bytes : cost_.gradient_bytes);
  return "one sample takes about " + human_bytes(bytes) + (forward ? "" : " at full speed") +
         ": raise --memory-limit" + (forward ? "" : ", or take a method that needs no gradient");
}

// Calls work(begin, end) for parts of the batch that memory has room for.
void Probe::in_chunks(std::int64_t batch, Kind kind,
                      const std::function<void(std::int64_t, std::int64_t)>& work) {
  for (std::int64_t begin = 0; begin < batch;) {
    if (settings_.cancellation != nullptr) settings_.cancellation->check();
    const std::int64_t end = std::min(begin + chunk_for(batch, kind), batch);
    try {
      const MemoryLimit limit(settings_.memory_limit);
      work(begin, end);
    } catch (Error& error) {
      if (error.fault() != Fault::too_large) throw;
      if (take_less(kind, end - begin)) continue;
      throw error.hint(memory_hint(kind));
    }
    (kind == Kind::forward ? evaluations_.forwards : evaluations_.gradients) += end - begin;
    ++evaluations_.calls;
    begin = end;
  }
}

std::vector<at::Tensor> Probe::forward(std::span<const at::Tensor> inputs,
                                       std::span<const ValueId> wanted) {
  const std::vector<Feed> feeds = feeds_of(graph().inputs(), inputs);
  std::vector<std::vector<at::Tensor>> parts(wanted.size());
  in_chunks(batch_of(feeds), Kind::forward, [&](std::int64_t begin, std::int64_t end) {
    const auto answers =
        runner_->run(slice(feeds, begin, end), wanted, {nullptr, settings_.cancellation, false});
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!answers[i].isTensor())
        throw internal_error("a wanted value is no tensor").at(graph().value(wanted[i]).name);
      parts[i].push_back(ordinary(answers[i].toTensor()));
    }
  });
  return joined(parts);
}

std::vector<at::Tensor> Probe::outputs(std::span<const at::Tensor> inputs) {
  std::vector<ValueId> values;
  for (const Output& output : graph().outputs()) {
    if (output.operand.is_value() && graph().value(output.operand.value()).is_tensor)
      values.push_back(output.operand.value());
  }
  const std::vector<at::Tensor> found = forward(inputs, values);
  std::vector<at::Tensor> all;
  std::size_t next = 0;
  for (const Output& output : graph().outputs()) {
    const bool real = output.operand.is_value() && graph().value(output.operand.value()).is_tensor;
    all.push_back(real ? found[next++].cpu() : at::zeros({}));
  }
  return all;
}

// Targets' scalars from the values that they read, each value once.
Probe::Scalar Probe::scalar_of(std::span<const Target> targets, std::int64_t batch) const {
  Scalar scalar{values_read(targets, graph()), {}};
  scalar.of = [this, targets, batch, reads = scalar.reads](const std::vector<at::Tensor>& values) {
    return scalars(targets, batch, [&](const Target& target) {
      const auto place = std::find(reads.begin(), reads.end(), target.reads(graph()));
      return values[static_cast<std::size_t>(place - reads.begin())];
    });
  };
  return scalar;
}

at::Tensor Probe::target(std::span<const at::Tensor> inputs, std::span<const Target> targets) {
  const Scalar scalar = scalar_of(targets, inputs.front().size(0));
  return scalar.of(forward(inputs, scalar.reads)).to(at::kFloat);
}

Probe::Gradient Probe::gradient_of_chunk(std::span<const Feed> feeds, const Scalar& scalar,
                                         std::span<const ValueId> with_respect_to) {
  std::map<ValueId, at::Tensor> leaves;
  const Observer observer{{with_respect_to.begin(), with_respect_to.end()},
                          [&](ValueId id, const at::Tensor& tensor) {
                            // Behind another of the values it must stay connected; else the graph
                            // is cut here, so that the backward pass goes no further than it must.
                            if (tensor.requires_grad()) {
                              leaves[id] = tensor;
                              return tensor;
                            }
                            leaves[id] = ordinary(tensor).detach().requires_grad_(true);
                            return leaves[id].alias();
                          }};
  std::vector<at::Tensor> values;
  for (const c10::IValue& answer :
       runner_->run(feeds, scalar.reads, {&observer, settings_.cancellation, true, segments_}))
    values.push_back(answer.toTensor());

  Gradient result;
  const at::AutoGradMode recording(true);
  const at::Tensor scores = scalar.of(values);
  std::vector<at::Tensor> variables;
  for (const ValueId id : with_respect_to) {
    if (const auto found = leaves.find(id); found != leaves.end())
      variables.push_back(found->second);
  }
  std::vector<at::Tensor> gradients(variables.size());
  if (scores.requires_grad() && !variables.empty()) {
    try {
      gradients = torch::autograd::grad({scores.sum()}, variables, {}, std::nullopt, false,
                                        /*allow_unused=*/true);
    } catch (const c10::OutOfMemoryError& error) {  // of a device
      throw Error(Fault::too_large, "out of memory: " + first_line(error.what_without_backtrace()));
    } catch (const c10::Error& error) {
      throw model_error("the gradient can't be computed: " +
                        first_line(error.what_without_backtrace()))
          .hint("take a method that needs no gradient; `pellucid methods` lists what each needs");
    }
  }
  std::size_t next = 0;
  for (const ValueId id : with_respect_to) {
    if (leaves.find(id) == leaves.end()) {
      throw usage_error("the target does not depend on \"" + graph().value(id).name + "\"")
          .hint("choose a layer between the input and the target");
    }
    const at::Tensor& variable = variables[next];
    const at::Tensor& gradient = gradients[next++];
    result.values.push_back(variable.detach());
    result.gradients.push_back(gradient.defined() ? gradient.detach()
                                                  : at::zeros_like(variable.detach()));
  }
  result.target = scores.detach().to(at::kFloat);
  return result;
}

Probe::Gradient Probe::gradient_at(std::span<const Feed> feeds, std::span<const Target> targets,
                                   std::span<const ValueId> with_respect_to) {
  std::vector<at::Tensor> scores;
  std::vector<std::vector<at::Tensor>> gradients(with_respect_to.size()),
      values(with_respect_to.size());
  in_chunks(batch_of(feeds), Kind::gradient, [&](std::int64_t begin, std::int64_t end) {
    const auto own = targets.size() == 1 ? targets
                                         : targets.subspan(static_cast<std::size_t>(begin),
                                                           static_cast<std::size_t>(end - begin));
    Gradient part =
        gradient_of_chunk(slice(feeds, begin, end), scalar_of(own, end - begin), with_respect_to);
    scores.push_back(part.target);
    for (std::size_t i = 0; i < with_respect_to.size(); ++i) {
      gradients[i].push_back(part.gradients[i]);
      values[i].push_back(part.values[i]);
    }
  });
  return {scores.size() == 1 ? scores[0] : at::cat(scores), joined(gradients), joined(values)};
}

Probe::Gradient Probe::gradient(std::span<const at::Tensor> inputs, std::span<const Target> targets,
                                std::span<const ValueId> with_respect_to) {
  return gradient_at(feeds_of(graph().inputs(), inputs), targets, with_respect_to);
}

at::Tensor Probe::pulled_back(std::span<const at::Tensor> inputs, ValueId value,
                              const at::Tensor& weights, ValueId input) {
  const std::vector<Feed> feeds = feeds_of(graph().inputs(), inputs);
  std::vector<at::Tensor> parts;
  in_chunks(batch_of(feeds), Kind::gradient, [&](std::int64_t begin, std::int64_t end) {
    const Scalar product{{value}, [&](const std::vector<at::Tensor>& values) {
                           return (values[0] * weights.slice(0, begin, end)).flatten(1).sum(1);
                         }};
    parts.push_back(
        gradient_of_chunk(slice(feeds, begin, end), product, std::span(&input, 1)).gradients[0]);
  });
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

void Probe::gradients(std::int64_t steps, std::span<const Target> targets,
                      std::span<const ValueId> with_respect_to, const Points& points,
                      const std::function<void(std::int64_t, const Gradient&)>& add) {
  if (steps <= 0) return;
  const std::vector<at::Tensor> first = points.at(0);
  const std::int64_t batch = first.front().size(0);
  const std::int64_t chunk = chunk_for(batch * steps, Kind::gradient);
  // Whole steps go together; a step that is larger than a chunk is cut inside gradient_at().
  const std::int64_t together = std::max<std::int64_t>(1, chunk / batch);
  for (std::int64_t begin = 0; begin < steps; begin += together) {
    const std::int64_t end = std::min(begin + together, steps);
    std::vector<std::vector<at::Tensor>> inputs(first.size());
    std::vector<Target> repeated;
    for (std::int64_t k = begin; k < end; ++k) {
      const std::vector<at::Tensor> now = k == 0 ? first : points.at(k);
      for (std::size_t i = 0; i < now.size(); ++i) inputs[i].push_back(now[i]);
      if (targets.size() > 1) repeated.insert(repeated.end(), targets.begin(), targets.end());
    }
    const Gradient all = gradient_at(
        feeds_of(points.values, joined(inputs)),
        targets.size() > 1 ? std::span<const Target>(repeated) : targets, with_respect_to);
    for (std::int64_t k = begin; k < end; ++k) {
      const auto own = [&](const at::Tensor& tensor) {
        return tensor.slice(0, (k - begin) * batch, (k - begin + 1) * batch);
      };
      Gradient one{own(all.target), {}, {}};
      for (const at::Tensor& tensor : all.gradients) one.gradients.push_back(own(tensor));
      for (const at::Tensor& tensor : all.values) one.values.push_back(own(tensor));
      add(k, one);
    }
    if (settings_.progress) settings_.progress({"explaining", end, steps});
  }
}

}  // namespace pellucid

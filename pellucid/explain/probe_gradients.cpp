// The Probe's gradients: a recorded run, and the backward pass from a scalar per sample.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/explain/feeds.h"
#include "pellucid/explain/probe.h"

namespace pellucid {

bool Probe::Recording::has(ValueId id) const { return std::ranges::find(reads, id) != reads.end(); }

const at::Tensor& Probe::Recording::value(ValueId id) const {
  return values[static_cast<std::size_t>(std::ranges::find(reads, id) - reads.begin())];
}

Probe::Recording Probe::record(std::span<const Feed> feeds, std::vector<ValueId> reads,
                               std::span<const ValueId> with_respect_to) const {
  Recording recording{{with_respect_to.begin(), with_respect_to.end()}, std::move(reads), {}, {}};
  const Observer observer{recording.with_respect_to, [&](ValueId id, const at::Tensor& tensor) {
                            // Behind another of the values it must stay connected; else the graph
                            // is cut here, so that the backward pass goes no further than it must.
                            if (tensor.requires_grad()) {
                              recording.leaves[id] = tensor;
                              return tensor;
                            }
                            at::Tensor& leaf = recording.leaves[id];
                            leaf = ordinary(tensor).detach().requires_grad_(true);
                            return leaf.alias();
                          }};
  for (const c10::IValue& answer :
       runner_->run(feeds, recording.reads, {&observer, settings_.cancellation, true, segments_}))
    recording.values.push_back(answer.toTensor());
  return recording;
}

Probe::Gradient Probe::differentiate(const Recording& recording, const Scalar& scalar,
                                     bool keep) const {
  const at::AutoGradMode recorded(true);
  std::vector<at::Tensor> values;
  for (const ValueId id : scalar.reads) values.push_back(recording.value(id));
  const at::Tensor scores = scalar.of(values);
  std::vector<at::Tensor> variables;
  for (const ValueId id : recording.with_respect_to) {
    const auto found = recording.leaves.find(id);
    if (found == recording.leaves.end()) {
      throw usage_error("the target does not depend on \"" + graph().value(id).name + "\"")
          .hint("choose a layer between the input and the target");
    }
    variables.push_back(found->second);
  }
  std::vector<at::Tensor> gradients(variables.size());
  if (scores.requires_grad() && !variables.empty()) {
    try {
      gradients = torch::autograd::grad({scores.sum()}, variables, {}, keep, false,
                                        /*allow_unused=*/true);
    } catch (const c10::OutOfMemoryError& error) {  // of a device
      throw Error(Fault::too_large, "out of memory: " + first_line(error.what_without_backtrace()));
    } catch (const c10::Error& error) {
      throw model_error("the gradient can't be computed: " +
                        first_line(error.what_without_backtrace()))
          .hint("take a method that needs no gradient; `pellucid methods` lists what each needs");
    }
  }
  Gradient result;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const at::Tensor value = variables[i].detach();
    result.gradients.push_back(gradients[i].defined() ? gradients[i].detach()
                                                      : at::zeros_like(value));
    result.values.push_back(value);
  }
  result.target = scores.detach().to(at::kFloat);
  return result;
}

Probe::Gradient Probe::gradient_at(std::span<const Feed> feeds, const std::vector<ValueId>& reads,
                                   std::span<const ValueId> with_respect_to, const ScalarAt& scalar,
                                   bool keep) {
  const std::int64_t batch = batch_of(feeds);
  std::vector<at::Tensor> scores;
  std::vector<std::vector<at::Tensor>> gradients(with_respect_to.size()),
      values(with_respect_to.size());
  in_chunks(batch, Kind::gradient, [&](std::int64_t begin, std::int64_t end) {
    Recording recording = record(slice(feeds, begin, end), reads, with_respect_to);
    // What values were computed twice for is not kept, nor is a part of a batch.
    const bool whole = keep && segments_ == 1 && end - begin == batch;
    const Gradient part = differentiate(recording, scalar(begin, end, recording), whole);
    if (whole) recording_ = std::move(recording);
    scores.push_back(part.target);
    for (std::size_t i = 0; i < with_respect_to.size(); ++i) {
      gradients[i].push_back(part.gradients[i]);
      values[i].push_back(part.values[i]);
    }
  });
  return {scores.size() == 1 ? scores[0] : at::cat(scores), joined(gradients), joined(values)};
}

Probe::ScalarAt Probe::scalars_of(std::vector<Target> targets) const {
  return
      [this, targets = std::move(targets)](std::int64_t begin, std::int64_t end, const Recording&) {
        if (targets.size() == 1) return scalar_of(targets, end - begin);
        return scalar_of({targets.begin() + begin, targets.begin() + end}, end - begin);
      };
}

Probe::Gradient Probe::gradient(std::span<const at::Tensor> inputs, std::span<const Target> targets,
                                std::span<const ValueId> with_respect_to) {
  const bool asked = is_asked(inputs);
  const bool settling =
      asked && answers_.empty() && !std::ranges::all_of(targets, &Target::settled);
  const std::vector<Target> own =
      settling ? std::vector<Target>(targets.begin(), targets.end()) : settled(targets);
  const std::int64_t batch = inputs.front().size(0);
  std::vector<ValueId> reads = scalar_of(own, batch).reads;
  if (asked && recording_ && std::ranges::equal(recording_->with_respect_to, with_respect_to) &&
      std::ranges::all_of(reads, [&](ValueId id) { return recording_->has(id); })) {
    chunk_ = std::max(chunk_, batch);
    evaluations_.gradients += batch;
    return differentiate(*recording_, scalar_of(own, batch), true);
  }
  const bool keep = asked && settings_.several_targets && settings_.memory_limit == 0;
  if (settling || keep) {
    for (const ValueId id : output_values()) {
      if (std::ranges::find(reads, id) == reads.end()) reads.push_back(id);
    }
  }
  const std::vector<Feed> feeds = feeds_of(graph().inputs(), inputs);
  if (!settling) return gradient_at(feeds, reads, with_respect_to, scalars_of(own), keep);

  // The same run tells which classes were meant. A part that is tried again, smaller, is written
  // over.
  std::map<std::int64_t, std::vector<at::Tensor>> answers;
  const auto settle = [&](std::int64_t begin, std::int64_t end, const Recording& recording) {
    std::vector<at::Tensor>& values = answers[begin];
    values.clear();
    for (const ValueId id : output_values()) values.push_back(recording.value(id).detach());
    const std::vector<at::Tensor> outputs = as_outputs(values);
    std::vector<Target> now;
    for (std::int64_t n = begin; n < end; ++n) {
      const Target& target = own.size() == 1 ? own[0] : own[static_cast<std::size_t>(n)];
      now.push_back(settle_one(target, outputs, n - begin));
    }
    return scalar_of(std::move(now), end - begin);
  };
  Gradient result = gradient_at(feeds, reads, with_respect_to, settle, keep);
  std::vector<std::vector<at::Tensor>> parts(output_values().size());
  for (const auto& [begin, values] : answers) {
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].push_back(values[i]);
  }
  answers_ = as_outputs(joined(parts));
  return result;
}

at::Tensor Probe::pulled_back(std::span<const at::Tensor> inputs, ValueId value,
                              const at::Tensor& weights, ValueId input) {
  const auto product = [&](std::int64_t begin, std::int64_t end, const Recording&) {
    return Scalar{{value}, [&weights, begin, end](const std::vector<at::Tensor>& values) {
                    return (values[0] * weights.slice(0, begin, end)).flatten(1).sum(1);
                  }};
  };
  return gradient_at(feeds_of(graph().inputs(), inputs), {value}, std::span(&input, 1), product)
      .gradients[0];
}

void Probe::gradients(std::int64_t steps, std::span<const Target> targets,
                      std::span<const ValueId> with_respect_to, const Points& points,
                      const std::function<void(std::int64_t, const Gradient&)>& add) {
  if (steps <= 0) return;
  const std::vector<Target> own = settled(targets);
  const std::vector<at::Tensor> first = points.at(0);
  const std::int64_t batch = first.front().size(0);
  const std::vector<ValueId> reads = scalar_of(own, batch).reads;
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
      if (k == begin || own.size() > 1) repeated.insert(repeated.end(), own.begin(), own.end());
    }
    const Gradient all = gradient_at(feeds_of(points.values, joined(inputs)), reads,
                                     with_respect_to, scalars_of(std::move(repeated)));
    for (std::int64_t k = begin; k < end; ++k) {
      const auto part = [&](const at::Tensor& tensor) {
        return tensor.slice(0, (k - begin) * batch, (k - begin + 1) * batch);
      };
      Gradient one{part(all.target), {}, {}};
      for (const at::Tensor& tensor : all.gradients) one.gradients.push_back(part(tensor));
      for (const at::Tensor& tensor : all.values) one.values.push_back(part(tensor));
      add(k, one);
    }
    if (settings_.progress) settings_.progress({"explaining", end, steps});
  }
}

}  // namespace pellucid

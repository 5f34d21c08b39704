// Model calls for methods: cut into chunks, counted, reported, cancellable; targets settled by the
// model's answer at the question's inputs, which is computed once.
#include "pellucid/explain/probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"
#include "pellucid/explain/feeds.h"
#include "pellucid/run/memory.h"

namespace pellucid {
namespace {

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
         a.value == b.value && a.position == b.position && a.mask.is_same(b.mask);
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

Probe::Probe(std::shared_ptr<const Runner> runner, ProbeSettings settings, Settling settling)
    : runner_(std::move(runner)),
      settings_(std::move(settings)),
      settling_(std::move(settling)),
      cost_(cost_per_sample(runner_->graph())),
      most_{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()} {}

const Graph& Probe::graph() const { return runner_->graph(); }

void Probe::start_counting() {
  evaluations_ = {};
  chunk_ = 0;
}

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
  recording_.reset();
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

std::vector<ValueId> Probe::output_values() const {
  std::vector<ValueId> values;
  for (const Output& output : graph().outputs()) {
    if (output.operand.is_value() && graph().value(output.operand.value()).is_tensor)
      values.push_back(output.operand.value());
  }
  return values;
}

std::vector<at::Tensor> Probe::as_outputs(std::span<const at::Tensor> values) const {
  std::vector<at::Tensor> all;
  std::size_t next = 0;
  for (const Output& output : graph().outputs()) {
    const bool real = output.operand.is_value() && graph().value(output.operand.value()).is_tensor;
    all.push_back(real ? ordinary(values[next++].detach()).cpu() : at::zeros({}));
  }
  return all;
}

bool Probe::is_asked(std::span<const at::Tensor> inputs) const {
  if (inputs.empty()) return false;
  return std::ranges::equal(inputs, settling_.inputs, [](const auto& a, const auto& b) {
    return a.const_data_ptr() == b.const_data_ptr() && a.sizes() == b.sizes() &&
           a.strides() == b.strides();
  });
}

std::vector<at::Tensor> Probe::outputs(std::span<const at::Tensor> inputs) {
  if (is_asked(inputs) && !answers_.empty()) return answers_;
  std::vector<at::Tensor> all = as_outputs(forward(inputs, output_values()));
  if (is_asked(inputs)) answers_ = all;
  return all;
}

Target Probe::settle_one(const Target& target, std::span<const at::Tensor> outputs,
                         std::int64_t sample) const {
  if (target.settled) return target;
  std::vector<at::Tensor> own;
  for (const at::Tensor& output : outputs) {
    const bool batched = output.dim() > 0 && output.size(0) > sample;
    own.push_back(batched ? output.slice(0, sample, sample + 1) : output);
  }
  return settling_.settle(target, own);
}

std::vector<Target> Probe::settled(std::span<const Target> targets) {
  std::vector<Target> all(targets.begin(), targets.end());
  if (std::ranges::all_of(all, &Target::settled)) return all;
  if (!settling_.settle) throw internal_error("a target is not settled");
  const std::vector<at::Tensor> answers = outputs(settling_.inputs);
  all.resize(static_cast<std::size_t>(settling_.inputs.front().size(0)), all.front());
  for (std::size_t n = 0; n < all.size(); ++n)
    all[n] = settle_one(all[n], answers, static_cast<std::int64_t>(n));
  return all;
}

Probe::Scalar Probe::scalar_of(std::vector<Target> targets, std::int64_t batch) const {
  Scalar scalar{values_read(targets, graph()), {}};
  scalar.of = [this, targets = std::move(targets), batch,
               reads = scalar.reads](const std::vector<at::Tensor>& values) {
    return scalars(targets, batch, [&](const Target& target) {
      const auto place = std::find(reads.begin(), reads.end(), target.reads(graph()));
      return values[static_cast<std::size_t>(place - reads.begin())];
    });
  };
  return scalar;
}

at::Tensor Probe::target(std::span<const at::Tensor> inputs, std::span<const Target> targets) {
  const std::vector<Target> own = settled(targets);
  const Scalar scalar = scalar_of(own, inputs.front().size(0));
  const bool known =
      is_asked(inputs) && !answers_.empty() &&
      std::ranges::none_of(own, [](const Target& one) { return one.kind == Target::Kind::unit; });
  if (!known) return scalar.of(forward(inputs, scalar.reads)).to(at::kFloat);
  std::vector<at::Tensor> values;
  for (const ValueId id : scalar.reads) {
    const auto outputs = graph().outputs();
    const auto place = std::ranges::find_if(outputs, [&](const Output& output) {
      return output.operand.is_value() && output.operand.value() == id;
    });
    values.push_back(answers_[static_cast<std::size_t>(place - outputs.begin())]);
  }
  return scalar.of(values).to(at::kFloat);
}

}  // namespace pellucid

// All the access to a model that a method gets. It batches, splits work to fit the memory limit,
// counts evaluations, reports progress and honours cancellation, so that no method has a line for
// any of these.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pellucid/base/progress.h"
#include "pellucid/explain/cost.h"
#include "pellucid/explain/question.h"
#include "pellucid/run/executor.h"

namespace pellucid {

struct ProbeSettings {
  std::int64_t chunk = 0;         // samples per model call; 0: chosen per model
  std::int64_t memory_limit = 0;  // bytes for computing, beside the model; 0: what the process has
  const Cancellation* cancellation = nullptr;
  ProgressSink progress;
  // Several targets are asked about at the same inputs: what a gradient's forward recorded is kept
  // for the next.
  bool several_targets = false;
};

// Where targets are settled: at the question's inputs, by the model's answer there, which is
// computed once.
struct Settling {
  std::vector<at::Tensor> inputs;
  // One sample's target; its outputs are a batch of one.
  std::function<Target(const Target&, std::span<const at::Tensor> outputs)> settle;
};

// What the calls cost, in samples (a batch of ten is ten).
struct Evaluations {
  std::int64_t forwards = 0;
  std::int64_t gradients = 0;  // each includes its forward, which is not counted again
  std::int64_t calls = 0;      // model calls of any kind
};

class Probe {
 public:
  // Without settling, every target must be settled already.
  Probe(std::shared_ptr<const Runner> runner, ProbeSettings settings, Settling settling = {});

  const Graph& graph() const;

  // The wanted values for these inputs (each [N, ...], in the graph's order), without gradient.
  std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs,
                                  std::span<const ValueId> wanted);

  // All the model's outputs, on the CPU; one that is a constant or a number is [] and 0.
  std::vector<at::Tensor> outputs(std::span<const at::Tensor> inputs);

  // The targets settled, one per sample. No model call where the answer is known.
  std::vector<Target> settled(std::span<const Target> targets);

  // Each sample's target, [N] float32. targets: one per sample, or one for all.
  at::Tensor target(std::span<const at::Tensor> inputs, std::span<const Target> targets);

  struct Gradient {
    at::Tensor target;                  // [N]
    std::vector<at::Tensor> gradients;  // d target / d value, per value asked for: [N, ...]
    std::vector<at::Tensor> values;     // the values themselves
  };
  // Gradients of each sample's target with respect to values of the graph (inputs or any tensor in
  // the middle; the backward pass goes no further than it must). targets: one per sample, or one
  // for all. An input that can't influence the target has a zero gradient. Throws Error
  // (Fault::model) when an operator has no derivative.
  Gradient gradient(std::span<const at::Tensor> inputs, std::span<const Target> targets,
                    std::span<const ValueId> with_respect_to);

  // d ⟨weights, value⟩ / d input, sample by sample: a gradient of `value` carried back to an input.
  // weights: of the value's shape.
  at::Tensor pulled_back(std::span<const at::Tensor> inputs, ValueId value,
                         const at::Tensor& weights, ValueId input);

  // Points, and how each is made: the tensors of `values` (each [N, ...], N as in the question).
  struct Points {
    Points(std::span<const ValueId> fed, std::function<std::vector<at::Tensor>(std::int64_t)> make)
        : values(fed.begin(), fed.end()), at(std::move(make)) {}
    std::vector<ValueId> values;
    std::function<std::vector<at::Tensor>(std::int64_t)> at;
  };
  // Gradients at many points, too many to hold: `add(k, gradient)` receives those of point k, in
  // order of k. Points are put into chunks and run together.
  void gradients(std::int64_t steps, std::span<const Target> targets,
                 std::span<const ValueId> with_respect_to, const Points& points,
                 const std::function<void(std::int64_t, const Gradient&)>& add);

  // Evaluations and chunk are counted from here on.
  void start_counting();
  const Evaluations& evaluations() const { return evaluations_; }
  // Samples per model call that were used; recorded, and replayed through ProbeSettings::chunk.
  std::int64_t chunk() const { return chunk_; }
  // Parts of the graph whose values were computed twice because memory was short; 1: none.
  int segments() const { return segments_; }

 private:
  enum class Kind { forward, gradient };
  // The scalar per sample to be differentiated, out of the values it is read from.
  struct Scalar {
    std::vector<ValueId> reads;
    std::function<at::Tensor(const std::vector<at::Tensor>&)> of;
  };

  // A run whose operations autograd recorded.
  struct Recording {
    std::vector<ValueId> with_respect_to, reads;
    std::map<ValueId, at::Tensor> leaves;
    std::vector<at::Tensor> values;  // what `reads` are

    const at::Tensor& value(ValueId id) const;
    bool has(ValueId id) const;
  };

  bool is_asked(std::span<const at::Tensor> inputs) const;
  // The outputs that are tensors, and all outputs from their values.
  std::vector<ValueId> output_values() const;
  std::vector<at::Tensor> as_outputs(std::span<const at::Tensor> values) const;
  Target settle_one(const Target& target, std::span<const at::Tensor> outputs,
                    std::int64_t sample) const;
  Scalar scalar_of(std::vector<Target> targets, std::int64_t batch) const;

  void in_chunks(std::int64_t batch, Kind kind,
                 const std::function<void(std::int64_t, std::int64_t)>& work);
  std::int64_t chunk_for(std::int64_t samples, Kind kind);
  bool take_less(Kind kind, std::int64_t failed);
  std::string memory_hint(Kind kind) const;

  Recording record(std::span<const Feed> feeds, std::vector<ValueId> reads,
                   std::span<const ValueId> with_respect_to) const;
  Gradient differentiate(const Recording& recording, const Scalar& scalar, bool keep) const;
  // `scalar(begin, end, recording)`: what is differentiated for these samples.
  using ScalarAt = std::function<Scalar(std::int64_t, std::int64_t, const Recording&)>;
  Gradient gradient_at(std::span<const Feed> feeds, const std::vector<ValueId>& reads,
                       std::span<const ValueId> with_respect_to, const ScalarAt& scalar,
                       bool keep = false);
  ScalarAt scalars_of(std::vector<Target> targets) const;

  std::shared_ptr<const Runner> runner_;
  ProbeSettings settings_;
  Settling settling_;
  std::vector<at::Tensor> answers_;  // all outputs at the question's inputs; empty: not known yet
  std::optional<Recording> recording_;  // of the last gradient there, if it is kept
  const Cost cost_;                     // of one sample
  Evaluations evaluations_;
  std::int64_t chunk_ = 0;
  std::int64_t most_[2];  // samples per call of each kind that memory allows, as far as is known
  int segments_ = 1;
};

}  // namespace pellucid

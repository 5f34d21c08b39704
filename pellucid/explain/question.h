// What is asked of a model: inputs, a target, baselines, a layer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pellucid/model/model.h"

namespace pellucid {

// A scalar per sample out of the model's raw outputs (a logit where it gives logits; never
// softmaxed).
struct Target {
  enum class Kind {
    entry,       // outputs[output][n, index...]
    difference,  // entry index − entry against
    unit,        // a channel (mean over its positions) or one neuron of the value `value`
    whole,       // the only number of a scalar output per sample
    places,      // entry index of a dense output, summed over the places of `mask`
  };
  Kind kind = Kind::entry;
  int output = 0;            // which of the graph's outputs
  std::int64_t index = 0;    // along dimension 1 of the output
  std::int64_t against = 0;  // of a difference
  ValueId value = no_value;  // of a unit
  std::vector<std::int64_t>
      position;      // of a neuron: one index per remaining dimension; empty: mean over all
  at::Tensor mask;   // of places: 1 where the class is the likeliest; undefined until settled
  std::string text;  // as it is shown: "242 boxer", "281 tabby − 285 Egyptian cat", "layer4#17"
  std::string slug;  // for file names: "281", "281-285", "layer4-17"

  // As it was asked for, it waits for the model's answer ("top1" needs one before it is a class,
  // and whether class 281 exists shows in one); explain/target.h settles it.
  bool settled = true;
  int rank = 0;                     // 1 for top1; 0: the class was named
  std::optional<int> against_rank;  // of "281:top2"

  // The scalars, shape [N], from the value the target reads. Throws Error (Fault::usage) when it
  // does not exist.
  at::Tensor of(const at::Tensor& value_read) const;
  // The value of the graph that the target reads.
  ValueId reads(const Graph& graph) const;
};

struct NamedTensor {
  std::string name;
  ValueId value = no_value;
  at::Tensor data;           // with the batch axis
  bool attributable = true;  // floating point and asked for
};

struct Question {
  const Model* model = nullptr;
  std::vector<NamedTensor> inputs;    // in the graph's order
  std::vector<Target> targets;        // one per sample of the batch; the Probe settles them
  std::vector<at::Tensor> baselines;  // per input, same shape as its data or broadcastable to it
  std::string baseline;               // how it was made: "zero", "mean", ...
  std::optional<ValueId> layer;       // asked for; nullopt: the method chooses
  std::string layer_name;             // as the user wrote it, resolved
  std::uint64_t seed = 0;

  std::int64_t batch() const { return inputs.front().data.size(0); }
};

}  // namespace pellucid

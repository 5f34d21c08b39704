// What one sample costs, from the shapes that the file declares: before anything runs.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

struct Cost {
  std::int64_t forward_bytes = 0;   // activations alive at the widest point of a forward
  std::int64_t gradient_bytes = 0;  // all activations, kept for the backward pass
  std::int64_t forward_chunk = 1;   // samples per call that are quickest with these threads
  std::int64_t gradient_chunk = 1;
};

Cost cost_per_sample(const Graph& graph);

}  // namespace pellucid

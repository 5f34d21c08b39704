#include "pellucid/operations/explain/record.h"

namespace pellucid {

Json cost_document(const Probe& probe, BatchMode batching, double seconds, std::int64_t batch) {
  return {{"seconds_per_sample", seconds / static_cast<double>(batch)},
          {"forwards", probe.evaluations().forwards},
          {"gradients", probe.evaluations().gradients},
          {"model_calls", probe.evaluations().calls},
          {"samples", batch},
          {"chunk", probe.chunk()},
          {"batching", to_string(batching)},
          {"segments", probe.segments()}};
}

}  // namespace pellucid

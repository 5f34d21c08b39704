// The completeness gap: what a map's sum misses of the target's change from baseline to input.
#pragma once

#include "pellucid/explain/attribution.h"

namespace pellucid {

// A gap above this share of the target's change is a warning: the map leaves that much unexplained.
inline constexpr double completeness_threshold = 0.05;

// Adds the check "completeness_gap" to each sample: |Σ scores − (at_input − at_baseline)| /
// |at_input − at_baseline|, both targets [N].
void add_completeness(Attribution& answer, const at::Tensor& at_input,
                      const at::Tensor& at_baseline);

}  // namespace pellucid

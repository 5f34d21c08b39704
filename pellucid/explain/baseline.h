// Baselines by name: what stands for "nothing to see".
#pragma once

#include <string_view>

#include "pellucid/explain/question.h"

namespace pellucid {

// "zero": 0 in the model's own input tensor. "black", "grey": that colour, through the model's
// preprocessing. "mean": each channel's mean of the sample itself. "blur": the sample,
// Gaussian-blurred by an eighth of its shorter side. `data`: [N, ...]; the result has its shape or
// broadcasts to it. Throws Error (Fault::usage) for another name, or for a colour where the input
// is no picture.
at::Tensor make_baseline(std::string_view name, const at::Tensor& data, const InputInfo& info);

bool is_baseline_name(std::string_view name);

}  // namespace pellucid

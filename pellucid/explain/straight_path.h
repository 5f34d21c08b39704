// Gradients along the straight line from the baselines to the inputs.
#pragma once

#include "pellucid/explain/probe.h"
#include "pellucid/explain/quadrature.h"

namespace pellucid {

// Per attributable input x with baseline b: Σₖ weightₖ · d target / d x at b + pointₖ (x − b), of
// the input's shape, float64. What is affine at the beginning of the network has the same
// derivative all along the path, and is run once instead of once per point: the same sum but for
// rounding.
std::vector<at::Tensor> mean_gradients(const Question& question, Probe& probe,
                                       const std::vector<at::Tensor>& baselines,
                                       const Quadrature& rule);

}  // namespace pellucid

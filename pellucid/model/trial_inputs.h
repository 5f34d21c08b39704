// Inputs to try a model with, where nobody gives any.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "pellucid/model/model.h"

namespace pellucid {

// One tensor per input of the graph, in its order: the recorded sample's; else made-up numbers (of
// whole numbers 0) of the declared sizes, open ones as the preprocessing has them, a batch of one.
// Throws Error (Fault::model) for an input that is a number, or too large to try.
std::vector<at::Tensor> trial_inputs(const Model& model);

}  // namespace pellucid

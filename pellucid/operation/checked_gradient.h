// The verdict on a model's gradient, for the record of a map that rests on it.
#pragma once

#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

// What the user's cache knows of this model, else the check itself with `sample` (one sample of
// every input), which is then remembered. What speaks against the gradient is added to `warnings`.
Json checked_gradient(const Model& model, std::span<const at::Tensor> sample,
                      const Surroundings& surroundings, std::vector<std::string>& warnings);

}  // namespace pellucid

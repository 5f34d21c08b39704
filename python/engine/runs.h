// A run of the model itself, whose values in the middle are shown and replaced.
#pragma once

#include <pybind11/pybind11.h>
#include <torch/csrc/utils/pybind.h>

#include <string>
#include <utility>
#include <vector>

#include "pellucid/operation/loaded_model.h"

namespace pellucid {

struct Run {
  std::vector<std::pair<std::string, at::Tensor>> outputs;   // by their names in the model's answer
  std::vector<std::pair<std::string, at::Tensor>> recorded;  // by the words that asked for them
};

// `inputs` as GivenInputs takes them, one file per model input. `replace`: (layer, tensor) puts the
// tensor in the layer's place, and what only it needed is not run; (layer, function) puts there
// what the function makes of the layer's own value.
Run run_model(LoadedModel& model, const pybind11::list& inputs,
              const std::vector<std::string>& record, const pybind11::list& replace);

}  // namespace pellucid

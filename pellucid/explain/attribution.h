// The answer of a method: raw signed scores with their provenance and their checks. Normalising is
// the renderer's.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "pellucid/base/json.h"

namespace pellucid {

enum class Coordinates { input, layer };

struct Map {
  std::string name;  // of the input, or of the layer
  Coordinates coordinates = Coordinates::input;
  at::Tensor scores;  // float32, raw and signed: [N, ...] shaped as the input, or [N, h, w] of the
                      // layer's grid
  bool positive_part = false;  // what the picture shows (class activation maps)
  std::string unit;  // "target per unit of input", "target"; the answer names the target's quantity
};

// A check of the answer with its number; the trust strip reads these.
struct Check {
  std::string name;     // "completeness_gap", "finite", "flat", "gradient"
  std::string verdict;  // "pass", "warn", "fail", "info"
  std::optional<double> value, threshold;
  std::string words;  // one sentence
};

struct Attribution {
  std::vector<Map> maps;
  std::vector<std::vector<Check>> checks;  // per sample
  std::vector<std::string> notes;          // of the method: what was chosen or approximated
};

}  // namespace pellucid

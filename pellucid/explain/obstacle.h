// Whether a method can explain a model at all, from what the method needs and the model's graph.
#pragma once

#include <optional>

#include "pellucid/explain/method.h"

namespace pellucid {

// What keeps the method from explaining any answer of the model; nullopt: nothing is known to.
// Every method is held against what its table entry says (needs, coordinates), then asked itself
// (Method::obstacle).
std::optional<Obstacle> obstacle_of(const Method& method, const Model& model);

// A tensor of real numbers, or of what the file does not tell.
bool is_real(const Value& value);

}  // namespace pellucid

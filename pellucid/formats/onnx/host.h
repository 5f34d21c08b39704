// Arithmetic on shapes, done on numbers instead of tensors.
#pragma once

#include <optional>

#include "pellucid/formats/onnx/call.h"

namespace pellucid::from_onnx {

// The node's results where it works on sizes that are partly symbolic (Shape → Gather → Concat →
// Reshape): numbers again, so that a model with a symbolic batch stays one. nullopt: it works on
// something else.
std::optional<Refs> on_numbers(Call& call);

}  // namespace pellucid::from_onnx

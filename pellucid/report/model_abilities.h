// What can be asked of a model, and what an answer takes.
#pragma once

#include <span>
#include <string>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"
#include "pellucid/explain/effort.h"
#include "pellucid/explain/method.h"

namespace pellucid {

// "operations" and "memory" of one sample, "attention" (layer, heads, tokens).
Json effort_document(const Effort& effort);
// "layers" that a class activation map can look at, with their grids, and the "default" one and
// why.
Json cam_layers_document(const Model& model);
// Each method with whether it applies to the model; if not, the reason and what would help.
Json applicable_document(std::span<const Method* const> methods, const Model& model);

// The lines of a terminal of a document that has "operations", "memory", "attention", "cam_layers"
// and "methods"; nothing where one is missing. `all_layers`: each layer of "cam_layers", not only
// how many.
std::string abilities_text(const Json& document, bool all_layers, Language language);

// "8.18 G": three digits and a power of a thousand.
std::string short_count(double count);
// "8.18 GFLOP": floating-point operations, of one sample; not per second.
std::string flops(double operations);

}  // namespace pellucid

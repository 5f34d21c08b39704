// Operands as the arguments of an exported program's nodes.
#pragma once

#include "pellucid/base/json.h"
#include "pellucid/formats/pt2/measure.h"
#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// {"as_tensor": {"name": ...}} or, by what it was in the run, {"as_sym_int": {"as_name": ...}}.
Json value_argument(const Graph& graph, const Measurement& run, ValueId id);

// Any operand. `argument` is that of the operator's schema; nullptr where there is none (blocks,
// Python's operators). Throws Error (Fault::model) for what the schema has no kind for.
Json argument_of(const Graph& graph, const Measurement& run, const Operand& operand,
                 const c10::Argument* argument);

// An operand as it has to be written when later ones are: false for one that is its schema's own
// default.
bool is_default(const Operand& operand, const c10::Argument& argument);

}  // namespace pellucid::pt2

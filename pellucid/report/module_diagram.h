// A model's graph collapsed by module, as a drawing.
#pragma once

#include "pellucid/explain/effort.h"
#include "pellucid/model/model.h"
#include "pellucid/render/diagram.h"

namespace pellucid {

// One box for each stretch of nodes in a module whose path has at most `depth` parts (those of
// deeper modules belong to it); nodes of no module are called by their operators. Depth 0: the
// deepest that is still easy to read; where even the outermost modules are too many, neighbours
// share a box. `effort` may be empty: then sizes are those that the file declares.
Diagram module_diagram(const Model& model, const Effort& effort, int depth, Language language);

}  // namespace pellucid

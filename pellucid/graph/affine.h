// How far an input passes through a graph without meeting anything that is not affine.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// The last value v for which all that the graph makes of the input, sizes aside, goes through v,
// and v = A·input + b with A and b free of the inputs: behind a first convolution and its batch
// norm, say. The input itself where nothing is known to be affine.
ValueId affine_front(const Graph& graph, ValueId input);

}  // namespace pellucid

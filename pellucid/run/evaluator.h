// One node: its operands from the frame, the call, its results back into the frame.
#pragma once

#include "pellucid/graph/graph.h"
#include "pellucid/run/executor.h"

namespace pellucid {

// One slot per value; None where nothing is known (yet, or any more).
using Frame = std::vector<c10::IValue>;

// Throws Error (Fault::model) that names node, module and source line when the operator fails.
void evaluate(const Graph& graph, const Node& node, Frame& frame, const RunSettings& settings);

}  // namespace pellucid

// A graph as PT2 can hold it.
#pragma once

#include <memory>

#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// The same graph in which every name is one that Python takes, every tensor that a node returns has
// a name, and every tensor that a node reads is a value: literals and what branches hold of their
// own became constants of the graph. Throws Error (Fault::model) naming the node that no PT2 can
// hold: a loop that keeps what its rounds made, code in an operator's place, weights that are
// quantised or sparse, sizes that depend on the data.
std::shared_ptr<const Graph> writable(const Graph& graph);

// Letters, digits and '_', no digit first, no word of Python's.
std::string python_name(std::string_view name);

}  // namespace pellucid::pt2

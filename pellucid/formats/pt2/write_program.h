// A graph as the program of a PT2 archive (models/NAME.json), in torch's export schema, version 8.
#pragma once

#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/formats/pt2/measure.h"
#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// The graph is a writable one (writable.h), measured. Throws Error (Fault::model) naming the node
// that has no form in the schema.
Json write_program(const Graph& graph, Measurements& measured);

// How the outputs of a graph are called when the program is read again: what a tree of dictionaries
// and tuples calls its leaves.
std::vector<std::string> written_output_names(const Graph& graph);

// A constant that goes into the file as a parameter: only these require a gradient.
bool is_parameter(const Constant& constant);

}  // namespace pellucid::pt2

// From a loaded module to a graph: the arguments' tensors are its inputs, the leaves of what
// forward() returns its outputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/formats/torchscript/archive.h"
#include "pellucid/graph/graph.h"

namespace pellucid::script {

struct Program {
  std::shared_ptr<const Graph> graph;
  std::vector<std::string> warnings;
};

// `metadata` is what the file or a sidecar records, or null; of it only the inputs' shapes are
// used. The batch is symbolic where the program was seen to treat samples of a larger one alike.
// Throws Error (Fault::model).
Program read_program(const Loaded& loaded, const Json& metadata);

}  // namespace pellucid::script

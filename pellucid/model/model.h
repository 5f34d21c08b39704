// A model: its graph, what its file tells beside it, and its identity.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pellucid/graph/graph.h"
#include "pellucid/model/metadata.h"

namespace pellucid {

struct Model {
  std::shared_ptr<const Graph>
      graph;  // functional where that is safe, constants folded, norms rewritten
  Metadata metadata;
  std::int64_t parameters = 0;        // learned numbers, before any was folded; shared ones once
  std::string format;                 // "exported_program"
  std::string file;                   // the name the user gave, for messages
  std::string fingerprint;            // SHA-256 of the file
  std::vector<std::string> warnings;  // non-finite weights that were allowed, guesses, ...
};

}  // namespace pellucid

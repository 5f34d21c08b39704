// What the files of an explanation are called: <stem>[.<target>][.<layer>].<method>[.<map>].
#pragma once

#include <string>

#include "pellucid/explain/method.h"
#include "pellucid/operation/prepared_input.h"

namespace pellucid {

// Of which several were asked for, so that files must tell them apart.
struct Several {
  bool targets = false, layers = false;
};

// Without the map's own part and the ending. `n`: the input's first sample in the question's batch.
std::string file_stem(const PreparedInput& input, const Question& question, std::int64_t n,
                      const Method& method, Several several);

// What is added to it for one map of several.
std::string suffix_of(const Map& map, const Attribution& attribution);

}  // namespace pellucid

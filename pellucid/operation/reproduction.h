// How the same answer is asked for again, in a terminal and in Python.
#pragma once

#include "pellucid/operation/operation.h"

namespace pellucid {

inline constexpr const char* reproduction_key = "reproduce";

// {"command": "pellucid explain MODEL INPUT --method saliency", "python": "import pellucid\n..."}:
// what differs from the defaults, inputs and model by the names that messages show.
Json reproduction(const Operation& operation, const Request& request,
                  const Surroundings& surroundings);

}  // namespace pellucid

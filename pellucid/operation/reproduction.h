// How the same answer is asked for again, in a terminal and in Python.
#pragma once

#include "pellucid/operation/operation.h"

namespace pellucid {

// {"command": "pellucid explain MODEL INPUT --method saliency", "python": "import pellucid\n..."}:
// what differs from the defaults, names as the request has them. `model`: the model's file as its
// messages show it; empty for an operation without one.
Json reproduction(const Operation& operation, const Request& request, std::string_view model);

}  // namespace pellucid

// The engine's one exception ↔ Python's.
#pragma once

#include <pybind11/pybind11.h>

#include "pellucid/base/error.h"

namespace pellucid {

// (message, where, remedy, fault, line): what pellucid.Error is made of.
pybind11::tuple parts_of(const Error& error);

// What a Python exception says, as the engine's error; a pellucid.Error becomes what it was made
// of.
Error error_of(const pybind11::error_already_set& raised);

}  // namespace pellucid

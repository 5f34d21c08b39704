// The extension module's contents, for a catalogue.
#pragma once

#include <pybind11/pybind11.h>

#include "pellucid/operation/operation.h"

namespace pellucid {

// Everything of `pellucid._engine`; `catalogue` is what its catalogue() returns.
void bind(pybind11::module_& module, const Catalogue& catalogue);

}  // namespace pellucid

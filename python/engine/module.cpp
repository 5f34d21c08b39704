// pellucid._engine: the generated tables as Python's catalogue. The process is Python's, so its
// memory is, too: watch_memory is not called here (docs/decisions.md).
#include "bind.h"
#include "pellucid/formats/table.h"
#include "pellucid/methods/table.h"
#include "pellucid/operations/table.h"

namespace {

template <class Entry>
std::vector<const Entry*> all(std::span<const Entry* const> table) {
  return {table.begin(), table.end()};
}

}  // namespace

PYBIND11_MODULE(_engine, module) {
  module.doc() = "The engine behind the package pellucid.";
  pellucid::bind(module,
                 {all(pellucid::operations()), all(pellucid::methods()), all(pellucid::formats())});
}

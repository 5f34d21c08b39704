// Python's words ↔ a request of an operation.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "methods.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

// Inputs as Python hands them over: tuples (name, stem, of, data), where data is a tensor, the
// buffer of a file, or None for the file of that name. The buffers live as long as this does; it
// dies with the GIL held.
class GivenInputs {
 public:
  explicit GivenInputs(const pybind11::list& inputs);
  const std::vector<RequestInput>& requested() const { return requested_; }

 private:
  std::vector<pybind11::buffer_info> buffers_;
  std::vector<RequestInput> requested_;
};

// What a request came to.
struct Outcome {
  Answer answer;
  std::vector<std::shared_ptr<Artefact>> artefacts;
  // What methods written in Python raised, by the message of the failure that it became.
  std::vector<std::pair<std::string, pybind11::object>> causes;
};

// The operation of that name, run apart. `options` and `settings` are JSON objects; a text for a
// list is read as the command line reads a word. `files`: buffers by the name that an option gives
// them. `progress`: None or a function of (stage, done, total). `out`: where an operation that
// makes one file writes it.
Outcome perform_request(const OpenCatalogue& catalogue, const std::string& operation,
                        LoadedModel* model, const std::string& options, const std::string& settings,
                        const pybind11::list& inputs, const pybind11::dict& files,
                        const pybind11::object& progress, const std::optional<std::string>& out);

// What Python is told of the tables: operations and methods with their options, as JSON.
std::string tables(const OpenCatalogue& catalogue);

}  // namespace pellucid

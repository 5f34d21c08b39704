// Methods written in Python, and the catalogue that they enter and leave while the process runs.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pellucid/operation/operation.h"
#include "waiting.h"

namespace pellucid {

// A method whose function is Python's.
class PythonMethod {
 public:
  // `description`: what `pellucid methods` prints of a method, and its maps' "unit" and
  // "positive_part". `function`: (question's parts, Asking, settings as JSON) → (maps, checks per
  // sample, notes), as python_methods.py makes it. Throws Error (Fault::usage) for a name that is
  // none and a default that does not fit.
  PythonMethod(Json description, pybind11::function function);

  // The entry of a table, without its functions.
  const Method& entry() const { return entry_; }
  Json defaults() const;
  Attribution explain(const Question& question, Probe& probe, const Json& settings,
                      CallsToPython& calls) const;

 private:
  // With the GIL.
  Attribution answer_of(const pybind11::tuple& told, const Question& question) const;

  const Json description_;  // the entry's texts lie here
  std::vector<std::vector<std::string_view>> choices_;
  std::vector<Option> options_;
  Method entry_;
  pybind11::function function_;
};

// The catalogue as Python holds it. All of it with the GIL.
class OpenCatalogue {
 public:
  explicit OpenCatalogue(Catalogue tables) : tables_(std::move(tables)) {}

  // One of the same name that Python had added is replaced. Throws Error (Fault::usage) where the
  // tables have a method of that name.
  void add(std::shared_ptr<const PythonMethod> method);
  // The method of that name that Python had added, if it is `only` or `only` is nullptr. Requests
  // that work with it keep it. False: there is none.
  bool remove(std::string_view name, const PythonMethod* only);

  const Catalogue& tables() const { return tables_; }
  const std::vector<std::shared_ptr<const PythonMethod>>& methods() const { return methods_; }

 private:
  Catalogue tables_;
  std::vector<std::shared_ptr<const PythonMethod>> methods_;
};

// The catalogue of one request: its methods of Python are tied to the request's calls, and live as
// long as it does, whatever is added and removed meanwhile. It dies with the GIL held.
class RequestCatalogue {
 public:
  RequestCatalogue(const OpenCatalogue& catalogue, CallsToPython& calls);
  const Catalogue& tables() const { return tables_; }

 private:
  struct Tied {
    std::shared_ptr<const PythonMethod> method;
    CallsToPython* calls;
    Method entry;
  };
  std::deque<Tied> tied_;
  Catalogue tables_;
};

}  // namespace pellucid

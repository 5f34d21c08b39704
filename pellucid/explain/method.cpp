#include "pellucid/explain/method.h"

namespace pellucid {

std::string_view to_string(Needs needs) {
  switch (needs) {
    case Needs::forward:
      return "forward";
    case Needs::gradient:
      return "gradient";
    case Needs::activations:
      return "activations";
  }
  return "";
}

std::vector<std::string> to_strings(Promise promises) {
  std::vector<std::string> words;
  if (has(promises, Promise::deterministic)) words.emplace_back("deterministic");
  if (has(promises, Promise::completeness)) words.emplace_back("completeness");
  if (has(promises, Promise::sensitivity)) words.emplace_back("sensitivity");
  if (has(promises, Promise::symmetry)) words.emplace_back("symmetry");
  if (has(promises, Promise::implementation_invariance))
    words.emplace_back("implementation invariance");
  return words;
}

}  // namespace pellucid

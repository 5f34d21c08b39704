// A method that is in no folder, and what the toy operations beside it have in common, for tests
// that put them into a Catalogue and look for them on a face.
#pragma once

#include "pellucid/operation/operation.h"

namespace pellucid {

// How many legs an explanation has.
struct ToySettings {
  std::int64_t legs = 4;
};
inline constexpr Option toy_options[] = {
    option<&ToySettings::legs>("legs", "How many legs.").between(0, 8)};
inline Attribution explain_toy(const Question&, Probe&, const ToySettings&) { return {}; }
inline constexpr Method toy_method = {
    .name = "toy_method",
    .title = "Toy",
    .summary = "Counts legs.",
    .citation = "Nobody, 2026",
    .options = toy_options,
    .explain = run_with<explain_toy, toy_options>,
    .defaults = defaults_of<explain_toy, toy_options>,
};

// What --set is for the methods of these names.
inline std::vector<Json> toy_set(const Request& request, const Surroundings& around,
                                 const std::vector<std::string>& names) {
  std::vector<const Method*> chosen;
  for (const std::string& name : names) chosen.push_back(&around.catalogue->method(name));
  return method_settings(chosen, request.settings);
}

}  // namespace pellucid

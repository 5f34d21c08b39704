// A method that is in no folder, for tests that put it into a Catalogue and look for it on a face.
#pragma once

#include "pellucid/explain/method.h"

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

}  // namespace pellucid

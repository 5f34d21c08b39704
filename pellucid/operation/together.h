// Several requests performed as one: what a server does with clients that ask for the same at once.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pellucid/operation/operation.h"

namespace pellucid {

// What an operation gave.
struct Performed {
  Answer answer;
  std::vector<Artefact> artefacts;
};

// Requests of equal, non-empty company can be performed together: the operation answers input by
// input, and options, settings and the names of the model's inputs are the same. Empty: this one
// must be alone.
std::string company_of(const Operation& operation, const Request& request);

// Performs requests of one company with one call and gives each its own part, as if it had been
// alone, but for Answer::text, which stays empty. What the inputs cost is what they cost together.
// `surroundings.artefact` is not used. nullopt: something in the answer is nobody's own, so that
// each has to be performed alone. Throws what `perform` throws: then it is unknown whose fault it
// was.
std::optional<std::vector<Performed>> perform_together(const Operation& operation,
                                                       std::span<const Request* const> requests,
                                                       const Surroundings& surroundings);

}  // namespace pellucid

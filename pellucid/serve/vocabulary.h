// What the words of an HTTP request may say, from the tables alone.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "pellucid/operation/operation.h"

namespace pellucid {

// The options that a request may set: all but those of the host.
std::vector<Option> open_options(const Operation& operation);

// "parameters" of a request → options and settings. An option may be given as JSON or as the word
// that the command line would take. Throws Error (Fault::usage) naming the nearest.
void read_parameters(const Operation& operation, const Json& parameters, Request& request);

// The host's own values (--threads, --memory-limit, ...) for the host's options of that name.
void add_host_options(const Operation& operation, const Json& host, Request& request);

// The operation, if requests may ask for it over HTTP; nullptr otherwise.
const Operation* find_served(const Catalogue& catalogue, std::string_view name);
std::vector<const Operation*> served(const Catalogue& catalogue);

// Makes the operation write its numbers, and nothing that has to be drawn, unless the request asks
// for something else.
void prefer_numbers(const Operation& operation, Request& request);

}  // namespace pellucid

// Options in the texts of errors and warnings, as each face writes them.
#pragma once

#include "pellucid/operation/operation.h"

namespace pellucid {

// The engine's texts speak of options as the command line does ("--memory-limit"). On another face
// those that its requests may give become names ("memory_limit"); over HTTP what only who starts
// the server can give stays a flag.
std::string spelled_for(Faces face, const Operation& operation, const std::string& text);
Error spelled_for(Faces face, const Operation& operation, const Error& error);

}  // namespace pellucid

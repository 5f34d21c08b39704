// The verb `serve`. It stands above the operations, which it hands on, so it is in no folder of
// theirs.
#pragma once

#include "pellucid/operation/operation.h"

namespace pellucid {

extern constinit const Operation serve;

}  // namespace pellucid

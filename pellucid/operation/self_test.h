// One tiny model and one map whose right answer is known.
#pragma once

#include "pellucid/base/text.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

// A convolution, a ReLU and a mean, built here: its saliency must equal central differences in float64.
// Takes well below a second. Never throws: what goes wrong is the verdict "fail".
Check run_self_test(const Catalogue& catalogue, Language language);

}  // namespace pellucid

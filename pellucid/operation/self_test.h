// One tiny model, one map whose right answer is known, and the check of its gradient.
#pragma once

#include "pellucid/base/text.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

// A convolution, a ReLU and a mean, built here: its saliency must equal central differences in
// float64 ("self-test"), and its gradient must pass the check that every model's gradient is put to
// ("gradient"). Takes well below a second. Never throws: what goes wrong is the verdict "fail".
std::vector<Check> run_self_test(const Catalogue& catalogue, Language language);

}  // namespace pellucid

// What a model's raw output means, by the kind of output that was recorded or guessed.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"
#include "pellucid/model/model.h"

namespace pellucid {

// One sample's output (without the batch axis). The document always has "shape"; by kind:
//   logits          "top": [{"index", "label", "score", "probability" (softmax)}]
//   probabilities   "top": the same, the score is the probability
//   multilabel      "top": the same, the probability is each one's own sigmoid
//   binary          "score", "probability" (sigmoid), "label" of the likelier side where there are
//   two labels regression      "values" dense           "classes": [{"index", "label", "share"}] by
//   the area where the class is the largest;
//                   with a single channel "smallest", "largest", "mean"
//   other           "smallest", "largest", "mean", and "values" when they are few
Json prediction_document(const Model& model, std::size_t output, const at::Tensor& sample,
                         std::int64_t top);

// The same as lines of a terminal, with bars.
std::string prediction_text(const Json& prediction, Language language);

}  // namespace pellucid

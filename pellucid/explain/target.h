// The words of --target, --layer: read against a model.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/explain/question.h"

namespace pellucid {

// One target as it was asked for; "top2" needs an answer of the model before it is a class.
struct TargetWish {
  Target target;
  int rank = 0;                     // 1 for top1; 0: the target is known already
  std::optional<int> against_rank;  // of "281:top2"
};

// A comma-separated list ("281,285", "Egyptian cat,top3"), or several entries of it. A whole label
// is matched before a comma splits, and after '@' the comma is the position's. "topK" is the class
// at rank K. Throws Error (Fault::usage): unknown or ambiguous label with candidates, class out of
// range, no such layer.
std::vector<TargetWish> parse_targets(std::span<const std::string> words, const Model& model);

// What is asked when nobody says: top1 where there are classes, else the first entry of the first
// output.
std::vector<std::string> default_targets(const Model& model);

// The target for one sample, whose raw outputs (batch of one) are given.
Target resolve(const TargetWish& wish, const Model& model, std::span<const at::Tensor> outputs);

// "242 boxer"; the index alone where the model has no labels.
std::string class_text(const Model& model, std::int64_t index);

}  // namespace pellucid

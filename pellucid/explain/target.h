// The words of --target, --layer: read against a model.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/explain/question.h"

namespace pellucid {

// A comma-separated list ("281,285", "Egyptian cat,top3"), or several entries of it. A whole label
// is matched before a comma splits, and after '@' the comma is the position's. "topK" is the class
// at rank K, "15@self" a dense class over its own places. They are not settled yet. Throws Error
// (Fault::usage): unknown or ambiguous label with candidates, class out of range, no such layer.
std::vector<Target> parse_targets(std::span<const std::string> words, const Model& model);

// What is asked when nobody says: top1 where there are classes, top1@self where there is one in
// each place, else the first entry of the first output.
std::vector<std::string> default_targets(const Model& model);

// The target settled for one sample, whose raw outputs (batch of one) are given. Throws Error
// (Fault::usage) when the model's answer has no such class, or nowhere as the likeliest.
Target settle(Target target, const Model& model, std::span<const at::Tensor> outputs);

// The indices of the highest scores of [C], the highest first: of equal ones the lower index, and
// what is no number last.
at::Tensor ranking(const at::Tensor& scores, std::int64_t most);

// "242 boxer"; the index alone where the model has no labels.
std::string class_text(const Model& model, std::int64_t index);

}  // namespace pellucid

// The inputs of a question as methods need them.
#pragma once

#include <functional>

#include "pellucid/explain/attribution.h"
#include "pellucid/explain/question.h"

namespace pellucid {

// All inputs' data, in the graph's order.
std::vector<at::Tensor> data_of(const Question& question);
// The same with every attributable input at its baseline; the others stay.
std::vector<at::Tensor> baselines_of(const Question& question);
// The same with every attributable input at baseline + alpha · (input − baseline).
std::vector<at::Tensor> between(const Question& question, const std::vector<at::Tensor>& baselines,
                                double alpha);

// The values of the attributable inputs, and the i-th of them. Throws Error (Fault::usage) when
// there is none.
std::vector<ValueId> attributable(const Question& question);
const NamedTensor& attributable_input(const Question& question, std::size_t i);
// The baseline of the i-th attributable input, out of `baselines_of`.
const at::Tensor& baseline_of(const Question& question, const std::vector<at::Tensor>& baselines,
                              std::size_t i);

// One map per attributable input; `scores(i)` has the shape of the i-th.
Attribution attribution_of_inputs(const Question& question, std::string unit,
                                  const std::function<at::Tensor(std::size_t)>& scores);

}  // namespace pellucid

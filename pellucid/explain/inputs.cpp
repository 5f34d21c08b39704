#include "pellucid/explain/inputs.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

std::vector<std::size_t> attributable_places(const Question& question) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < question.inputs.size(); ++i) {
    if (question.inputs[i].attributable) places.push_back(i);
  }
  if (places.empty()) {
    const bool pictures = std::ranges::any_of(
        question.inputs, [](const NamedTensor& input) { return input.data.dim() == 4; });
    throw usage_error("the model has no real-valued input to attribute to")
        .hint(pictures ? "its picture is of whole numbers, which have no gradient; take grad_cam"
                       : "its inputs are whole numbers; take a layer after their embedding");
  }
  return places;
}

}  // namespace

std::vector<at::Tensor> data_of(const Question& question) {
  std::vector<at::Tensor> data;
  for (const NamedTensor& input : question.inputs) data.push_back(input.data);
  return data;
}

std::vector<at::Tensor> baselines_of(const Question& question) {
  std::vector<at::Tensor> data = data_of(question);
  for (const std::size_t place : attributable_places(question)) {
    data[place] = question.baselines.at(place).expand_as(data[place]);
  }
  return data;
}

std::vector<at::Tensor> between(const Question& question, const std::vector<at::Tensor>& baselines,
                                double alpha) {
  std::vector<at::Tensor> data = data_of(question);
  for (const std::size_t place : attributable_places(question)) {
    data[place] = baselines[place] + (data[place] - baselines[place]) * alpha;
  }
  return data;
}

std::vector<ValueId> attributable(const Question& question) {
  std::vector<ValueId> values;
  for (const std::size_t place : attributable_places(question))
    values.push_back(question.inputs[place].value);
  return values;
}

const NamedTensor& attributable_input(const Question& question, std::size_t i) {
  return question.inputs[attributable_places(question).at(i)];
}

const at::Tensor& baseline_of(const Question& question, const std::vector<at::Tensor>& baselines,
                              std::size_t i) {
  return baselines[attributable_places(question).at(i)];
}

Attribution attribution_of_inputs(const Question& question, std::string unit,
                                  const std::function<at::Tensor(std::size_t)>& scores) {
  Attribution answer;
  const std::size_t count = attributable_places(question).size();
  for (std::size_t i = 0; i < count; ++i) {
    answer.maps.push_back({attributable_input(question, i).name, Coordinates::input,
                           scores(i).to(at::kFloat).contiguous(), false, unit});
  }
  answer.checks.resize(static_cast<std::size_t>(question.batch()));
  return answer;
}

}  // namespace pellucid

#include "pellucid/operation/baselines.h"

#include "pellucid/base/error.h"
#include "pellucid/explain/baseline.h"

namespace pellucid {

Baselines::Baselines(std::string words, const Model& model, const InputSettings& settings,
                     const Surroundings& surroundings)
    : words_(std::move(words)), model_(model), settings_(settings), surroundings_(surroundings) {}

std::vector<at::Tensor> Baselines::of(const Question& question) {
  std::vector<at::Tensor> baselines;
  for (std::size_t i = 0; i < question.inputs.size(); ++i) {
    const NamedTensor& input = question.inputs[i];
    if (!input.attributable) {
      baselines.push_back(input.data);
    } else if (is_baseline_name(words_)) {
      baselines.push_back(make_baseline(words_, input.data, model_.metadata.inputs[i]));
    } else {
      baselines.push_back(from_file(input.data));
    }
  }
  return baselines;
}

at::Tensor Baselines::from_file(const at::Tensor& data) {
  if (!surroundings_.open_file)
    throw usage_error("no baseline is called \"" + words_ + "\"")
        .hint("zero, black, grey, mean or blur");
  if (model_.metadata.inputs.size() > 1)
    throw usage_error("a baseline from a file serves models of one input").at("baseline");
  if (!file_.defined()) {
    RequestInput file{words_, "baseline", {}, [this] { return surroundings_.open_file(words_); }};
    try {
      file_ = prepare_input({&file}, model_, settings_).tensors.front().data.to(data.device());
    } catch (Error& error) {
      throw usage_error(error.message())
          .at("baseline " + words_)
          .hint(error.remedy().empty() ? "zero, black, grey, mean, blur, or a file"
                                       : error.remedy());
    }
  }
  if (file_.size(0) != 1 && file_.size(0) != data.size(0))
    throw usage_error("the baseline holds several samples").at("baseline");
  return file_;
}

}  // namespace pellucid

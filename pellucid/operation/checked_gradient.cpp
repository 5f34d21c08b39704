#include "pellucid/operation/checked_gradient.h"

#include "pellucid/base/error.h"
#include "pellucid/base/phrases.h"
#include "pellucid/base/text.h"
#include "pellucid/model/gradient_check.h"

namespace pellucid {

Json checked_gradient(const Model& model, std::span<const at::Tensor> sample,
                      const Surroundings& surroundings, std::vector<std::string>& warnings) {
  const auto warn = [&](std::string_view text, std::initializer_list<std::string_view> values) {
    warnings.push_back(say(surroundings.language, text, values));
  };
  std::optional<GradientCheck> check = cached_gradient_check(model.fingerprint);
  if (!check) {
    try {
      check = check_gradient(*surroundings.model->runner(), model.graph, sample,
                             surroundings.cancellation);
      keep_gradient_check(model.fingerprint, *check);
    } catch (const Error& error) {
      if (error.fault() == Fault::cancelled) throw;
      warn("the model's gradient could not be checked: {0}",
           {line_of(error, surroundings.language)});
      return {{"passed", nullptr}, {"why", error.what()}};
    }
  }
  if (!check->passed() && !check->flat) {
    const std::string cut = gradient_cut(*model.graph), size = number(check->error, 3);
    if (!cut.empty()) {
      warn(
          "the model cuts its own gradient ({0}): maps do not see what flows there, {1} of the "
          "output's change",
          {cut, size});
    } else {
      warn("the model's gradient is wrong by {0} of its size: maps that need it can't be trusted",
           {size});
    }
  }
  return to_json(*check);
}

}  // namespace pellucid

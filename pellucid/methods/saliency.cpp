// Saliency: how strongly the target reacts to each input value.
//   s = |d target / d input|
// Simonyan, Vedaldi, Zisserman 2014 (arXiv 1312.6034). Equals central finite differences in
// float64.
#include "pellucid/explain/inputs.h"
#include "pellucid/explain/method.h"

namespace pellucid {
namespace {

struct Settings {
  bool absolute = true;
};

constexpr Option options[] = {
    option<&Settings::absolute>("absolute", "Magnitude only; off keeps the sign."),
};

Attribution explain(const Question& question, Probe& probe, const Settings& settings) {
  const Probe::Gradient answer =
      probe.gradient(data_of(question), question.targets, attributable(question));
  return attribution_of_inputs(question, "target per unit of input", [&](std::size_t i) {
    return settings.absolute ? answer.gradients[i].abs() : answer.gradients[i];
  });
}

}  // namespace

extern constinit const Method saliency = {
    .name = "saliency",
    .title = "Saliency",
    .summary = "Gradient of the target with respect to each input value.",
    .citation =
        "Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, 2014 (arXiv 1312.6034)",
    .options = options,
    .needs = Needs::gradient,
    .promises = Promise::deterministic | Promise::implementation_invariance,
    .explain = run_with<explain, options>,
    .defaults = defaults_of<explain, options>,
};

}  // namespace pellucid

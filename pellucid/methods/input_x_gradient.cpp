// Input × gradient: the first-order share of each input value in the target.
//   s = x · d target / d x
// Shrikumar et al. 2016 (arXiv 1605.01713). For a linear model without bias the scores sum to the
// target.
#include <ATen/TensorOperators.h>

#include "pellucid/explain/inputs.h"
#include "pellucid/explain/method.h"

namespace pellucid {
namespace {

struct Settings {};

constexpr std::array<Option, 0> options = {};

Attribution explain(const Question& question, Probe& probe, const Settings&) {
  const Probe::Gradient answer =
      probe.gradient(data_of(question), question.targets, attributable(question));
  return attribution_of_inputs(
      question, "target", [&](std::size_t i) { return answer.values[i] * answer.gradients[i]; });
}

}  // namespace

extern constinit const Method input_x_gradient = {
    .name = "input_x_gradient",
    .title = "Input × gradient",
    .summary = "Input times gradient: the first-order share of each input value in the target.",
    .citation =
        "Shrikumar, Greenside, Shcherbina, Kundaje: Not Just a Black Box, 2016 (arXiv 1605.01713)",
    .options = options,
    .needs = Needs::gradient,
    .promises = Promise::deterministic | Promise::implementation_invariance,
    .explain = run_with<explain, options>,
    .defaults = defaults_of<explain, options>,
};

}  // namespace pellucid

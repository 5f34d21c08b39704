// Integrated gradients: the gradient averaged along the straight path from a baseline b to the
// input x.
//   s = (x − b) · ∫₀¹ d target / d x (b + α (x − b)) dα
// Sundararajan, Taly, Yan 2017 (arXiv 1703.01365). The scores sum to target(x) − target(b): what
// the quadrature leaves of that is the completeness gap, and is always reported.
#include <ATen/TensorOperators.h>

#include "pellucid/explain/completeness.h"
#include "pellucid/explain/inputs.h"
#include "pellucid/explain/method.h"
#include "pellucid/explain/quadrature.h"
#include "pellucid/explain/straight_path.h"

namespace pellucid {
namespace {

constexpr std::string_view quadratures[] = {"gausslegendre", "trapezoid", "riemann_left",
                                            "riemann_right", "riemann_middle"};

struct Settings {
  std::int64_t n_steps = 50;
  std::string quadrature = "gausslegendre";
};

constexpr Option options[] = {
    option<&Settings::n_steps>("n_steps",
                               "Points on the path; more leave a smaller completeness gap.")
        .between(1, 100000),
    option<&Settings::quadrature>("quadrature", "Where the points lie and how they are weighted.")
        .one_of(quadratures),
};

Attribution explain(const Question& question, Probe& probe, const Settings& settings) {
  const Quadrature rule = quadrature(settings.quadrature, static_cast<int>(settings.n_steps));
  const std::vector<at::Tensor> baselines = baselines_of(question);
  const std::vector<at::Tensor> mean = mean_gradients(question, probe, baselines, rule);
  Attribution answer = attribution_of_inputs(question, "target", [&](std::size_t i) {
    const NamedTensor& input = attributable_input(question, i);
    return (input.data - baseline_of(question, baselines, i)).to(at::kDouble) * mean[i];
  });
  add_completeness(answer, probe.target(data_of(question), question.targets),
                   probe.target(baselines, question.targets));
  return answer;
}

}  // namespace

extern constinit const Method integrated_gradients = {
    .name = "integrated_gradients",
    .title = "Integrated gradients",
    .summary =
        "Gradients averaged along the path from a baseline to the input; they sum to the change of "
        "the target.",
    .citation =
        "Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, 2017 (arXiv 1703.01365)",
    .options = options,
    .needs = Needs::gradient,
    .promises = Promise::deterministic | Promise::completeness | Promise::sensitivity |
                Promise::symmetry | Promise::implementation_invariance,
    .uses_baseline = true,
    .explain = run_with<explain, options>,
    .defaults = defaults_of<explain, options>,
};

}  // namespace pellucid

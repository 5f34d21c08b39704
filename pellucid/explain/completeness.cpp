#include "pellucid/explain/completeness.h"

#include <cmath>

#include "pellucid/base/text.h"

namespace pellucid {

void add_completeness(Attribution& answer, const at::Tensor& at_input,
                      const at::Tensor& at_baseline) {
  for (std::size_t n = 0; n < answer.checks.size(); ++n) {
    const auto sample = static_cast<std::int64_t>(n);
    double sum = 0;
    for (const Map& map : answer.maps)
      sum += map.scores[sample].to(at::kDouble).sum().item<double>();
    const double change = at_input[sample].item<double>() - at_baseline[sample].item<double>();
    const double missed = std::abs(sum - change);
    // A target that does not change leaves nothing to explain: then the gap is what was claimed all
    // the same.
    const double gap = missed / std::max(std::abs(change), 1e-12);
    const bool nothing = std::abs(change) < 1e-12 && missed < 1e-6;
    answer.checks[n].push_back({"completeness_gap",
                                nothing || gap <= completeness_threshold ? "pass" : "warn",
                                nothing ? 0.0 : gap, completeness_threshold,
                                "The scores sum to " + number(sum) + ", the target changes by " +
                                    number(change) + " from the baseline to the input."});
  }
}

}  // namespace pellucid

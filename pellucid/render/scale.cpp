// From raw scores to positions on a colormap: which ends the scale has and what must be said about
// it. The clip's quantile is the order statistic of rank ceil(q·n) of the magnitudes that are not
// 0: it is always a score of the map itself, and where fewer than 1/(1-q) scores are not 0 it is
// the largest, so that neither small maps nor the few strong places of a sparse one are clipped.
#include "pellucid/render/scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

// Ten significant digits would be noise in a sentence.
std::string short_number(double value) { return number(value, 3); }

double quantile(std::vector<double>& magnitudes, double q) {
  const double rank = std::ceil(q * static_cast<double>(magnitudes.size())) - 1;
  const auto at = magnitudes.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 0.0));
  std::nth_element(magnitudes.begin(), at, magnitudes.end());
  return *at;
}

}  // namespace

double Scale::position(double score) const {
  if (std::isnan(score)) return score;
  return std::clamp(diverging ? 0.5 + 0.5 * (score / high) : score / high, 0.0, 1.0);
}

Scale scale_of(const at::Tensor& map, const ScaleSettings& settings) {
  if (!(settings.clip > 0 && settings.clip <= 1))
    throw usage_error("a clip quantile lies between 0 and 1");
  if (!map.defined() || map.is_complex())
    throw input_error("a map to draw must be an array of real numbers");
  const at::Tensor scores = map.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* values = scores.data_ptr<float>();

  Scale scale;
  scale.positive_part = settings.positive_part;
  scale.clip = settings.clip;
  scale.count = scores.numel();
  std::vector<double> magnitudes;
  magnitudes.reserve(static_cast<std::size_t>(scale.count));
  scale.smallest = std::numeric_limits<double>::infinity();
  scale.largest = -scale.smallest;
  for (std::int64_t i = 0; i < scale.count; ++i) {
    const double value = values[i];
    if (!std::isfinite(value)) {
      ++scale.nonfinite;
      continue;
    }
    scale.smallest = std::min(scale.smallest, value);
    scale.largest = std::max(scale.largest, value);
    const double drawn = settings.positive_part ? std::max(value, 0.0) : std::abs(value);
    if (drawn > 0) magnitudes.push_back(drawn);
  }

  const bool none_finite = scale.nonfinite == scale.count;
  if (none_finite) scale.smallest = scale.largest = 0;
  scale.diverging = !settings.positive_part && scale.smallest < 0;
  scale.flat = none_finite || scale.smallest == scale.largest ||
               (settings.positive_part && scale.largest <= 0);
  scale.high = magnitudes.empty() ? 1 : quantile(magnitudes, settings.clip);
  scale.clipped = std::ranges::count_if(magnitudes, [&](double m) { return m > scale.high; });
  scale.low = scale.diverging ? -scale.high : 0;
  return scale;
}

std::vector<std::string> remarks(const Scale& scale, Language language) {
  std::vector<std::string> lines;
  const std::string count = std::to_string(scale.count);
  if (scale.nonfinite == scale.count) {
    lines.push_back(say(language, "no attribution: no score of the map is a finite number"));
    return lines;
  }
  if (scale.smallest == scale.largest)
    lines.push_back(
        say(language, "no attribution: the map is constant {0}", {short_number(scale.smallest)}));
  else if (scale.flat)
    lines.push_back(say(language, "no positive attribution: the scores lie between {0} and {1}",
                        {short_number(scale.smallest), short_number(scale.largest)}));
  else if (scale.positive_part && scale.smallest < 0)
    lines.push_back(say(language, "positive part shown; the lowest score is {0}",
                        {short_number(scale.smallest)}));
  else if (scale.positive_part)
    lines.push_back(say(language, "positive part shown; no score is negative"));
  if (scale.clipped > 0 && !scale.flat)
    lines.push_back(say(
        language,
        "the scale ends at the {0} % quantile of the magnitudes above 0; {1} of {2} scores lie "
        "beyond, up to {3}",
        {number(100 * scale.clip, 4), std::to_string(scale.clipped), count,
         short_number(!scale.positive_part && -scale.smallest > scale.largest ? scale.smallest
                                                                              : scale.largest)}));
  if (scale.nonfinite > 0)
    lines.push_back(say(language, "{0} of {1} scores are not finite: hatched",
                        {std::to_string(scale.nonfinite), count}));
  return lines;
}

}  // namespace pellucid

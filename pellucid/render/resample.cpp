// Separable resampling: a weight row per output pixel, applied along one axis and then the other.
// The kernel is centred at (i + 0.5)·in/out - 0.5 and widened by in/out when shrinking (Catmull-Rom
// for bicubic). Non-finite scores get weight 0 and the weights are renormalised, so a NaN does not
// eat its neighbours.
#include "pellucid/render/resample.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

double kernel(Resampling interpolation, double x) {
  x = std::abs(x);
  if (interpolation == Resampling::bilinear) return std::max(0.0, 1 - x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// `extent`: how many of the `from` pixels there are; less than `from` when the last one is cut off.
std::vector<Taps> taps(std::int64_t from, double extent, std::int64_t to,
                       Resampling interpolation) {
  const double ratio = extent / static_cast<double>(to);
  const double widened = std::max(1.0, ratio);
  const double reach = widened * (interpolation == Resampling::bicubic ? 2 : 1);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    Taps& taps_here = result[static_cast<std::size_t>(i)];
    const double centre = (static_cast<double>(i) + 0.5) * ratio - 0.5;
    if (interpolation == Resampling::nearest) {
      taps_here.first = std::clamp<std::int64_t>(std::llround(centre), 0, from - 1);
      taps_here.weights = {1.0f};
      continue;
    }
    const auto low = static_cast<std::int64_t>(std::ceil(centre - reach));
    const auto high = static_cast<std::int64_t>(std::floor(centre + reach));
    taps_here.first = std::clamp<std::int64_t>(low, 0, from - 1);
    const std::int64_t last = std::clamp<std::int64_t>(high, 0, from - 1);
    std::vector<double> weights(static_cast<std::size_t>(last - taps_here.first + 1), 0.0);
    double sum = 0;
    for (std::int64_t j = low; j <= high; ++j) {
      const double weight = kernel(interpolation, (static_cast<double>(j) - centre) / widened);
      // Beyond the edge the outermost pixel repeats.
      weights[static_cast<std::size_t>(std::clamp<std::int64_t>(j, 0, from - 1) -
                                       taps_here.first)] += weight;
      sum += weight;
    }
    for (double weight : weights) taps_here.weights.push_back(static_cast<float>(weight / sum));
  }
  return result;
}

// along the rows of [outer, from, inner] → [outer, to, inner]
void apply(const float* in, float* out, std::int64_t outer, std::int64_t from, std::int64_t inner,
           const std::vector<Taps>& rows) {
  const auto to = static_cast<std::int64_t>(rows.size());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < to; ++i) {
      const Taps& row = rows[static_cast<std::size_t>(i)];
      float* target = out + (o * to + i) * inner;
      std::fill(target, target + inner, 0.0f);
      const float* source = in + (o * from + row.first) * inner;
      for (const float weight : row.weights) {
        for (std::int64_t k = 0; k < inner; ++k) target[k] += weight * source[k];
        source += inner;
      }
    }
}

at::Tensor apply_both(const at::Tensor& map, const std::vector<Taps>& rows,
                      const std::vector<Taps>& columns) {
  const std::int64_t h = map.size(0), w = map.size(1), c = map.size(2);
  const auto to_h = static_cast<std::int64_t>(rows.size()),
             to_w = static_cast<std::int64_t>(columns.size());
  const at::Tensor wide = at::empty({h, to_w, c}, at::kFloat);
  apply(map.data_ptr<float>(), wide.data_ptr<float>(), h, w, c, columns);
  at::Tensor result = at::empty({to_h, to_w, c}, at::kFloat);
  apply(wide.data_ptr<float>(), result.data_ptr<float>(), 1, h, to_w * c, rows);
  return result;
}

// Means over factor×factor pixels, so that a photo of many megapixels needs neither a float copy
// nor wide kernels. The last row and column of blocks may hold fewer pixels.
at::Tensor reduce(const at::Tensor& pixels, std::int64_t factor) {
  const at::Tensor input = pixels.to(at::kCPU).contiguous();
  const std::int64_t h = input.size(0), w = input.size(1), c = input.size(2);
  const std::int64_t to_h = (h + factor - 1) / factor, to_w = (w + factor - 1) / factor;
  at::Tensor result = at::empty({to_h, to_w, c}, at::kFloat);
  float* out = result.data_ptr<float>();
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(to_w * c));
  for (std::int64_t y = 0; y < to_h; ++y) {
    std::fill(sums.begin(), sums.end(), 0u);
    const std::int64_t rows = std::min(factor, h - y * factor);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::uint8_t* source = input.data_ptr<std::uint8_t>() + (y * factor + r) * w * c;
      for (std::int64_t x = 0; x < w; ++x)
        for (std::int64_t k = 0; k < c; ++k)
          sums[static_cast<std::size_t>(x / factor * c + k)] += *source++;
    }
    for (std::int64_t x = 0; x < to_w; ++x) {
      const auto count = static_cast<float>(rows * std::min(factor, w - x * factor));
      for (std::int64_t k = 0; k < c; ++k)
        *out++ = static_cast<float>(sums[static_cast<std::size_t>(x * c + k)]) / count;
    }
  }
  return result;
}

}  // namespace

at::Tensor resample(const at::Tensor& map, std::int64_t height, std::int64_t width,
                    Resampling interpolation) {
  if (!map.defined() || (map.dim() != 2 && map.dim() != 3) || map.numel() == 0 || map.is_complex())
    throw input_error(
        "a map to draw must be a non-empty array of real numbers of shape [height, width]");
  if (height < 1 || width < 1 || height > 32768 || width > 32768)
    throw usage_error("a picture's sides must lie between 1 and 32768 pixels");
  const bool flat = map.dim() == 2;
  const at::Tensor given = (flat ? map.unsqueeze(2) : map).detach();
  // Threefold shrinking is left to the kernel: its shape is then still the kernel's.
  std::int64_t factor = 1;
  if (given.scalar_type() == at::kByte && interpolation != Resampling::nearest)
    factor = std::max<std::int64_t>(std::min(given.size(0) / height, given.size(1) / width) / 3, 1);
  const at::Tensor input =
      factor > 1 ? reduce(given, factor) : given.to(at::kCPU, at::kFloat).contiguous();
  const double down = static_cast<double>(given.size(0)) / static_cast<double>(factor);
  const double across = static_cast<double>(given.size(1)) / static_cast<double>(factor);
  const auto rows = taps(input.size(0), down, height, interpolation);
  const auto columns = taps(input.size(1), across, width, interpolation);

  const float* values = input.data_ptr<float>();
  float least = std::numeric_limits<float>::infinity(), most = -least;
  bool spoiled = false;
  for (std::int64_t i = 0; i < input.numel(); ++i) {
    if (!std::isfinite(values[i])) {
      spoiled = true;
      continue;
    }
    least = std::min(least, values[i]);
    most = std::max(most, values[i]);
  }
  at::Tensor result;
  if (!spoiled) {
    result = apply_both(input, rows, columns);
  } else {
    at::Tensor filled = at::empty(input.sizes(), at::kFloat),
               present = at::empty(input.sizes(), at::kFloat);
    float* fill = filled.data_ptr<float>();
    float* here = present.data_ptr<float>();
    for (std::int64_t i = 0; i < input.numel(); ++i) {
      here[i] = std::isfinite(values[i]) ? 1.0f : 0.0f;
      fill[i] = std::isfinite(values[i]) ? values[i] : 0.0f;
    }
    result = apply_both(filled, rows, columns);
    const at::Tensor weight = apply_both(present, rows, columns);
    const at::Tensor own =
        apply_both(present, taps(input.size(0), down, height, Resampling::nearest),
                   taps(input.size(1), across, width, Resampling::nearest));
    float* out = result.data_ptr<float>();
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      // Where bicubic's negative lobes leave next to no weight a quotient would be noise.
      const float share = weight.data_ptr<float>()[i];
      if (own.data_ptr<float>()[i] < 0.5f)
        out[i] = std::numeric_limits<float>::quiet_NaN();
      else
        out[i] /= std::max(share, 0.25f);
    }
  }
  // NaN passes through both comparisons untouched.
  float* out = result.data_ptr<float>();
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    if (out[i] < least) out[i] = least;
    if (out[i] > most) out[i] = most;
  }
  return flat ? result.squeeze(2) : result;
}

}  // namespace pellucid

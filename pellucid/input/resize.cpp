// Two passes, rows first, each a weighted sum over the filter's support, stretched by the scale
// when shrinking. The weights are 22-bit fixed-point numbers and each pass rounds to 8 bits:
// Pillow's arithmetic, so the results are equal to the bit. Only the pixels of the window, and the
// source rows that they need, are computed.
#include "pellucid/input/resize.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr std::array<std::pair<std::string_view, Interpolation>, 6> names = {{
    {"nearest", Interpolation::nearest},
    {"box", Interpolation::box},
    {"bilinear", Interpolation::bilinear},
    {"hamming", Interpolation::hamming},
    {"bicubic", Interpolation::bicubic},
    {"lanczos", Interpolation::lanczos},
}};

constexpr int fraction_bits = 22;  // 8 bits of pixel and 2 of head room remain of 32
constexpr std::int64_t most_bytes = std::int64_t{1} << 31;

double support_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::box:
      return 0.5;
    case Interpolation::bicubic:
      return 2.0;
    case Interpolation::lanczos:
      return 3.0;
    default:
      return 1.0;
  }
}

double sinc(double x) {
  return x == 0.0 ? 1.0 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

double filter(Interpolation interpolation, double x) {
  const double distance = std::abs(x);
  switch (interpolation) {
    case Interpolation::box:
      return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    case Interpolation::bilinear:
      return distance < 1.0 ? 1.0 - distance : 0.0;
    case Interpolation::hamming: {
      if (distance == 0.0) return 1.0;
      if (distance >= 1.0) return 0.0;
      const double angle = distance * std::numbers::pi;
      return std::sin(angle) / angle * (0.54 + 0.46 * std::cos(angle));
    }
    case Interpolation::bicubic: {
      constexpr double a = -0.5;  // Keys' cubic, as Pillow has it; ATen's differs (-0.75)
      if (distance < 1.0) return ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1.0;
      if (distance < 2.0) return (((distance - 5.0) * distance + 8.0) * distance - 4.0) * a;
      return 0.0;
    }
    case Interpolation::lanczos:
      return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
    case Interpolation::nearest:
      break;
  }
  return 0.0;
}

// The source pixels first[i] .. first[i] + count[i] - 1 and their weights, for each target pixel of
// one axis.
struct Weights {
  std::int64_t stride = 0;
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<std::int32_t> values;

  const std::int32_t* of(std::int64_t i) const { return values.data() + i * stride; }
};

Weights weights_of(std::int64_t source, std::int64_t target, std::int64_t from, std::int64_t length,
                   Interpolation kind) {
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double stretch = std::max(scale, 1.0);
  const double support = support_of(kind) * stretch;
  Weights weights;
  weights.stride = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  if (weights.stride * length > most_bytes / 4)
    throw Error(Fault::too_large, "the picture is too long to be resized");
  weights.values.resize(static_cast<std::size_t>(weights.stride * length));
  std::vector<double> exact(static_cast<std::size_t>(weights.stride));
  const double inverse = 1.0 / stretch;
  for (std::int64_t i = 0; i < length; ++i) {
    const double center = (static_cast<double>(from + i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const auto end =
        std::min<std::int64_t>(static_cast<std::int64_t>(center + support + 0.5), source);
    const std::int64_t count = end - first;
    double sum = 0.0;
    for (std::int64_t j = 0; j < count; ++j) {
      const double weight = filter(kind, (static_cast<double>(j + first) - center + 0.5) * inverse);
      exact[static_cast<std::size_t>(j)] = weight;
      sum += weight;
    }
    std::int32_t* values = weights.values.data() + i * weights.stride;
    for (std::int64_t j = 0; j < count; ++j) {
      double weight = exact[static_cast<std::size_t>(j)];
      if (sum != 0.0) weight /= sum;
      weight *= 1 << fraction_bits;
      values[j] = static_cast<std::int32_t>(weight + (weight < 0 ? -0.5 : 0.5));
    }
    weights.first.push_back(first);
    weights.count.push_back(count);
  }
  return weights;
}

std::uint8_t round_to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

template <int channels>
void resize_row(const std::uint8_t* source, std::uint8_t* target, const Weights& weights) {
  for (std::size_t x = 0; x < weights.first.size(); ++x, target += channels) {
    const std::int32_t* values = weights.of(static_cast<std::int64_t>(x));
    const std::uint8_t* pixel = source + channels * weights.first[x];
    std::int32_t sums[channels];
    for (int c = 0; c < channels; ++c) sums[c] = 1 << (fraction_bits - 1);
    for (std::int64_t j = 0; j < weights.count[x]; ++j, pixel += channels) {
      for (int c = 0; c < channels; ++c) sums[c] += pixel[c] * values[j];
    }
    for (int c = 0; c < channels; ++c) target[c] = round_to_byte(sums[c]);
  }
}

using ResizeRow = void (*)(const std::uint8_t*, std::uint8_t*, const Weights&);

ResizeRow resize_row_of(std::int64_t channels) {
  constexpr ResizeRow table[] = {resize_row<1>, resize_row<2>, resize_row<3>, resize_row<4>};
  return table[channels - 1];
}

at::Tensor allocate(std::int64_t height, std::int64_t width, std::int64_t channels) {
  if (height > most_bytes / channels / width) {
    throw Error(Fault::too_large, "resizing to " + std::to_string(width) + " × " +
                                      std::to_string(height) + " pixels would need more than 2 GiB")
        .hint("crop the picture to a less extreme shape");
  }
  const std::int64_t shape[] = {height, width, channels};
  return at::empty(shape, at::kByte);
}

at::Tensor crop(const at::Tensor& pixels, const Window& window) {
  const std::int64_t channels = pixels.size(2);
  const at::Tensor part = allocate(window.height, window.width, channels);
  const std::uint8_t* source = pixels.const_data_ptr<std::uint8_t>();
  std::uint8_t* target = part.mutable_data_ptr<std::uint8_t>();
  const auto bytes = static_cast<std::size_t>(window.width * channels);
  for (std::int64_t y = 0; y < window.height; ++y) {
    std::memcpy(target + y * window.width * channels,
                source + ((window.top + y) * pixels.size(1) + window.left) * channels, bytes);
  }
  return part;
}

at::Tensor resize_nearest(const at::Tensor& pixels, std::int64_t height, std::int64_t width,
                          const Window& window) {
  const std::int64_t channels = pixels.size(2);
  const at::Tensor part = allocate(window.height, window.width, channels);
  // Pillow adds the step up, pixel by pixel; a product would round otherwise and may pick the
  // neighbour.
  const auto positions = [](std::int64_t source, std::int64_t target, std::int64_t from,
                            std::int64_t length) {
    std::vector<std::int64_t> result;
    const double step = static_cast<double>(source) / static_cast<double>(target);
    double position = step * 0.5;
    for (std::int64_t i = 0; i < from + length; ++i, position += step) {
      if (i >= from)
        result.push_back(
            std::clamp<std::int64_t>(static_cast<std::int64_t>(position), 0, source - 1));
    }
    return result;
  };
  const auto columns = positions(pixels.size(1), width, window.left, window.width);
  const auto rows = positions(pixels.size(0), height, window.top, window.height);
  std::uint8_t* target = part.mutable_data_ptr<std::uint8_t>();
  for (const std::int64_t row : rows) {
    const std::uint8_t* source =
        pixels.const_data_ptr<std::uint8_t>() + row * pixels.size(1) * channels;
    for (const std::int64_t column : columns) {
      std::memcpy(target, source + column * channels, static_cast<std::size_t>(channels));
      target += channels;
    }
  }
  return part;
}

// The rows of `pixels` from `first` on, resized along x only.
at::Tensor resize_rows(const at::Tensor& pixels, std::int64_t first, std::int64_t rows,
                       const Weights& weights) {
  const std::int64_t channels = pixels.size(2);
  const auto width = static_cast<std::int64_t>(weights.first.size());
  const at::Tensor result = allocate(rows, width, channels);
  const ResizeRow resize_one = resize_row_of(channels);
  const std::int64_t stride = pixels.size(1) * channels;
  for (std::int64_t y = 0; y < rows; ++y) {
    resize_one(pixels.const_data_ptr<std::uint8_t>() + (first + y) * stride,
               result.mutable_data_ptr<std::uint8_t>() + y * width * channels, weights);
  }
  return result;
}

// Along y; row 0 of `pixels` is row `first` of the source that the weights speak of.
at::Tensor resize_columns(const at::Tensor& pixels, std::int64_t first, const Weights& weights) {
  const auto height = static_cast<std::int64_t>(weights.first.size());
  const at::Tensor result = allocate(height, pixels.size(1), pixels.size(2));
  const std::int64_t stride = pixels.size(1) * pixels.size(2);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(stride));
  std::uint8_t* target = result.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < height; ++y, target += stride) {
    std::fill(sums.begin(), sums.end(), 1 << (fraction_bits - 1));
    const auto row = static_cast<std::size_t>(y);
    const std::uint8_t* source =
        pixels.const_data_ptr<std::uint8_t>() + (weights.first[row] - first) * stride;
    for (std::int64_t j = 0; j < weights.count[row]; ++j, source += stride) {
      const std::int32_t weight = weights.of(y)[j];
      for (std::int64_t i = 0; i < stride; ++i)
        sums[static_cast<std::size_t>(i)] += source[i] * weight;
    }
    for (std::int64_t i = 0; i < stride; ++i)
      target[i] = round_to_byte(sums[static_cast<std::size_t>(i)]);
  }
  return result;
}

}  // namespace

std::optional<Interpolation> interpolation(std::string_view word) {
  for (const auto& [known, value] : names) {
    if (known == word) return value;
  }
  return std::nullopt;
}

std::string_view name(Interpolation interpolation) {
  for (const auto& [known, value] : names) {
    if (value == interpolation) return known;
  }
  return "";
}

at::Tensor resize(const at::Tensor& pixels, std::int64_t height, std::int64_t width,
                  Interpolation interpolation) {
  return resize(pixels, height, width, interpolation, {.height = height, .width = width});
}

at::Tensor resize(const at::Tensor& pixels, std::int64_t height, std::int64_t width,
                  Interpolation interpolation, const Window& window) {
  if (pixels.dim() != 3 || pixels.scalar_type() != at::kByte || !pixels.is_contiguous() ||
      pixels.numel() == 0 || pixels.size(2) > 4) {
    throw internal_error("resizing needs contiguous uint8 pixels [h, w, 1..4]");
  }
  if (window.height < 1 || window.width < 1 || window.top < 0 || window.left < 0 ||
      window.height > height - window.top || window.width > width - window.left) {
    throw internal_error("the window does not lie within the resized picture");
  }
  const bool same_height = pixels.size(0) == height;
  const bool same_width = pixels.size(1) == width;
  if (same_height && same_width) return crop(pixels, window);
  if (interpolation == Interpolation::nearest) return resize_nearest(pixels, height, width, window);

  const Weights down = weights_of(pixels.size(0), height, window.top, window.height, interpolation);
  const std::int64_t first = same_height ? window.top : down.first.front();
  const std::int64_t end =
      same_height ? window.top + window.height : down.first.back() + down.count.back();
  const at::Tensor rows = same_width ? crop(pixels, {first, window.left, end - first, window.width})
                                     : resize_rows(pixels, first, end - first,
                                                   weights_of(pixels.size(1), width, window.left,
                                                              window.width, interpolation));
  return same_height ? rows : resize_columns(rows, first, down);
}

}  // namespace pellucid

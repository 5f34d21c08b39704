// A picture → the tensor that training would have made of it: resize in 8 bits, crop or pad, then
// scale and normalise in float32 in torchvision's order of rounding. 8-bit pixels have 256 values,
// so the arithmetic is done once per value.
#include "pellucid/input/preprocess.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

// Python's round(): halves to even, as the default rounding mode has it.
std::int64_t round_half_even(double value) {
  return static_cast<std::int64_t>(std::nearbyint(value));
}

Size resized(const Preprocessing& how, Size original) {
  const auto height = static_cast<double>(original.height);
  const auto width = static_cast<double>(original.width);
  switch (how.resize) {
    case Preprocessing::Resize::none:
      return original;
    case Preprocessing::Resize::squash:
      return how.size;
    case Preprocessing::Resize::shorter_side: {
      if (!how.square_size) break;
      const bool upright = original.width <= original.height;
      const std::int64_t side = how.size.height;
      const std::int64_t other = upright ? original.height : original.width;
      Size result{side, side};
      std::int64_t& shorter = upright ? result.width : result.height;
      std::int64_t& longer = upright ? result.height : result.width;
      longer =
          static_cast<std::int64_t>(static_cast<double>(side * other) / std::min(height, width));
      if (how.max_size && longer > *how.max_size) {
        shorter = static_cast<std::int64_t>(static_cast<double>(*how.max_size * side) /
                                            static_cast<double>(longer));
        shorter = std::max<std::int64_t>(shorter, 1);
        longer = *how.max_size;
      }
      return result;
    }
    case Preprocessing::Resize::longer_side:
      break;
  }
  const double down = height / static_cast<double>(how.size.height);
  const double across = width / static_cast<double>(how.size.width);
  const double ratio = how.resize == Preprocessing::Resize::longer_side ? std::max(down, across)
                                                                        : std::min(down, across);
  return {std::max<std::int64_t>(round_half_even(height / ratio), 1),
          std::max<std::int64_t>(round_half_even(width / ratio), 1)};
}

// Where along one axis the crop lies in the resized picture: negative when the picture is padded
// before it.
std::int64_t crop_start(std::int64_t length, std::int64_t crop) {
  if (crop > length) return -((crop - length) / 2);
  return round_half_even(static_cast<double>(length - crop) / 2.0);
}

at::Tensor to_grey(const at::Tensor& rgb) {
  const std::int64_t shape[] = {rgb.size(0), rgb.size(1), 1};
  const at::Tensor grey = at::empty(shape, at::kByte);
  const std::uint8_t* source = rgb.const_data_ptr<std::uint8_t>();
  std::uint8_t* target = grey.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < grey.numel(); ++i, source += 3) {
    // ITU-R 601 luma in 16-bit fixed point, as Pillow's convert("L").
    target[i] = static_cast<std::uint8_t>(
        (source[0] * 19595U + source[1] * 38470U + source[2] * 7471U + 0x8000U) >> 16);
  }
  return grey;
}

// RGB of the size of the crop, with the picture's part placed in it.
at::Tensor framed(const at::Tensor& part, Size size, std::int64_t top, std::int64_t left,
                  const std::array<std::uint8_t, 3>& border) {
  if (part.size(2) == 3 && part.size(0) == size.height && part.size(1) == size.width) return part;
  const std::int64_t shape[] = {size.height, size.width, 3};
  const at::Tensor result = at::empty(shape, at::kByte);
  std::uint8_t* target = result.mutable_data_ptr<std::uint8_t>();
  const std::uint8_t* source = part.const_data_ptr<std::uint8_t>();
  const std::int64_t channels = part.size(2);
  for (std::int64_t y = 0; y < size.height; ++y) {
    for (std::int64_t x = 0; x < size.width; ++x, target += 3) {
      const bool inside =
          y >= top && y < top + part.size(0) && x >= left && x < left + part.size(1);
      const std::uint8_t* pixel = source + ((y - top) * part.size(1) + x - left) * channels;
      for (std::int64_t c = 0; c < 3; ++c) {
        target[c] = inside ? pixel[channels == 3 ? c : 0] : border[static_cast<std::size_t>(c)];
      }
    }
  }
  return result;
}

std::array<float, 256> values_of(const Preprocessing& how, std::size_t channel) {
  const auto mean = static_cast<float>(how.mean[std::min(channel, how.mean.size() - 1)]);
  const auto deviation = static_cast<float>(how.std[std::min(channel, how.std.size() - 1)]);
  // torchvision divides by 255 where metadata says 0.0039215…: a product with it would round
  // otherwise.
  const double inverse = 1.0 / how.scale;
  const double whole = std::round(inverse);
  const bool divides = whole >= 1.0 && std::abs(inverse - whole) < 1e-9 * whole;
  std::array<float, 256> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto pixel = static_cast<float>(i);
    const float scaled =
        divides ? pixel / static_cast<float>(whole) : pixel * static_cast<float>(how.scale);
    const float centered = scaled - mean;
    values[i] = centered / deviation;
  }
  return values;
}

at::Tensor to_tensor(const at::Tensor& shown, const Preprocessing& how) {
  const std::int64_t height = shown.size(0);
  const std::int64_t width = shown.size(1);
  const std::int64_t channels = how.channels();
  const bool planar = how.layout == Preprocessing::Layout::nchw;
  const std::int64_t shape[] = {planar ? channels : height, planar ? height : width,
                                planar ? width : channels};
  const at::Tensor tensor = at::empty(shape, at::kFloat);
  const std::int64_t area = height * width;
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::array<float, 256> values = values_of(how, static_cast<std::size_t>(c));
    const std::int64_t from = how.color == Preprocessing::Color::bgr ? 2 - c : c;
    const std::uint8_t* source = shown.const_data_ptr<std::uint8_t>() + from;
    float* target = tensor.mutable_data_ptr<float>() + (planar ? c * area : c);
    const std::int64_t step = planar ? 1 : channels;
    for (std::int64_t i = 0; i < area; ++i) target[i * step] = values[source[3 * i]];
  }
  return tensor;
}

}  // namespace

std::optional<Size> fixed_size(const Preprocessing& preprocessing) {
  if (preprocessing.crop) return preprocessing.crop;
  if (preprocessing.resize == Preprocessing::Resize::squash) return preprocessing.size;
  return std::nullopt;
}

Prepared prepare(const Picture& picture, const Preprocessing& preprocessing) {
  const Size original{picture.height, picture.width};
  const Size whole = resized(preprocessing, original);
  const Size size = preprocessing.crop.value_or(whole);
  const std::int64_t top = crop_start(whole.height, size.height);
  const std::int64_t left = crop_start(whole.width, size.width);
  const Window window{.top = std::max<std::int64_t>(top, 0),
                      .left = std::max<std::int64_t>(left, 0),
                      .height = std::min(size.height, whole.height),
                      .width = std::min(size.width, whole.width)};
  const bool grey = preprocessing.color == Preprocessing::Color::grey;
  const at::Tensor part = resize(grey ? to_grey(picture.pixels) : picture.pixels, whole.height,
                                 whole.width, preprocessing.interpolation, window);

  std::array<std::uint8_t, 3> border =
      preprocessing.pad_value.value_or(std::array<std::uint8_t, 3>{});
  if (grey) border.fill(border[0]);
  Prepared prepared;
  prepared.shown = {.width = static_cast<int>(size.width),
                    .height = static_cast<int>(size.height),
                    .pixels = framed(part, size, window.top - top, window.left - left, border),
                    .format = picture.format,
                    .conversions = picture.conversions};
  prepared.tensor = to_tensor(prepared.shown.pixels, preprocessing);
  Geometry& geometry = prepared.geometry;
  geometry.scale_x = static_cast<double>(original.width) / static_cast<double>(whole.width);
  geometry.scale_y = static_cast<double>(original.height) / static_cast<double>(whole.height);
  geometry.offset_x = static_cast<double>(left) * geometry.scale_x;
  geometry.offset_y = static_cast<double>(top) * geometry.scale_y;
  geometry.original_width = original.width;
  geometry.original_height = original.height;
  return prepared;
}

}  // namespace pellucid

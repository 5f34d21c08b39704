// Orientation: found in EXIF or XMP data as Pillow finds it, applied as ImageOps.exif_transpose
// applies it; and the few steps that every decoder shares.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid::codecs {
namespace {

struct Reader {
  Bytes bytes;
  bool big_endian;

  std::uint32_t number(std::size_t offset, int width) const {
    std::uint32_t value = 0;
    for (int i = 0; i < width; ++i) {
      const auto byte = static_cast<std::uint32_t>(bytes[offset + static_cast<std::size_t>(i)]);
      value |= byte << (8 * (big_endian ? width - 1 - i : i));
    }
    return value;
  }
};

}  // namespace

void check_area(std::int64_t width, std::int64_t height, const DecodeLimits& limits) {
  if (width < 1 || height < 1) {
    throw input_error("the header states a size of " + std::to_string(width) + " × " +
                      std::to_string(height));
  }
  // Both sides are below 2^32, so their product fits in 64 unsigned bits.
  const std::uint64_t area = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  if (area > static_cast<std::uint64_t>(std::max<std::int64_t>(limits.max_pixels, 0)) ||
      width > 0x7fffffff || height > 0x7fffffff) {
    Error error(Fault::too_large, "the header claims " + std::to_string(width) + " × " +
                                      std::to_string(height) + " pixels, the limit is " +
                                      std::to_string(limits.max_pixels));
    throw error.hint("raise --max-pixels if the picture is really that large, or shrink it");
  }
}

at::Tensor allocate_pixels(std::int64_t width, std::int64_t height, bool zeros) {
  const std::int64_t shape[] = {height, width, 3};
  return zeros ? at::zeros(shape, at::kByte) : at::empty(shape, at::kByte);
}

void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i, cmyk += 4, rgb += 3) {
    const int light = 255 - cmyk[3];
    for (int channel = 0; channel < 3; ++channel) {
      const int product =
          cmyk[channel] * light + 128;  // rounded division by 255, in the way of Pillow
      rgb[channel] =
          static_cast<std::uint8_t>(std::clamp(light - (((product >> 8) + product) >> 8), 0, 255));
    }
  }
}

int exif_orientation(Bytes exif) {
  constexpr std::uint32_t orientation_tag = 0x0112;
  if (exif.size() < 8) return 0;
  const bool little = std::memcmp(exif.data(), "II*\0", 4) == 0;
  const bool big = std::memcmp(exif.data(), "MM\0*", 4) == 0;
  if (!little && !big) return 0;
  const Reader reader{exif, big};
  const std::size_t directory = reader.number(4, 4);
  if (directory > exif.size() - 2) return 0;
  const std::size_t count = reader.number(directory, 2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.size()) return 0;
    if (reader.number(entry, 2) != orientation_tag) continue;
    const std::uint32_t type = reader.number(entry + 2, 2);
    const std::uint32_t value = type == 3   ? reader.number(entry + 8, 2)
                                : type == 4 ? reader.number(entry + 8, 4)
                                            : 0;
    return value <= 8 ? static_cast<int>(value) : 0;
  }
  return 0;
}

int xmp_orientation(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr std::string_view key = "tiff:Orientation";
  for (std::size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    std::string_view rest = text.substr(at + key.size());
    if (rest.starts_with("=\""))
      rest.remove_prefix(2);
    else if (rest.starts_with(">"))
      rest.remove_prefix(1);
    else
      continue;
    if (!rest.empty() && rest[0] >= '1' && rest[0] <= '8') return rest[0] - '0';
  }
  return 0;
}

at::Tensor turn_upright(const at::Tensor& pixels, int orientation) {
  const std::int64_t stored_height = pixels.size(0);
  const std::int64_t stored_width = pixels.size(1);
  const bool swapped = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  // The stored x runs along the upright x, or along the upright y when swapped; likewise the stored
  // y.
  const std::int64_t along_x = from_right ? -3 : 3;
  const std::int64_t along_y = (from_below ? -3 : 3) * stored_width;
  const std::int64_t height = swapped ? stored_width : stored_height;
  const std::int64_t width = swapped ? stored_height : stored_width;
  const at::Tensor upright = allocate_pixels(width, height, false);
  const std::uint8_t* source = pixels.const_data_ptr<std::uint8_t>();
  source += 3 * ((from_right ? stored_width - 1 : 0) +
                 (from_below ? stored_height - 1 : 0) * stored_width);
  std::uint8_t* target = upright.mutable_data_ptr<std::uint8_t>();
  const std::int64_t step_x = swapped ? along_y : along_x;
  const std::int64_t step_y = swapped ? along_x : along_y;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x, target += 3) {
      std::memcpy(target, source + y * step_y + x * step_x, 3);
    }
  }
  return upright;
}

Error truncated_error(const std::string& detail) {
  return input_error("the picture is truncated" + (detail.empty() ? "" : ": " + detail))
      .hint("get the whole file, or use --salvage to see what is left of it");
}

Error damaged_error(const std::string& detail) {
  return input_error("the picture's data is damaged" + (detail.empty() ? "" : ": " + detail))
      .hint("get an intact file, or use --salvage to see what is left of it");
}

}  // namespace pellucid::codecs

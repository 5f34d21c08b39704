// WebP through libwebp: lossy, lossless, with alpha (dropped). Of an animation the first frame,
// drawn on its canvas (black where the frame does not reach, as Pillow shows it); libwebp's demuxer
// is not needed for that much.
#include <webp/decode.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid::codecs {
namespace {

std::uint32_t little_endian(Bytes bytes, std::size_t offset, int width) {
  std::uint32_t value = 0;
  for (int i = width - 1; i >= 0; --i) {
    value = (value << 8) | static_cast<std::uint32_t>(bytes[offset + static_cast<std::size_t>(i)]);
  }
  return value;
}

// The payload of the first chunk of that name, as much of it as the file holds; empty if there is
// none.
Bytes chunk(Bytes file, std::string_view name) {
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t length = little_endian(file, at + 4, 4);
    const Bytes rest = file.subspan(at + 8);
    if (std::memcmp(file.data() + at, name.data(), 4) == 0)
      return rest.first(std::min(length, rest.size()));
    at += 8 + length + (length & 1);
  }
  return {};
}

int orientation_of(Bytes file) {
  constexpr std::string_view prefix("Exif\0\0", 6);
  Bytes exif = chunk(file, "EXIF");
  if (exif.size() > prefix.size() && std::memcmp(exif.data(), prefix.data(), prefix.size()) == 0) {
    exif = exif.subspan(prefix.size());
  }
  if (const int found = exif_orientation(exif); found != 0) return found;
  return std::max(xmp_orientation(chunk(file, "XMP ")), 1);
}

Error failure(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return truncated_error("");
    case VP8_STATUS_OUT_OF_MEMORY:
      return Error(Fault::too_large, "not enough memory to decode the picture");
    case VP8_STATUS_BITSTREAM_ERROR:
      return damaged_error("libwebp found an error in its bits");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return input_error("a WebP with a feature that libwebp does not know");
    default:
      return input_error("libwebp: status " + std::to_string(static_cast<int>(code)));
  }
}

// Decodes one still picture of the given size to `target`; `damage` is set when salvaging left it
// incomplete.
void decode_still(Bytes bytes, std::uint8_t* target, std::size_t room, int stride, bool salvage,
                  bool& damage) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0)
    throw internal_error("libwebp's version does not fit its headers");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target;
  config.output.u.RGBA.stride = stride;
  config.output.u.RGBA.size = room;
  VP8StatusCode code = VP8_STATUS_OK;
  if (salvage) {
    // The incremental decoder leaves the rows that it could make.
    const std::unique_ptr<WebPIDecoder, decltype(&WebPIDelete)> decoder(
        WebPIDecode(nullptr, 0, &config), WebPIDelete);
    if (!decoder) throw failure(VP8_STATUS_OUT_OF_MEMORY);
    code = WebPIUpdate(decoder.get(), data, bytes.size());
    damage = code == VP8_STATUS_SUSPENDED || code == VP8_STATUS_NOT_ENOUGH_DATA ||
             code == VP8_STATUS_BITSTREAM_ERROR;
    if (damage) return;
  } else {
    code = WebPDecode(data, bytes.size(), &config);
  }
  if (code != VP8_STATUS_OK) throw failure(code);
}

WebPBitstreamFeatures features_of(Bytes bytes) {
  WebPBitstreamFeatures features;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const VP8StatusCode code = WebPGetFeatures(data, bytes.size(), &features);
  if (code != VP8_STATUS_OK) throw failure(code);
  return features;
}

}  // namespace

Decoded decode_webp(Bytes bytes, const DecodeLimits& limits) {
  WebPBitstreamFeatures features = features_of(bytes);
  check_area(features.width, features.height, limits);
  Decoded decoded;
  decoded.orientation = orientation_of(bytes);
  Bytes still = bytes;
  int left = 0;
  int top = 0;
  const int width = features.width;
  const int height = features.height;
  if (features.has_animation != 0) {
    constexpr std::size_t frame_header = 16;
    const Bytes frame = chunk(bytes, "ANMF");
    if (frame.size() <= frame_header) throw truncated_error("it has no first frame");
    left = static_cast<int>(2 * little_endian(frame, 0, 3));
    top = static_cast<int>(2 * little_endian(frame, 3, 3));
    still = frame.subspan(frame_header);
    features = features_of(still);
    if (features.width > width - left || features.height > height - top) {
      throw damaged_error("its first frame reaches beyond its canvas");
    }
    decoded.conversions.emplace_back("first frame of an animation");
  }
  if (features.has_alpha != 0) decoded.conversions.emplace_back("alpha dropped");

  const bool covers = features.width == width && features.height == height;
  decoded.pixels = allocate_pixels(width, height, limits.salvage || !covers);
  const std::size_t stride = std::size_t{3} * static_cast<std::size_t>(width);
  const std::size_t offset =
      stride * static_cast<std::size_t>(top) + 3 * static_cast<std::size_t>(left);
  const std::size_t room = stride * static_cast<std::size_t>(height) - offset;
  bool damage = false;
  decode_still(still, decoded.pixels.mutable_data_ptr<std::uint8_t>() + offset, room,
               static_cast<int>(stride), limits.salvage, damage);
  if (damage) decoded.conversions.emplace_back("salvaged, part of the picture is missing");
  return decoded;
}

}  // namespace pellucid::codecs

// What the decoders of one picture format share; internal to pellucid/input.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/input/picture.h"

namespace pellucid::codecs {

using Bytes = std::span<const std::byte>;

struct Decoded {
  at::Tensor pixels;  // uint8 [h, w, 3], as stored: not yet upright
  int orientation = 1;
  std::vector<std::string> conversions;
};

// Each throws Error without the file's name, which decode_picture adds.
Decoded decode_jpeg(Bytes bytes, const DecodeLimits& limits);
Decoded decode_png(Bytes bytes, const DecodeLimits& limits);
Decoded decode_webp(Bytes bytes, const DecodeLimits& limits);
Decoded decode_tiff(Bytes bytes, const DecodeLimits& limits);
Decoded decode_bmp(Bytes bytes, const DecodeLimits& limits);

// Checks what a header claims, before anything is allocated: both sides at least 1, the area within
// the limit.
void check_area(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

// uint8 [height, width, 3]; zeros (black) where a decoder may leave pixels unwritten.
at::Tensor allocate_pixels(std::int64_t width, std::int64_t height, bool zeros);

// Pillow's conversion of `count` CMYK pixels (0 is no ink) to RGB.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::int64_t count);

// The orientation 1..8 that a block of EXIF data (a TIFF header and its first directory) or XMP
// text states; 0 if none.
int exif_orientation(Bytes exif);
int xmp_orientation(Bytes text);

// The upright picture of one stored with an EXIF orientation 2..8.
at::Tensor turn_upright(const at::Tensor& pixels, int orientation);

// Of a file that ends too early or whose data is damaged.
Error truncated_error(const std::string& detail);
Error damaged_error(const std::string& detail);

}  // namespace pellucid::codecs

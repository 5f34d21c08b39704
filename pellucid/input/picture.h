// Bytes of a picture file → pixels as stored. JPEG, PNG, WebP, TIFF and BMP. Everything is bounded
// from the header on: a hostile file ends in an Error, never in a huge allocation, a message of a
// codec on stderr, or a dead process.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

// RGB as stored (no colour management), upright: orientation is applied already.
struct Picture {
  int width = 0;
  int height = 0;
  at::Tensor pixels;   // uint8 [height, width, 3], contiguous
  std::string format;  // "JPEG", "PNG", "WebP", "TIFF", "BMP"
  std::vector<std::string>
      conversions;  // what was done to get here, in order: "EXIF orientation 6 applied",
                    // "alpha dropped", "16 bits per channel reduced to 8", ...
};

struct DecodeLimits {
  std::int64_t max_pixels = 100'000'000;  // area that a header may claim
  int max_scans = 100;                    // of a JPEG; real progressive files have about ten
  bool salvage = false;  // true: show what is left of a truncated or damaged picture, and record it
};

// "JPEG", "PNG", "WebP", "TIFF", "BMP", or "" when the first bytes are those of none of them.
std::string_view picture_format(std::span<const std::byte> bytes);

// The same pixels as Pillow's ImageOps.exif_transpose(Image.open(file)).convert("RGB"), which is
// what training pipelines do (so alpha is dropped, not composited); but 16-bit grey keeps its high
// byte where Pillow clips it. `name` (a file's name) is shown in errors. Throws Error: Fault::input
// for a picture that is unreadable, damaged or truncated; Fault::too_large for one beyond the
// limits, before its pixels are allocated.
Picture decode_picture(std::span<const std::byte> bytes, const DecodeLimits& limits,
                       std::string_view name);

// A PNG file. `pixels`: uint8, [height, width] or [height, width, 1] grey, [height, width, 3] RGB
// or [height, width, 4] RGBA, each side at least 1. Throws Error (Fault::internal) for anything
// else.
std::vector<std::byte> encode_png(const at::Tensor& pixels);

// A JPEG file. `pixels`: uint8 [height, width, 3] RGB, each side from 1 to 65500; `quality` from 1
// to 100. Throws Error (Fault::internal) for anything else.
std::vector<std::byte> encode_jpeg(const at::Tensor& pixels, int quality);

}  // namespace pellucid

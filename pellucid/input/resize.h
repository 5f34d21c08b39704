// Resizing of 8-bit pictures, bit for bit as Pillow does it: training pipelines resize with Pillow,
// and the float resampling of ATen differs by up to 15/255.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace pellucid {

enum class Interpolation { nearest, box, bilinear, hamming, bicubic, lanczos };

// "bilinear" ↔ Interpolation::bilinear; nullopt for another word.
std::optional<Interpolation> interpolation(std::string_view name);
std::string_view name(Interpolation interpolation);

// pixels: uint8 [h, w, c], contiguous, c in 1..4, each side at least 1. Returns uint8 [height,
// width, c]; equals Image.resize((width, height), interpolation): antialiased when shrinking,
// except for nearest. Throws Error (Fault::too_large) when the result would exceed 2^31 bytes,
// Error (Fault::internal) for a wrong tensor.
at::Tensor resize(const at::Tensor& pixels, std::int64_t height, std::int64_t width,
                  Interpolation interpolation);

// A part of the resized picture, in its pixels.
struct Window {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

// The same as resize(...) cropped to the window (which lies within it and is not empty), without
// computing the rest.
at::Tensor resize(const at::Tensor& pixels, std::int64_t height, std::int64_t width,
                  Interpolation interpolation, const Window& window);

}  // namespace pellucid

// Changing the size of a picture or a map for display, in float, with pixel centres aligned
// (half-pixel convention).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pellucid {

enum class Resampling { nearest, bilinear, bicubic };

// `map`: [h,w], or [h,w,c] channels last, any real dtype. Returns float32 of the new size.
// When shrinking, the kernel is widened so that every pixel counts (no aliasing). Bicubic results
// are clamped to the smallest and largest finite value, so that no ringing invents a score. A NaN
// or an infinity spoils only the area of its own pixel (NaN there); its neighbours are interpolated
// among the finite ones.
at::Tensor resample(const at::Tensor& map, std::int64_t height, std::int64_t width,
                    Resampling interpolation = Resampling::bicubic);

}  // namespace pellucid

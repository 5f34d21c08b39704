// Looks for NaN and infinities in raw weights, fast enough to look at every byte of every model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace pellucid {

// True when the bytes, read as numbers of that type, hold one that is NaN or infinite; false for
// types without any.
bool has_nonfinite(std::span<const std::byte> bytes, at::ScalarType type);

struct NonFinite {
  std::int64_t nan = 0, positive = 0, negative = 0;  // how many
  bool any() const { return nan + positive + negative > 0; }
};
// Counts them in the elements that the tensor shows. Slow; for tensors whose record has some.
NonFinite count_nonfinite(const at::Tensor& tensor);

}  // namespace pellucid

// Tensors over the bytes of a file, and what is said of their numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

// Type and shape of a stored tensor.
struct TensorLayout {
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> sizes, strides;
  std::int64_t offset = 0;  // in elements
};

// The number of bytes of a record that the layout reaches, by checked arithmetic.
// Throws Error (Fault::model) when it overflows or the tensor would be larger than any that torch
// stores.
std::uint64_t bytes_reached(const TensorLayout& layout);

// A tensor over the bytes, which `owner` keeps alive; misaligned bytes are copied. Throws Error
// (Fault::model) when the layout reaches beyond them.
at::Tensor tensor_over(std::shared_ptr<const void> owner, std::span<const std::byte> bytes,
                       const TensorLayout& layout);

// What is to be said of NaN and infinite values that are allowed; nullopt: there are none. Throws
// Error (Fault::model) where they are not. A negative infinity in a buffer or constant is allowed
// always: attention masks are made of them.
std::optional<std::string> verify_finite(std::string_view fqn, const at::Tensor& data,
                                         bool is_parameter, bool allow_nonfinite);

}  // namespace pellucid

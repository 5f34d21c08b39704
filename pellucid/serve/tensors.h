// Tensors as the Open Inference Protocol writes them ↔ the .npy bytes that operations take and
// give.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/json.h"

namespace pellucid {

// "FP32" ↔ float32, ...; nullopt for a type without a counterpart.
std::optional<at::ScalarType> type_of(std::string_view datatype);
std::string_view datatype_of(at::ScalarType type);

// Numbers, flat or nested, as a tensor of that shape. Throws Error (Fault::usage): a value that is
// no number or out of range, another count than the shape's.
at::Tensor tensor_of(const Json& data, at::ScalarType type, std::span<const std::int64_t> shape);
// The same with the shape that the nesting has; a list of unequal lists is an error.
at::Tensor tensor_of(const Json& data, at::ScalarType type);
// Little-endian values one after the other. Throws Error (Fault::usage) for another size.
at::Tensor tensor_of(std::string_view bytes, at::ScalarType type,
                     std::span<const std::int64_t> shape);

// All values in row-major order, or as nested lists; NaN and infinities as null.
Json flat_values(const at::Tensor& tensor);
Json nested_values(const at::Tensor& tensor);
std::string raw_bytes(const at::Tensor& tensor);

// The product. Throws Error (Fault::usage): a negative size, or a product that overflows.
std::int64_t count_of(std::span<const std::int64_t> shape);

}  // namespace pellucid

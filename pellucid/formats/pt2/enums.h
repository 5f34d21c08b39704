// The numbers by which an exported program names dtypes, layouts and memory formats.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace pellucid::pt2 {

// nullopt for a number that no torch up to 2.15 writes.
std::optional<at::ScalarType> scalar_type(std::int64_t number);
std::optional<at::Layout> layout(std::int64_t number);
std::optional<at::MemoryFormat> memory_format(std::int64_t number);

inline constexpr std::int64_t strided_layout = 7;

// The other way; nullopt for a type that the schema has no number for.
std::optional<std::int64_t> number_of(at::ScalarType type);
std::optional<std::int64_t> number_of(at::Layout layout);
std::optional<std::int64_t> number_of(at::MemoryFormat format);

}  // namespace pellucid::pt2

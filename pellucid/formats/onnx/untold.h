// Shapes and types of the results of operators for which ATen has no kernel without data in C++.
#pragma once

#include <ATen/core/stack.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace pellucid::from_onnx {

struct Shape {
  std::vector<std::int64_t> sizes;
  at::ScalarType type;
};

// How many elements stand for "as many as the data say" in the two forms.
inline constexpr std::array<std::int64_t, 2> unknown_counts = {24, 32};

// True when the data of the operands decide how many elements the result has.
bool counts_data(std::string_view op);

// The operators that there is a rule for.
std::vector<std::string_view> operators_with_rules();

// Of the operator's results, from all its arguments (tensors without data); nullopt: this place
// does not know it either. Throws c10::Error where the arguments do not fit each other.
std::optional<std::vector<Shape>> untold_shapes(std::string_view op,
                                                const torch::jit::Stack& arguments,
                                                std::size_t form);

}  // namespace pellucid::from_onnx

// Tensors compared.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pellucid {

// Element by element within |tolerance| · (1 + largest magnitude); shapes must agree.
inline ::testing::AssertionResult near(const at::Tensor& got, const at::Tensor& wanted,
                                       double tolerance) {
  if (!got.sizes().equals(wanted.sizes())) {
    return ::testing::AssertionFailure() << "shapes " << got.sizes() << " and " << wanted.sizes();
  }
  const at::Tensor a = got.detach().to(at::kDouble), b = wanted.detach().to(at::kDouble);
  const double difference = a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();
  const double scale = b.numel() == 0 ? 1 : 1 + b.abs().max().item<double>();
  if (difference <= tolerance * scale) return ::testing::AssertionSuccess();
  std::ostringstream words;
  words << "differs by " << difference << ", got\n" << got << "\nwanted\n" << wanted;
  return ::testing::AssertionFailure() << words.str();
}

// The largest score: a comparison of zeros with zeros proves nothing.
inline double magnitude(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

}  // namespace pellucid

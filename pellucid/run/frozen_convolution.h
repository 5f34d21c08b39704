// A convolution by constants, prepared once for the processor's own layout of weights.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

struct ConvolutionGeometry {
  std::vector<std::int64_t> stride, padding, dilation;  // of height and width
  std::int64_t groups = 1;
};

// What a convolution's answer passes through before anybody sees it.
enum class Rectifier { none, relu, relu6 };

// True where LibTorch has the operators that a frozen convolution stands on (oneDNN, on x86).
bool can_freeze_convolutions();

// rectifier(conv2d(x, weight, bias) + summand) of the operands x, weight, bias or none, and perhaps
// a summand (with Rectifier::relu). Weight and bias must be the same tensors at every call. What it
// was not made for (a batch under vmap, autocast, another dtype) it leaves to the operators.
std::shared_ptr<const Kernel> frozen_convolution(ConvolutionGeometry geometry, Rectifier rectifier);

}  // namespace pellucid

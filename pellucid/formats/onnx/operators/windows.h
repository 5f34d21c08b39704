// What convolutions and pools have in common: kernels, strides, pads.
#pragma once

#include "pellucid/formats/onnx/call.h"

namespace pellucid::from_onnx {

struct Window {
  std::vector<std::int64_t> kernel, stride, dilation, before, after;  // per picture dimension

  bool is_symmetric() const { return before == after; }
};

// The node's attributes, auto_pad worked out. `x` is [N, C, ...]. Throws Error (Fault::model) where
// auto_pad depends on a symbolic size, and where the attributes' lengths contradict each other.
Window window(Call& call, const Ref& x, std::vector<std::int64_t> kernel);

// x with that many more places around its picture dimensions.
Ref padded(Call& call, const Ref& x, const Window& window, double value);

}  // namespace pellucid::from_onnx

// The operators by kind: one table per file of this folder, one place per operator.
#pragma once

#include <span>

#include "pellucid/formats/onnx/call.h"

namespace pellucid::from_onnx {

std::span<const Operator> elementwise_operators();
std::span<const Operator> activation_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> shape_operators();
std::span<const Operator> creation_operators();
std::span<const Operator> indexing_operators();
std::span<const Operator> convolution_operators();
std::span<const Operator> pooling_operators();
std::span<const Operator> resize_operators();
std::span<const Operator> sampling_operators();
std::span<const Operator> selection_operators();
std::span<const Operator> normalisation_operators();
std::span<const Operator> product_operators();
std::span<const Operator> attention_operators();
std::span<const Operator> recurrent_operators();
std::span<const Operator> quantisation_operators();
std::span<const Operator> signal_operators();
std::span<const Operator> loss_operators();
std::span<const Operator> control_operators();
std::span<const Operator> classical_operators();

}  // namespace pellucid::from_onnx

// Sizes and tensors as an exported program describes them.
#pragma once

#include <ATen/core/Tensor.h>

#include "pellucid/base/json.h"
#include "pellucid/formats/pt2/measure.h"

namespace pellucid::pt2 {

// {"as_int": 3}, or an expression with what it was in the first run.
Json number_json(const SymbolicNumber& number);

// TensorMeta of the schema. Throws Error (Fault::model) for a type that the schema has no number
// for.
Json tensor_meta(at::ScalarType dtype, Json sizes, Json strides, std::int64_t offset,
                 bool requires_grad);
// Of a stored tensor: its own sizes, strides and place in its storage.
Json tensor_meta(const at::Tensor& tensor, bool requires_grad);

}  // namespace pellucid::pt2

// Of ai.onnx.ml, what is arithmetic on tensors: the steps that scikit-learn's exporter puts before
// a model.
#include <ATen/ops/tensor.h>

#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

Ref list_of(Call& call, std::string_view name) {
  return constant_term(at::tensor(call.reals(name)).to(at::kFloat));
}

Refs binarizer(Call& call) {
  const Ref x = call.in(0);
  const Ref above = call.aten("aten::gt.Scalar", {x, call.real("threshold", 0.0)}, "above");
  return {call.cast(above, dtype_of(x))};
}

// Columns by their numbers; of a vector a row of one.
Refs array_feature_extractor(Call& call) {
  Ref x = call.in(0);
  const Ref places = call.reshape(call.cast(call.in(1), at::kLong), std::vector<std::int64_t>{-1});
  if (call.rank(x) == 1) x = call.reshape(x, std::vector<std::int64_t>{1, -1});
  return {call.aten("aten::index_select", {x, call.rank(x) - 1, places})};
}

Refs scaler(Call& call) {
  const Ref x = call.cast(call.in(0), at::kFloat);
  return {call.mul(call.sub(x, list_of(call, "offset")), list_of(call, "scale"))};
}

constexpr Operator table[] = {
    {"ai.onnx.ml.ArrayFeatureExtractor", array_feature_extractor},
    {"ai.onnx.ml.Binarizer", binarizer},
    {"ai.onnx.ml.Scaler", scaler},
};

}  // namespace

std::span<const Operator> classical_operators() { return table; }

}  // namespace pellucid::from_onnx

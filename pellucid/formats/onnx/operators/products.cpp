// Matrix products.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

Refs matmul(Call& call) {
  const Ref a = call.in(0), b = call.in(1);
  if (is_known(a) && dtype_of(a) != at::kInt && dtype_of(a) != at::kLong &&
      !c10::isFloatingType(dtype_of(a)) && !c10::isComplexType(dtype_of(a)))
    return {call.cast(call.aten("aten::matmul", {call.cast(a, at::kLong), call.cast(b, at::kLong)}),
                      dtype_of(a))};
  // By a matrix of weights it is a linear layer, which rewrites and methods know.
  if (b->data.defined() && b->data.dim() == 2 && call.is_real(b) && is_known(a) && rank_of(a) >= 2)
    return {call.aten("aten::linear", {a, call.aten("aten::t", {b}, "weight")})};
  return {call.aten("aten::matmul", {a, b})};
}

Refs gemm(Call& call) {
  Ref a = call.in(0), b = call.in(1);
  const Ref c = call.maybe(2);
  const double alpha = call.real("alpha", 1.0), beta = call.real("beta", 1.0);
  const bool turn_a = call.integer("transA", 0) != 0, turn_b = call.integer("transB", 0) != 0;
  if (turn_a) a = call.aten("aten::t", {a}, "turned");
  const bool plain = alpha == 1.0 && (c == nullptr || beta == 1.0) &&
                     (c == nullptr || (is_known(c) && rank_of(c) == 1 && known_size(c, 0) != 1));
  if (plain && turn_b) return {call.aten("aten::linear", {a, b, c})};
  if (turn_b) b = call.aten("aten::t", {b}, "turned");
  Ref product = call.aten("aten::mm", {a, b}, "product");
  if (alpha != 1.0) product = call.mul(product, alpha);
  if (c == nullptr || beta == 0.0) return {product};
  return {call.add(product, beta == 1.0 ? c : call.mul(c, beta))};
}

Refs einsum(Call& call) {
  std::string equation = call.text("equation", "");
  std::erase(equation, ' ');
  return {call.aten("aten::einsum", {equation.c_str(), call.inputs()})};
}

Refs determinant(Call& call) { return {call.aten("aten::linalg_det", {call.in(0)})}; }

constexpr Operator table[] = {
    {"Det", determinant},
    {"Einsum", einsum},
    {"Gemm", gemm},
    {"MatMul", matmul},
};

}  // namespace

std::span<const Operator> product_operators() { return table; }

}  // namespace pellucid::from_onnx

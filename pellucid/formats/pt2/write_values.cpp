// The device is always the CPU: where a model runs is chosen when it runs.
#include "pellucid/formats/pt2/write_values.h"

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/enums.h"

namespace pellucid::pt2 {
namespace {

Json fixed(std::int64_t number) { return {{"as_int", number}}; }

}  // namespace

Json number_json(const SymbolicNumber& number) {
  if (number.fixed) return fixed(number.hint);
  return {{"as_expr", {{"expr_str", number.expression}, {"hint", fixed(number.hint)}}}};
}

Json tensor_meta(at::ScalarType dtype, Json sizes, Json strides, std::int64_t offset,
                 bool requires_grad) {
  const auto number = number_of(dtype);
  if (!number) throw model_error("a tensor of a type that the format has no number for");
  return {{"dtype", *number},
          {"sizes", std::move(sizes)},
          {"requires_grad", requires_grad},
          {"device", {{"type", "cpu"}, {"index", nullptr}}},
          {"strides", std::move(strides)},
          {"storage_offset", fixed(offset)},
          {"layout", strided_layout}};
}

Json tensor_meta(const at::Tensor& tensor, bool requires_grad) {
  Json sizes = Json::array(), strides = Json::array();
  for (const std::int64_t size : tensor.sizes()) sizes.push_back(fixed(size));
  for (const std::int64_t stride : tensor.strides()) strides.push_back(fixed(stride));
  return tensor_meta(tensor.scalar_type(), std::move(sizes), std::move(strides),
                     tensor.storage_offset(), requires_grad);
}

}  // namespace pellucid::pt2

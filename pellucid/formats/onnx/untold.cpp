// One rule for each kind of operator. What is here must agree with ATen's own kernels: the test
// runs each on data and compares.
#include "pellucid/formats/onnx/untold.h"

#include <ATen/ExpandUtils.h>
#include <ATen/WrapDimUtils.h>
#include <ATen/ops/result_type.h>

#include <algorithm>

namespace pellucid::from_onnx {
namespace {

using Arguments = torch::jit::Stack;
using Shapes = std::vector<Shape>;

std::vector<std::int64_t> sizes_of(const c10::IValue& tensor) {
  return tensor.toTensor().sizes().vec();
}

at::ScalarType type_of(const c10::IValue& tensor) { return tensor.toTensor().scalar_type(); }

std::vector<std::int64_t> broadcast(const Arguments& arguments) {
  std::vector<std::int64_t> sizes;
  for (const c10::IValue& each : arguments) {
    if (each.isTensor()) sizes = at::infer_size(sizes, each.toTensor().sizes());
  }
  return sizes;
}

Shapes like_first(const Arguments& arguments, std::size_t) {
  return {{sizes_of(arguments[0]), type_of(arguments[0])}};
}

Shapes truth_like_first(const Arguments& arguments, std::size_t) {
  return {{sizes_of(arguments[0]), at::kBool}};
}

Shapes truth_of_all(const Arguments& arguments, std::size_t) {
  return {{broadcast(arguments), at::kBool}};
}

Shapes of_both(const Arguments& arguments, std::size_t) {
  return {
      {broadcast(arguments), at::result_type(arguments[0].toTensor(), arguments[1].toTensor())}};
}

// where(condition, a, b)
Shapes chosen(const Arguments& arguments, std::size_t) {
  return {
      {broadcast(arguments), at::result_type(arguments[1].toTensor(), arguments[2].toTensor())}};
}

// index_select(x, axis, index)
Shapes indexed(const Arguments& arguments, std::size_t) {
  std::vector<std::int64_t> sizes = sizes_of(arguments[0]);
  const auto axis = at::maybe_wrap_dim(arguments[1].toInt(), arguments[0].toTensor().dim());
  if (!sizes.empty()) sizes.at(static_cast<std::size_t>(axis)) = arguments[2].toTensor().numel();
  return {{std::move(sizes), type_of(arguments[0])}};
}

// embedding(table, places)
Shapes embedded(const Arguments& arguments, std::size_t) {
  std::vector<std::int64_t> sizes = sizes_of(arguments[1]);
  sizes.push_back(arguments[0].toTensor().size(1));
  return {{std::move(sizes), type_of(arguments[0])}};
}

// f(x, axes, ..., keepdim) of statistics and norms; no axes: all of them.
std::vector<std::int64_t> reduced(const at::Tensor& x, const c10::IValue& axes, bool keeps) {
  const auto given = axes.isNone() ? std::vector<std::int64_t>{} : axes.toIntVector();
  std::vector<bool> gone(static_cast<std::size_t>(x.dim()), given.empty());
  for (const std::int64_t axis : given)
    gone[static_cast<std::size_t>(at::maybe_wrap_dim(axis, x.dim()))] = true;
  std::vector<std::int64_t> sizes;
  for (std::int64_t axis = 0; axis < x.dim(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)])
      sizes.push_back(x.size(axis));
    else if (keeps)
      sizes.push_back(1);
  }
  return sizes;
}

// var_mean(x, axes, correction, keepdim)
Shapes statistics(const Arguments& arguments, std::size_t) {
  const at::Tensor& x = arguments[0].toTensor();
  const Shape one{reduced(x, arguments[1], arguments[3].toBool()), x.scalar_type()};
  return {one, one};
}

// logsumexp(x, axes, keepdim)
Shapes log_sum_exp(const Arguments& arguments, std::size_t) {
  const at::Tensor& x = arguments[0].toTensor();
  return {{reduced(x, arguments[1], arguments[2].toBool()), x.scalar_type()}};
}

// grid_sampler(x [N, C, ...], grid [N, ..., d])
Shapes sampled(const Arguments& arguments, std::size_t) {
  const at::Tensor &x = arguments[0].toTensor(), &grid = arguments[1].toTensor();
  std::vector<std::int64_t> sizes = {x.size(0), x.size(1)};
  for (std::int64_t axis = 1; axis + 1 < grid.dim(); ++axis) sizes.push_back(grid.size(axis));
  return {{std::move(sizes), x.scalar_type()}};
}

// max_pool3d(x [N, C, D, H, W], kernel, stride, padding, dilation, ceil_mode)
Shapes pooled(const Arguments& arguments, std::size_t) {
  std::vector<std::int64_t> sizes = sizes_of(arguments[0]);
  const auto kernel = arguments[1].toIntVector(), stride = arguments[2].toIntVector(),
             pads = arguments[3].toIntVector(), dilation = arguments[4].toIntVector();
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    std::int64_t& size = sizes.at(i + 2);
    const std::int64_t room = size + 2 * pads[i] - dilation[i] * (kernel[i] - 1) - 1;
    std::int64_t count = room / stride[i] + 1;
    // The last window of a rounded-up count must begin within the picture or its left pad.
    if (arguments[5].toBool() && room % stride[i] != 0 && count * stride[i] < size + pads[i])
      ++count;
    size = count;
  }
  return {{std::move(sizes), type_of(arguments[0])}};
}

// col2im(x [N, C·k·k, L], output_size, kernel, dilation, padding, stride)
Shapes image(const Arguments& arguments, std::size_t) {
  const at::Tensor& x = arguments[0].toTensor();
  const auto size = arguments[1].toIntVector(), kernel = arguments[2].toIntVector();
  return {{{x.size(0), x.size(1) / (kernel[0] * kernel[1]), size[0], size[1]}, x.scalar_type()}};
}

// fft_*(x, n, axis)
std::vector<std::int64_t> transformed(const Arguments& arguments, std::int64_t& length,
                                      std::size_t& axis) {
  std::vector<std::int64_t> sizes = sizes_of(arguments[0]);
  axis = static_cast<std::size_t>(
      at::maybe_wrap_dim(arguments[2].toInt(), static_cast<std::int64_t>(sizes.size())));
  length = arguments[1].isNone() ? sizes[axis] : arguments[1].toInt();
  return sizes;
}

at::ScalarType complex_of(const Arguments& arguments) {
  const at::ScalarType type = type_of(arguments[0]);
  return c10::isComplexType(type) ? type : c10::toComplexType(type);
}

Shapes spectrum(const Arguments& arguments, std::size_t) {
  std::int64_t length = 0;
  std::size_t axis = 0;
  std::vector<std::int64_t> sizes = transformed(arguments, length, axis);
  sizes[axis] = length;
  return {{std::move(sizes), complex_of(arguments)}};
}

Shapes half_spectrum(const Arguments& arguments, std::size_t) {
  std::int64_t length = 0;
  std::size_t axis = 0;
  std::vector<std::int64_t> sizes = transformed(arguments, length, axis);
  sizes[axis] = length / 2 + 1;
  return {{std::move(sizes), complex_of(arguments)}};
}

Shapes from_half_spectrum(const Arguments& arguments, std::size_t) {
  std::int64_t length = 0;
  std::size_t axis = 0;
  std::vector<std::int64_t> sizes = transformed(arguments, length, axis);
  sizes[axis] = arguments[1].isNone() ? 2 * (length - 1) : length;
  return {{std::move(sizes), c10::toRealValueType(type_of(arguments[0]))}};
}

Shapes places(const Arguments& arguments, std::size_t form) {
  return {{{unknown_counts[form], arguments[0].toTensor().dim()}, at::kLong}};
}

// unique_dim(x, axis, ...): what is there, which of it each place has, how often
Shapes unlike(const Arguments& arguments, std::size_t form) {
  std::vector<std::int64_t> sizes = sizes_of(arguments[0]);
  const auto axis = static_cast<std::size_t>(
      at::maybe_wrap_dim(arguments[1].toInt(), static_cast<std::int64_t>(sizes.size())));
  const std::int64_t length = sizes.at(axis), count = unknown_counts[form];
  sizes[axis] = count;
  return {{std::move(sizes), type_of(arguments[0])}, {{length}, at::kLong}, {{count}, at::kLong}};
}

struct Rule {
  std::string_view op;
  Shapes (*shapes)(const Arguments& arguments, std::size_t form);
};

constexpr Rule rules[] = {
    {"aten::__lshift__", of_both},
    {"aten::__rshift__", of_both},
    {"aten::abs", like_first},
    {"aten::batch_norm", like_first},
    {"aten::col2im", image},
    {"aten::embedding", embedded},
    {"aten::fft_fft", spectrum},
    {"aten::fft_ifft", spectrum},
    {"aten::fft_irfft", from_half_spectrum},
    {"aten::fft_rfft", half_spectrum},
    {"aten::fake_quantize_per_channel_affine", like_first},
    {"aten::fake_quantize_per_tensor_affine", like_first},
    {"aten::flip", like_first},
    {"aten::grid_sampler", sampled},
    {"aten::group_norm", like_first},
    {"aten::hardswish", like_first},
    {"aten::index_select", indexed},
    {"aten::instance_norm", like_first},
    {"aten::isinf", truth_like_first},
    {"aten::isnan", truth_like_first},
    {"aten::layer_norm", like_first},
    {"aten::logical_and", truth_of_all},
    {"aten::logical_not", truth_like_first},
    {"aten::logical_or", truth_of_all},
    {"aten::logical_xor", truth_of_all},
    {"aten::logsumexp", log_sum_exp},
    {"aten::max_pool3d", pooled},
    {"aten::nonzero", places},
    {"aten::relu", like_first},
    {"aten::unique_dim", unlike},
    {"aten::var_mean", statistics},
    {"aten::where", chosen},
};

}  // namespace

bool counts_data(std::string_view op) { return op == "aten::nonzero" || op == "aten::unique_dim"; }

std::vector<std::string_view> operators_with_rules() {
  std::vector<std::string_view> names;
  for (const Rule& each : rules) names.push_back(each.op);
  return names;
}

std::optional<std::vector<Shape>> untold_shapes(std::string_view op,
                                                const torch::jit::Stack& arguments,
                                                std::size_t form) {
  const auto* found = std::ranges::find(rules, op, &Rule::op);
  if (found == std::end(rules)) return std::nullopt;
  return found->shapes(arguments, form);
}

}  // namespace pellucid::from_onnx

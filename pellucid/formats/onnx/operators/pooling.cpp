// Pools over windows and over whole pictures.
#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/operators/windows.h"

namespace pellucid::from_onnx {
namespace {

struct Pool {
  Window window;
  bool ceil = false, is_plain = false;  // plain: ATen's own pads are the node's
  std::size_t dims = 0;
};

Pool pool_of(Call& call, const Ref& x) {
  const auto kernel = call.integers("kernel_shape");
  if (!kernel || kernel->empty() || kernel->size() > 3)
    throw call.refuse("wants a kernel of one to three dimensions");
  Pool pool{window(call, x, *kernel), call.integer("ceil_mode", 0) != 0, true, kernel->size()};
  for (std::size_t i = 0; i < pool.dims; ++i) {
    // ATen refuses pads beyond half a kernel.
    pool.is_plain = pool.is_plain && pool.window.before[i] == pool.window.after[i] &&
                    2 * pool.window.before[i] <= pool.window.kernel[i];
  }
  return pool;
}

Refs max_pool(Call& call) {
  Ref x = call.in(0);
  const at::ScalarType type = dtype_of(x);
  const Pool pool = pool_of(call, x);
  const Window& w = pool.window;
  std::vector<std::int64_t> pads = w.before;
  const bool whole = !c10::isFloatingType(type);
  if (whole) x = call.cast(x, at::kFloat);
  const Ref unpadded = x;
  if (!pool.is_plain) {
    x = padded(call, x, w, -std::numeric_limits<double>::infinity());
    std::ranges::fill(pads, 0);
  }
  constexpr const char* plain[] = {"aten::max_pool1d", "aten::max_pool2d", "aten::max_pool3d"};
  constexpr const char* placed[] = {"aten::max_pool1d_with_indices",
                                    "aten::max_pool2d_with_indices",
                                    "aten::max_pool3d_with_indices"};
  const Args args = {x, w.kernel, w.stride, pads, w.dilation, pool.ceil};
  if (!call.wants(1)) {
    const Ref result = call.aten(plain[pool.dims - 1], args);
    return {whole ? call.cast(result, type) : result};
  }
  const Refs both = call.many(placed[pool.dims - 1], args, 2, "largest");
  if (!pool.is_plain) throw call.refuse("tells places in a padded picture");
  // ONNX counts places through the whole tensor, ATen within each channel's picture.
  Number per_picture = number(1),
         pictures = call.body.arithmetic("mul", {call.size(unpadded, 0), call.size(unpadded, 1)});
  for (std::size_t i = 0; i < pool.dims; ++i)
    per_picture = call.body.arithmetic(
        "mul", {per_picture, call.size(unpadded, static_cast<std::int64_t>(i) + 2)});
  Ref places = both[1];
  if (call.integer("storage_order", 0) != 0) {
    if (pool.dims != 2) throw call.refuse("counts by columns in other than two dimensions");
    const Number rows = call.size(unpadded, 2), columns = call.size(unpadded, 3);
    const Ref row = call.aten("aten::div.Scalar_mode", {places, columns, "floor"}),
              column = call.aten("aten::remainder.Scalar", {places, columns});
    places = call.add(call.mul(column, rows), row);
  }
  std::vector<Number> first = {call.size(unpadded, 0), call.size(unpadded, 1)};
  for (std::size_t i = 0; i < pool.dims; ++i) first.push_back(number(1));
  const Ref offset =
      call.mul(call.reshape(call.aten("aten::arange", {pictures, at::kLong}, "pictures"), first),
               per_picture);
  return {whole ? call.cast(both[0], type) : both[0], call.add(places, offset)};
}

Ref average(Call& call, const Ref& x, const Pool& pool, const std::vector<std::int64_t>& pads,
            bool counts_pads) {
  const Window& w = pool.window;
  constexpr const char* ops[] = {"aten::avg_pool1d", "aten::avg_pool2d", "aten::avg_pool3d"};
  return call.aten(ops[pool.dims - 1], {x, w.kernel, w.stride, pads, pool.ceil, counts_pads});
}

bool is_dilated(const Window& w) {
  return std::ranges::any_of(w.dilation, [](std::int64_t each) { return each != 1; });
}

// Sums over windows, as a convolution by ones of each channel for itself.
Ref summed(Call& call, const Ref& x, const Pool& pool) {
  const Window& w = pool.window;
  const auto channels = known_size(x, 1);
  if (!channels) throw call.refuse("pools an unknown number of channels");
  std::vector<std::int64_t> sizes = {*channels, 1};
  sizes.insert(sizes.end(), w.kernel.begin(), w.kernel.end());
  const Ref ones = call.aten("aten::full", {sizes, 1.0, dtype_of(x)}, "ones");
  constexpr const char* ops[] = {"aten::conv1d", "aten::conv2d", "aten::conv3d"};
  return call.aten(
      ops[pool.dims - 1],
      {x, ones, Ref(), w.stride, std::vector<std::int64_t>(pool.dims, 0), w.dilation, *channels});
}

// Ceil mode, worked into the pads behind: a window may begin in the input or its front pad only.
std::vector<std::int64_t> extended(Call& call, const Ref& x, const Pool& pool) {
  std::vector<std::int64_t> more(pool.dims, 0);
  const Window& w = pool.window;
  for (std::size_t i = 0; pool.ceil && i < pool.dims; ++i) {
    const auto size = known_size(x, static_cast<std::int64_t>(i) + 2);
    if (!size) throw call.refuse("rounds up the size of an input that is not fixed");
    const std::int64_t reach = (w.kernel[i] - 1) * w.dilation[i] + 1;
    const std::int64_t span = *size + w.before[i] + w.after[i] - reach;
    std::int64_t count = (span + w.stride[i] - 1) / w.stride[i] + 1;
    if ((count - 1) * w.stride[i] >= *size + w.before[i]) --count;
    more[i] = std::max<std::int64_t>(
        (count - 1) * w.stride[i] + reach - *size - w.before[i] - w.after[i], 0);
  }
  return more;
}

Refs average_pool(Call& call) {
  const Ref x = call.in(0);
  const Pool pool = pool_of(call, x);
  const bool counts = call.integer("count_include_pad", 0) != 0;
  if (pool.is_plain && !is_dilated(pool.window))
    return {average(call, x, pool, pool.window.before, counts)};
  // Sums of the padded picture over sums of a padded picture of ones.
  Pool wide = pool;
  const std::vector<std::int64_t> more = extended(call, x, pool);
  for (std::size_t i = 0; i < pool.dims; ++i) wide.window.after[i] += more[i];
  const Ref ones = call.aten("aten::ones_like", {x}, "ones");
  Ref counted;
  if (counts) {
    Window rest = pool.window;
    rest.before.assign(pool.dims, 0);
    rest.after = more;
    counted = padded(call, padded(call, ones, pool.window, 1.0), rest, 0.0);
  } else {
    counted = padded(call, ones, wide.window, 0.0);
  }
  return {
      call.div(summed(call, padded(call, x, wide.window, 0.0), pool), summed(call, counted, pool))};
}

Refs lp_pool(Call& call) {
  const Ref x = call.in(0);
  const Pool pool = pool_of(call, x);
  const double p = static_cast<double>(call.integer("p", 2));
  Pool wide = pool;
  const std::vector<std::int64_t> more = extended(call, x, pool);
  for (std::size_t i = 0; i < pool.dims; ++i) wide.window.after[i] += more[i];
  const Ref powers =
      call.aten("aten::pow.Tensor_Scalar", {call.aten("aten::abs", {x}), p}, "powers");
  return {call.aten("aten::pow.Tensor_Scalar",
                    {summed(call, padded(call, powers, wide.window, 0.0), pool), 1.0 / p})};
}

std::vector<std::int64_t> picture_axes(Call& call, const Ref& x) {
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = 2; axis < call.rank(x); ++axis) axes.push_back(axis);
  if (axes.empty()) throw call.refuse("has no picture to pool");
  return axes;
}

Refs global_average_pool(Call& call) {
  const Ref x = call.in(0);
  // ATen's adaptive pool, as networks are written, where it has one.
  if (call.rank(x) == 4)
    return {call.aten("aten::adaptive_avg_pool2d", {x, std::vector<std::int64_t>{1, 1}})};
  return {call.aten("aten::mean.dim", {x, picture_axes(call, x), true})};
}

Refs global_max_pool(Call& call) {
  const Ref x = call.in(0);
  return {call.aten("aten::amax", {x, picture_axes(call, x), true})};
}

Refs global_lp_pool(Call& call) {
  const Ref x = call.in(0);
  return {call.aten("aten::linalg_vector_norm",
                    {x, static_cast<double>(call.integer("p", 2)), picture_axes(call, x), true})};
}

Refs max_unpool(Call& call) {
  const Ref x = call.in(0), places = call.in(1);
  const auto kernel = call.integers("kernel_shape");
  if (!kernel) throw call.refuse("wants a kernel");
  const Window w = window(call, x, *kernel);
  const std::int64_t rank = call.rank(x);
  // Places were counted in the picture that the pool had, even if another size is wanted.
  std::vector<Number> sizes = {call.size(x, 0), call.size(x, 1)};
  for (std::int64_t axis = 2; axis < rank; ++axis) {
    const auto i = static_cast<std::size_t>(axis - 2);
    const Number steps = call.body.arithmetic(
        "mul", {call.body.arithmetic("sub", {call.size(x, axis), number(1)}), number(w.stride[i])});
    sizes.push_back(
        call.body.arithmetic("add", {steps, number(w.kernel[i] - w.before[i] - w.after[i])}));
  }
  Number count = number(1);
  for (const Number& each : sizes) count = call.body.arithmetic("mul", {count, each});
  const Ref empty = call.aten("aten::new_zeros", {x, std::vector<Number>{count}}, "empty");
  const std::vector<std::int64_t> flat{-1};
  const Ref filled =
      call.aten("aten::scatter.src", {empty, 0, call.reshape(places, flat), call.reshape(x, flat)});
  const Ref picture = call.reshape(filled, sizes);
  const Ref shape = call.maybe(2);
  if (shape == nullptr) return {picture};
  const std::vector<Number> wanted = call.body.numbers(shape);
  if (wanted.size() != sizes.size()) throw call.refuse("wants a shape of other dimensions");
  std::vector<Number> pads;  // behind; ATen counts from the last axis
  for (std::size_t i = sizes.size(); i-- > 2;) {
    pads.push_back(number(0));
    pads.push_back(call.body.arithmetic("sub", {wanted[i], sizes[i]}));
  }
  return {call.aten("aten::constant_pad_nd", {picture, pads, 0.0})};
}

constexpr Operator table[] = {
    {"AveragePool", average_pool},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalLpPool", global_lp_pool},
    {"GlobalMaxPool", global_max_pool},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
    {"MaxUnpool", max_unpool},
};

}  // namespace

std::span<const Operator> pooling_operators() { return table; }

}  // namespace pellucid::from_onnx

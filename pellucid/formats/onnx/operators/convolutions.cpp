// Convolutions. ATen's own operator of the dimensions is taken, so that rewrites know them.
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/operators/windows.h"

namespace pellucid::from_onnx {
namespace {

std::vector<std::int64_t> kernel_of(Call& call, const Ref& weight) {
  std::vector<std::int64_t> kernel;
  for (std::int64_t axis = 2; axis < call.rank(weight); ++axis) {
    const auto size = known_size(weight, axis);
    if (!size) throw call.refuse("has weights of no fixed size");
    kernel.push_back(*size);
  }
  if (kernel.empty() || kernel.size() > 3) throw call.refuse("has not one to three dimensions");
  return kernel;
}

// ATen has no shapes for convolutions without data.
void tell(const Ref& result, const Ref& x, const Ref& weight, std::size_t channels_axis,
          std::int64_t groups, const std::function<std::int64_t(std::size_t, std::int64_t)>& size) {
  if (is_known(result) || !is_known(x) || !is_known(weight)) return;
  for (std::size_t form = 0; form < 2; ++form) {
    const at::Tensor &seen = x->seen[form], &kernel = weight->seen[form];
    std::vector<std::int64_t> sizes = {
        seen.size(0), kernel.size(static_cast<std::int64_t>(channels_axis)) * groups};
    for (std::int64_t axis = 2; axis < seen.dim(); ++axis) {
      sizes.push_back(size(static_cast<std::size_t>(axis - 2), seen.size(axis)));
      if (sizes.back() < 0) return;  // the file is wrong, and running it will say so
    }
    if (form == 1 && x->seen[0].is_same(x->seen[1]))
      result->seen[1] = result->seen[0];
    else
      set_seen(result, seen.scalar_type(), form, sizes);
  }
}

}  // namespace

// Also of integers, through numbers that hold them exactly.
Ref convolved(Call& call, Ref x, const Ref& weight, const Ref& bias) {
  const Window place = window(call, x, kernel_of(call, weight));
  const std::int64_t groups = call.integer("group", 1);
  std::vector<std::int64_t> pads = place.before;
  if (!place.is_symmetric()) {
    x = padded(call, x, place, 0.0);
    std::ranges::fill(pads, 0);
  }
  constexpr const char* ops[] = {"aten::conv1d", "aten::conv2d", "aten::conv3d"};
  const Ref result = call.aten(ops[place.kernel.size() - 1],
                               {x, weight, bias, place.stride, pads, place.dilation, groups});
  tell(result, x, weight, 0, 1, [&](std::size_t i, std::int64_t size) {
    return (size + 2 * pads[i] - place.dilation[i] * (place.kernel[i] - 1) - 1) / place.stride[i] +
           1;
  });
  return result;
}

namespace {

Refs convolution(Call& call) { return {convolved(call, call.in(0), call.in(1), call.maybe(2))}; }

Refs transposed_convolution(Call& call) {
  const Ref x = call.in(0), weight = call.in(1);
  const std::vector<std::int64_t> kernel = kernel_of(call, weight);
  const std::size_t dims = kernel.size();
  const std::int64_t groups = call.integer("group", 1);
  const auto filled = [&](const char* name, std::int64_t value) {
    auto given = call.integers(name).value_or(std::vector<std::int64_t>(dims, value));
    if (given.size() != dims) throw call.refuse("has a wrong number of " + std::string(name));
    return given;
  };
  const auto stride = filled("strides", 1), dilation = filled("dilations", 1),
             extra = filled("output_padding", 0);
  const auto wanted = call.integers("output_shape");
  auto pads = call.integers("pads").value_or(std::vector<std::int64_t>(2 * dims, 0));
  if (pads.size() != 2 * dims) throw call.refuse("has not two pads per dimension");
  const std::string how = call.text("auto_pad", "NOTSET");
  if (call.rank(x) != static_cast<std::int64_t>(dims) + 2)
    throw call.refuse("has weights of other dimensions than its input");
  std::vector<std::int64_t> grown(dims, 0);
  if (wanted || how == "SAME_UPPER" || how == "SAME_LOWER") {
    for (std::size_t i = 0; i < dims; ++i) {
      const auto size = known_size(x, static_cast<std::int64_t>(i) + 2);
      if (!size) throw call.refuse("pads by the size of an input that is not fixed");
      const std::int64_t target = wanted ? (*wanted)[wanted->size() - dims + i] : *size * stride[i];
      std::int64_t total =
          stride[i] * (*size - 1) + extra[i] + (kernel[i] - 1) * dilation[i] + 1 - target;
      if (total < 0) {  // longer than what is computed: zeros behind
        grown[i] = -total;
        total = 0;
      }
      const bool more_behind = how == "SAME_UPPER";
      pads[i] = more_behind ? total / 2 : total - total / 2;
      pads[i + dims] = total - pads[i];
    }
  }
  // ATen takes the same off both sides; what differs is cut off afterwards, or computed in excess.
  std::vector<std::int64_t> common(dims);
  bool cuts = false, longer = false;
  for (std::size_t i = 0; i < dims; ++i) {
    common[i] = std::min(pads[i], pads[i + dims]);
    cuts = cuts || pads[i] != pads[i + dims];
    longer = longer || grown[i] != 0;
  }
  constexpr const char* ops[] = {"aten::conv_transpose1d", "aten::conv_transpose2d.input",
                                 "aten::conv_transpose3d.input"};
  Ref result =
      call.aten(ops[dims - 1], {x, weight, call.maybe(2), stride, common, extra, groups, dilation});
  tell(result, x, weight, 1, groups, [&](std::size_t i, std::int64_t size) {
    return (size - 1) * stride[i] - 2 * common[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1;
  });
  for (std::size_t i = 0; i < dims && cuts; ++i) {
    const std::int64_t front = pads[i] - common[i], behind = pads[i + dims] - common[i];
    if (front == 0 && behind == 0) continue;
    const Arg end = behind == 0 ? Arg() : Arg(-behind);
    result = call.aten("aten::slice.Tensor", {result, static_cast<std::int64_t>(i) + 2, front, end},
                       "cut");
  }
  if (longer) {
    std::vector<std::int64_t> more;
    for (std::size_t i = dims; i-- > 0;) {
      more.push_back(0);
      more.push_back(grown[i]);
    }
    result = call.aten("aten::constant_pad_nd", {result, more, 0.0});
  }
  return {result};
}

struct Blocks {
  std::vector<std::int64_t> image, size, stride, dilation, pads;
};

// Blocks added up at their places, in any number of dimensions: x [N, C · block, places].
Ref overlaid(Call& call, const Ref& x, const Blocks& b) {
  constexpr std::int64_t most_places = std::int64_t{1} << 24;
  const std::size_t dims = b.image.size();
  std::int64_t padded_count = 1, block_count = 1;
  std::vector<std::int64_t> padded;
  // Where each element of each block comes to lie in the padded picture, rows last to first.
  at::Tensor within = at::zeros({1}, at::kLong), starts = within;
  for (std::size_t i = 0; i < dims; ++i) {
    padded.push_back(b.image[i] + b.pads[i] + b.pads[i + dims]);
    const std::int64_t steps =
        b.stride[i] < 1 ? 0 : (padded[i] - b.dilation[i] * (b.size[i] - 1) - 1) / b.stride[i] + 1;
    if (padded[i] < 1 || b.size[i] < 1 || steps < 1 ||
        __builtin_mul_overflow(padded_count, padded[i], &padded_count) ||
        __builtin_mul_overflow(block_count, b.size[i], &block_count) ||
        padded_count > most_places || block_count > most_places)
      throw call.refuse("has blocks that do not fit its picture");
    const auto grown = [&](const at::Tensor& all, std::int64_t count, std::int64_t step) {
      return (all.unsqueeze(1) * padded[i] + at::arange(count, at::kLong) * step).reshape({-1});
    };
    within = grown(within, b.size[i], b.dilation[i]);
    starts = grown(starts, steps, b.stride[i]);
    if (within.numel() * starts.numel() > most_places) throw call.refuse("has too many blocks");
  }
  const Ref index = constant_term((within.unsqueeze(1) + starts).reshape({-1}));
  const Number n = call.size(x, 0),
               channels = call.body.arithmetic("floordiv", {call.size(x, 1), number(block_count)});
  const Ref values = call.reshape(x, std::vector<Number>{n, channels, number(-1)});
  const Ref empty = call.aten("aten::new_zeros",
                              {x, std::vector<Number>{n, channels, number(padded_count)}}, "empty");
  std::vector<Number> sizes = {n, channels};
  for (const std::int64_t each : padded) sizes.push_back(number(each));
  Ref made = call.reshape(call.aten("aten::index_add", {empty, 2, index, values}, "sums"), sizes);
  for (std::size_t i = 0; i < dims; ++i) {
    if (b.pads[i] != 0 || b.pads[i + dims] != 0)
      made = call.aten("aten::slice.Tensor",
                       {made, static_cast<std::int64_t>(i) + 2, b.pads[i], b.pads[i] + b.image[i]});
  }
  return made;
}

Refs columns_to_image(Call& call) {
  const Ref x = call.in(0);
  const auto image = call.constants(call.in(1), "image sizes"),
             block = call.constants(call.in(2), "block sizes");
  const std::size_t dims = image.size();
  const auto stride = call.integers("strides").value_or(std::vector<std::int64_t>(dims, 1)),
             dilation = call.integers("dilations").value_or(std::vector<std::int64_t>(dims, 1)),
             pads = call.integers("pads").value_or(std::vector<std::int64_t>(2 * dims, 0));
  if (dims == 0 || block.size() != dims || stride.size() != dims || dilation.size() != dims ||
      pads.size() != 2 * dims)
    throw call.refuse("has attributes of wrong lengths");
  if (dims != 2) return {overlaid(call, x, {image, block, stride, dilation, pads})};
  // Onto the padded picture, whose rim is then cut off.
  const std::vector<std::int64_t> whole = {image[0] + pads[0] + pads[2],
                                           image[1] + pads[1] + pads[3]};
  Ref made = call.aten("aten::col2im",
                       {x, whole, block, dilation, std::vector<std::int64_t>{0, 0}, stride});
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (pads[at] != 0 || pads[at + 2] != 0)
      made = call.aten("aten::slice.Tensor", {made, i + 2, pads[at], pads[at] + image[at]}, "cut");
  }
  return {made};
}

constexpr Operator table[] = {
    {"Col2Im", columns_to_image},
    {"Conv", convolution},
    {"ConvTranspose", transposed_convolution},
};

}  // namespace

std::span<const Operator> convolution_operators() { return table; }

}  // namespace pellucid::from_onnx

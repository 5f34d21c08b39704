// Norms. Batch norm as ATen's own operator: what comes later rewrites it.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

Refs batch_norm(Call& call) {
  const Ref x = call.in(0), scale = call.in(1), shift = call.in(2), mean = call.in(3),
            variance = call.in(4);
  const double epsilon = call.real("epsilon", 1e-5), momentum = call.real("momentum", 0.9);
  if (call.integer("training_mode", 0) == 0) {
    const Ref y = call.aten("aten::batch_norm", {x, scale, shift, mean, variance, false,
                                                 1.0 - momentum, epsilon, true});
    return {y};
  }
  const std::int64_t rank = call.rank(x);
  std::vector<std::int64_t> axes = call.all_axes(x);
  std::erase(axes, 1);
  const Refs both = call.many("aten::var_mean.correction", {x, axes, 0, false}, 2, "statistics");
  const Ref centred = call.sub(x, call.along(both[1], 1, rank));
  const Ref width = call.aten("aten::rsqrt", {call.add(call.along(both[0], 1, rank), epsilon)});
  const Ref y = call.add(call.mul(call.mul(centred, width), call.along(scale, 1, rank)),
                         call.along(shift, 1, rank));
  const auto running = [&](const Ref& old, const Ref& now) {
    return call.add(call.mul(old, momentum), call.mul(now, 1.0 - momentum));
  };
  return {y, running(mean, both[1]), running(variance, both[0])};
}

Refs instance_norm(Call& call) {
  const Ref x = call.in(0);
  const Ref y = call.aten("aten::instance_norm", {x, call.in(1), call.in(2), Ref(), Ref(), true,
                                                  0.1, call.real("epsilon", 1e-5), true});
  return {y};
}

std::vector<Number> trailing(Call& call, const Ref& x, std::int64_t axis) {
  std::vector<Number> sizes;
  for (std::int64_t i = axis; i < call.rank(x); ++i) sizes.push_back(call.size(x, i));
  return sizes;
}

Refs layer_norm(Call& call) {
  const Ref x = call.in(0), scale = call.in(1), shift = call.maybe(2);
  const std::int64_t rank = call.rank(x), axis = call.axis(call.integer("axis", -1), rank);
  const double epsilon = call.real("epsilon", 1e-5);
  const bool fits = is_known(scale) && rank_of(scale) == rank - axis &&
                    (shift == nullptr || (is_known(shift) && rank_of(shift) == rank - axis));
  Ref y;
  if (fits) {
    y = call.aten("aten::layer_norm", {x, trailing(call, x, axis), scale, shift, epsilon, true});
  }
  if (fits && !call.wants(1) && !call.wants(2)) return {y};
  std::vector<std::int64_t> axes;
  for (std::int64_t i = axis; i < rank; ++i) axes.push_back(i);
  const Refs both = call.many("aten::var_mean.correction", {x, axes, 0, true}, 2, "statistics");
  const Ref width = call.aten("aten::rsqrt", {call.add(both[0], epsilon)}, "inverse_deviation");
  if (!fits) {
    y = call.mul(call.mul(call.sub(x, both[1]), width), scale);
    if (shift != nullptr) y = call.add(y, shift);
  }
  return {y, both[1], width};
}

Refs rms_norm(Call& call) {
  const Ref x = call.in(0), scale = call.in(1);
  const std::int64_t rank = call.rank(x), axis = call.axis(call.integer("axis", -1), rank);
  std::vector<std::int64_t> axes;
  for (std::int64_t i = axis; i < rank; ++i) axes.push_back(i);
  const at::ScalarType type = dtype_of(x);
  const bool half = type == at::kHalf || type == at::kBFloat16;
  const Ref wide = half ? call.cast(x, at::kFloat) : x;
  const Ref square = call.aten("aten::mean.dim", {call.mul(wide, wide), axes, true}, "square");
  const Ref width =
      call.aten("aten::rsqrt", {call.add(square, call.real("epsilon", 1e-5))}, "width");
  return {call.mul(call.cast(call.mul(wide, width), type), scale)};
}

Refs group_norm(Call& call) {
  const Ref x = call.in(0);
  Ref scale = call.in(1), shift = call.in(2);
  const std::int64_t groups = call.integer("num_groups", 1);
  if (call.opset < 21) {
    // One scale per group: each stands for all channels of its group.
    const auto channels = known_size(x, 1);
    if (!channels || groups < 1) throw call.refuse("has an unknown number of channels");
    const std::int64_t each = *channels / groups;
    scale = call.aten("aten::repeat_interleave.self_int", {scale, each});
    shift = call.aten("aten::repeat_interleave.self_int", {shift, each});
  }
  const Ref y =
      call.aten("aten::group_norm", {x, groups, scale, shift, call.real("epsilon", 1e-5), true});
  return {y};
}

Refs lp_norm(Call& call) {
  const Ref x = call.in(0);
  const std::vector<std::int64_t> axes{call.integer("axis", -1)};
  const Ref norm = call.aten("aten::linalg_vector_norm",
                             {x, static_cast<double>(call.integer("p", 2)), axes, true}, "norm");
  const Ref none = call.aten("aten::eq.Scalar", {norm, 0}, "none");
  const Ref safe = call.aten("aten::masked_fill.Scalar", {norm, none, 1.0}, "divisor");
  return {call.div(x, safe)};
}

Refs mean_variance(Call& call) {
  const Ref x = call.in(0);
  const auto axes = call.integers("axes").value_or(std::vector<std::int64_t>{0, 2, 3});
  const Refs both = call.many("aten::var_mean.correction", {x, axes, 0, true}, 2, "statistics");
  return {call.div(call.sub(x, both[1]), call.add(call.aten("aten::sqrt", {both[0]}), 1e-9))};
}

Refs local_response(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t size = call.integer("size", 1);
  if (size < 1 || size > 1 << 16) throw call.refuse("wants a size");
  const double alpha = call.real("alpha", 1e-4), beta = call.real("beta", 0.75),
               bias = call.real("bias", 1.0);
  const Number n = call.size(x, 0), c = call.size(x, 1);
  const Ref squares =
      call.reshape(call.mul(x, x), std::vector<Number>{n, number(1), c, number(-1)});
  const std::vector<std::int64_t> pads = {0, 0, (size - 1) / 2, size / 2};
  const Ref wide = call.aten("aten::constant_pad_nd", {squares, pads, 0.0}, "padded");
  const Ref means = call.aten(
      "aten::avg_pool2d",
      {wide, std::vector<std::int64_t>{size, 1}, std::vector<std::int64_t>{1, 1}}, "means");
  const Ref power = call.aten(
      "aten::pow.Tensor_Scalar",
      {call.add(call.mul(call.reshape(means, call.sizes(x)), alpha), bias), beta}, "divisor");
  return {call.div(x, power)};
}

Refs dropout(Call& call) {
  const Ref x = call.in(0);
  if (const Ref training = call.maybe(2)) {
    const Ref ratio = call.maybe(1);
    const bool none =
        ratio != nullptr && ratio->data.defined() && call.constant(ratio, "ratio") == 0;
    if (!none && (!training->data.defined() || training->data.item<bool>()))
      throw call.refuse("is in training mode");
  }
  Ref mask;
  if (call.wants(1)) mask = call.aten("aten::ones_like", {x, at::kBool}, "mask");
  return {x, mask};
}

constexpr Operator table[] = {
    {"BatchNormalization", batch_norm},
    {"Dropout", dropout},
    {"GroupNormalization", group_norm},
    {"InstanceNormalization", instance_norm},
    {"LRN", local_response},
    {"LayerNormalization", layer_norm},
    {"LpNormalization", lp_norm},
    {"MeanVarianceNormalization", mean_variance},
    {"RMSNormalization", rms_norm},
};

}  // namespace

std::span<const Operator> normalisation_operators() { return table; }

}  // namespace pellucid::from_onnx

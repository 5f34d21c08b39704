// Resizing. ATen's own operators where they compute what the node asks for; else each
// axis is multiplied by a matrix of interpolation weights, which is any resizing that ONNX has.
#include <ATen/ops/zeros.h>

#include <cmath>

#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

constexpr std::int64_t most_weights = std::int64_t{1} << 26;

struct Resizing {
  std::string mode, coordinates, nearest;
  bool antialias = false, exclude_outside = false;
  double cubic = -0.75, outside = 0.0;
};

struct Axis {
  std::int64_t axis = 0;
  std::optional<std::int64_t> in, out;  // nullopt: symbolic
  Number out_number;
  double scale = 1.0;        // out / in, as the node gives it
  bool scale_given = false;  // else the sizes were
  bool keeps = false;        // the size it has, though it may be symbolic
  double roi_start = 0.0, roi_end = 1.0;
};

// A symbolic size is the same where it is in both forms.
bool is_size_of(const Number& size, const Ref& x, std::int64_t axis) {
  for (std::size_t form = 0; form < 2; ++form) {
    const c10::IValue& seen = size.seen[form];
    if (!seen.isInt() || !x->seen[form].defined() || seen.toInt() != x->seen[form].size(axis))
      return false;
  }
  return true;
}

double coordinate(const Resizing& how, const Axis& axis, std::int64_t place) {
  const auto x = static_cast<double>(place), in = static_cast<double>(*axis.in);
  const double out = axis.scale * in;
  if (how.coordinates == "align_corners") return out == 1.0 ? 0.0 : x * (in - 1) / (out - 1);
  if (how.coordinates == "asymmetric") return x / axis.scale;
  if (how.coordinates == "tf_crop_and_resize") {
    const double span = (axis.roi_end - axis.roi_start) * (in - 1);
    return axis.roi_start * (in - 1) + (out == 1.0 ? span / 2 : x * span / (out - 1));
  }
  const double centre = (x + 0.5) / axis.scale - 0.5;
  if (how.coordinates == "pytorch_half_pixel") return out == 1.0 ? -0.5 : centre;
  if (how.coordinates == "half_pixel_symmetric")
    return in / 2 * (1 - static_cast<double>(*axis.out) / out) + centre;
  return centre;
}

double kernel(const Resizing& how, double distance) {
  const double x = std::abs(distance), a = how.cubic;
  if (how.mode == "linear") return std::max(0.0, 1.0 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0.0;
}

double nearest_place(const Resizing& how, double x) {
  const double down = std::floor(x), rest = x - down;
  if (rest == 0.0) return x;
  if (how.nearest == "floor") return down;
  if (how.nearest == "ceil") return down + 1;
  if (how.nearest == "round_prefer_ceil") return rest >= 0.5 ? down + 1 : down;
  return rest <= 0.5 ? down : down + 1;
}

// [out, in]: the weights of the axis' elements in each element of the result. `outside`: rows that
// lie beyond the picture.
at::Tensor weights(const Resizing& how, const Axis& axis, std::vector<bool>& outside) {
  const std::int64_t in = *axis.in, out = *axis.out;
  at::Tensor made = at::zeros({out, in}, at::TensorOptions().dtype(at::kDouble));
  auto rows = made.accessor<double, 2>();
  const double shrink = how.antialias ? std::min(axis.scale, 1.0) : 1.0;
  const double reach = (how.mode == "linear" ? 1.0 : 2.0) / shrink;
  for (std::int64_t row = 0; row < out; ++row) {
    const double x = coordinate(how, axis, row);
    outside.push_back(how.coordinates == "tf_crop_and_resize" &&
                      (x < 0 || x > static_cast<double>(in - 1)));
    const auto clamped = [&](double place) {
      return static_cast<std::int64_t>(std::clamp(place, 0.0, static_cast<double>(in - 1)));
    };
    if (how.mode == "nearest") {
      rows[row][clamped(nearest_place(how, x))] = 1.0;
      continue;
    }
    double total = 0.0;
    for (double place = std::floor(x - reach); place <= x + reach; place += 1.0) {
      if (how.exclude_outside && (place < 0 || place > static_cast<double>(in - 1))) continue;
      const double weight = kernel(how, (place - x) * shrink);
      rows[row][clamped(place)] += weight;
      total += weight;
    }
    for (std::int64_t i = 0; i < in && total != 0.0; ++i) rows[row][i] /= total;
  }
  return made;
}

Ref multiplied(Call& call, Ref x, const Resizing& how, const Axis& axis) {
  if (!axis.in || !axis.out)
    throw call.refuse("resizes a symbolic size in the mode " + how.mode + ", " + how.coordinates);
  if (*axis.in < 1 || *axis.out < 0 ||
      *axis.out > most_weights / std::max<std::int64_t>(*axis.in, 1))
    throw call.refuse("resizes " + std::to_string(*axis.in) + " to " + std::to_string(*axis.out));
  std::vector<bool> outside;
  const Ref matrix = constant_term(weights(how, axis, outside).to(dtype_of(x)).t().contiguous());
  const std::int64_t last = call.rank(x) - 1;
  if (axis.axis != last) x = call.aten("aten::transpose.int", {x, axis.axis, last}, "turned");
  x = call.aten("aten::matmul", {x, matrix}, "resized");
  if (std::ranges::find(outside, true) != outside.end()) {
    at::Tensor mask = at::zeros({*axis.out}, at::TensorOptions().dtype(at::kBool));
    for (std::size_t i = 0; i < outside.size(); ++i)
      mask.select(0, static_cast<std::int64_t>(i)).fill_(static_cast<bool>(outside[i]));
    x = call.aten("aten::masked_fill.Scalar", {x, constant_term(mask), how.outside}, "filled");
  }
  if (axis.axis != last) x = call.aten("aten::transpose.int", {x, axis.axis, last}, "turned");
  return x;
}

// ATen's own operator, if it computes the same.
std::optional<Ref> by_aten(Call& call, const Ref& x, const Resizing& how,
                           const std::vector<Axis>& axes) {
  const std::int64_t rank = call.rank(x), dims = rank - 2;
  if (dims < 1 || dims > 3 || how.antialias || how.exclude_outside || how.cubic != -0.75 ||
      !call.is_real(x))
    return std::nullopt;
  std::vector<Number> sizes;
  for (std::int64_t axis = 2; axis < rank; ++axis) sizes.push_back(call.size(x, axis));
  Args scales(static_cast<std::size_t>(dims));
  bool fits = how.coordinates != "align_corners", grows = true;
  if (!fits) {
    fits = true;
    // ONNX's length is the unrounded one.
    for (const Axis& each : axes)
      fits = fits && (!each.scale_given || !each.in ||
                      each.scale * static_cast<double>(*each.in) ==
                          std::floor(each.scale * static_cast<double>(*each.in)));
  }
  for (const Axis& each : axes) {
    if (each.axis < 2) {
      if (each.keeps) continue;
      return std::nullopt;
    }
    // A single place is the first one there, not the middle.
    if (how.coordinates == "pytorch_half_pixel" && each.out == 1 && each.in != 1)
      return std::nullopt;
    const auto place = static_cast<std::size_t>(each.axis - 2);
    sizes[place] = each.out_number;
    if (each.scale_given) scales[place] = each.scale;
    grows = grows && ((each.scale_given && each.scale == std::floor(each.scale)) ||
                      (each.in && each.out && *each.in > 0 && *each.out % *each.in == 0));
  }
  if (!fits) return std::nullopt;
  const auto d = static_cast<std::size_t>(dims - 1);
  Args args = {x, sizes};
  const char* op = nullptr;
  if (how.mode == "nearest") {
    constexpr const char* floors[] = {"aten::upsample_nearest1d", "aten::upsample_nearest2d",
                                      "aten::upsample_nearest3d"};
    constexpr const char* exact[] = {"aten::_upsample_nearest_exact1d",
                                     "aten::_upsample_nearest_exact2d",
                                     "aten::_upsample_nearest_exact3d"};
    // Whole factors have no ties, so that rounding needs no preference.
    if (how.coordinates == "asymmetric" && how.nearest == "floor")
      op = floors[d];
    else if (how.coordinates.find("half_pixel") == 0 && grows && how.nearest.find("round") == 0)
      op = exact[d];
  } else {
    constexpr const char* linear[] = {"aten::upsample_linear1d", "aten::upsample_bilinear2d",
                                      "aten::upsample_trilinear3d"};
    const bool corners = how.coordinates == "align_corners";
    if (!corners && how.coordinates != "half_pixel" && how.coordinates != "pytorch_half_pixel")
      return std::nullopt;
    if (how.mode == "linear")
      op = linear[d];
    else if (dims == 2)
      op = "aten::upsample_bicubic2d";
    args.emplace_back(corners);
    if (corners) scales.assign(static_cast<std::size_t>(dims), Arg());
  }
  if (op == nullptr) return std::nullopt;
  args.insert(args.end(), scales.begin(), scales.end());
  return call.aten(op, std::move(args));
}

// Which axes, from and to which sizes.
std::vector<Axis> axes_of(Call& call, const Ref& x, const Ref& scales, const Ref& sizes) {
  const std::int64_t rank = call.rank(x);
  const auto given = call.integers("axes");
  const auto places = given ? call.axes(*given, rank) : call.all_axes(x);
  std::vector<Number> numbers = call.body.numbers(sizes != nullptr ? sizes : scales);
  if (numbers.size() != places.size()) throw call.refuse("has not one scale or size per axis");
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Axis axis{.axis = places[i], .in = known_size(x, places[i]), .out = {}, .out_number = {}};
    const Number in = call.size(x, places[i]);
    if (sizes != nullptr) {
      axis.out_number = numbers[i];
    } else {
      if (!numbers[i].known()) throw call.refuse("has scales that are not known");
      axis.scale_given = true;
      axis.scale = numbers[i].constant.toScalar().toDouble();
      if (!(axis.scale > 0)) throw call.refuse("has a scale that is not positive");
      axis.out_number = call.body.arithmetic(
          "floor", {call.body.arithmetic("mul", {in, number(c10::IValue(axis.scale))})});
    }
    if (axis.out_number.known()) axis.out = axis.out_number.constant.toInt();
    if (!axis.scale_given && axis.in && axis.out)
      axis.scale = static_cast<double>(*axis.out) / static_cast<double>(*axis.in);
    axis.keeps = axis.scale_given ? axis.scale == 1.0 : is_size_of(axis.out_number, x, places[i]);
    axes.push_back(axis);
  }
  const std::string policy = call.text("keep_aspect_ratio_policy", "stretch");
  if (sizes != nullptr && policy != "stretch") {
    double scale = axes.at(0).scale;
    for (const Axis& each : axes) {
      if (!each.in || !each.out) throw call.refuse("keeps the ratio of symbolic sizes");
      scale = policy == "not_larger" ? std::min(scale, each.scale) : std::max(scale, each.scale);
    }
    for (Axis& each : axes) {
      each.scale = scale;
      each.out = static_cast<std::int64_t>(std::floor(scale * static_cast<double>(*each.in) + 0.5));
      each.out_number = number(*each.out);
      each.scale_given = true;
      each.keeps = each.out == each.in;
    }
  }
  return axes;
}

Ref resized(Call& call, const Ref& x, const Resizing& how, std::vector<Axis> axes) {
  if (const auto whole = by_aten(call, x, how, axes)) return *whole;
  const at::ScalarType type = dtype_of(x);
  Ref made = c10::isFloatingType(type) ? x : call.cast(x, at::kDouble);
  for (const Axis& each : axes) {
    const bool crops =
        how.coordinates == "tf_crop_and_resize" && (each.roi_start != 0.0 || each.roi_end != 1.0);
    if (each.keeps && !crops) continue;
    made = multiplied(call, made, how, each);
  }
  return call.cast(made, type);
}

Refs resize(Call& call) {
  const Ref x = call.in(0);
  Resizing how{call.text("mode", "nearest"), "asymmetric", "floor"};
  const auto is_there = [](const Ref& term) {
    return term != nullptr && !(term->data.defined() && term->data.numel() == 0);
  };
  if (call.opset < 11) return {resized(call, x, how, axes_of(call, x, call.in(1), nullptr))};
  how.coordinates = call.text("coordinate_transformation_mode", "half_pixel");
  how.nearest = call.text("nearest_mode", "round_prefer_floor");
  how.antialias = call.integer("antialias", 0) != 0;
  how.exclude_outside = call.integer("exclude_outside", 0) != 0;
  how.cubic = call.real("cubic_coeff_a", -0.75);
  how.outside = call.real("extrapolation_value", 0.0);
  const Ref sizes = is_there(call.maybe(3)) ? call.in(3) : nullptr;
  std::vector<Axis> axes = axes_of(call, x, call.maybe(2), sizes);
  if (how.coordinates == "tf_crop_and_resize") {
    const Ref roi = call.in(1);
    if (!roi->data.defined() || roi->data.numel() != 2 * static_cast<std::int64_t>(axes.size()))
      throw call.refuse("wants a fixed region");
    const at::Tensor bounds = roi->data.to(at::kDouble);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      axes[i].roi_start = bounds[static_cast<std::int64_t>(i)].item<double>();
      axes[i].roi_end = bounds[static_cast<std::int64_t>(i + axes.size())].item<double>();
    }
  }
  return {resized(call, x, how, std::move(axes))};
}

Refs upsample(Call& call) {
  const Ref x = call.in(0);
  const Resizing how{call.text("mode", "nearest"), "asymmetric", "floor"};
  Ref scales = call.maybe(1);
  if (scales == nullptr) {
    std::vector<Number> numbers;
    for (const double each : call.reals("scales")) numbers.push_back(number(c10::IValue(each)));
    scales = numbers_term(std::move(numbers), false, at::kFloat);
  }
  return {resized(call, x, how, axes_of(call, x, scales, nullptr))};
}

constexpr Operator table[] = {
    {"Resize", resize},
    {"Upsample", upsample},
};

}  // namespace

std::span<const Operator> resize_operators() { return table; }

}  // namespace pellucid::from_onnx

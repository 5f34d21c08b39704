// Reductions, positions of extremes, running sums.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

struct Reduction {
  Ref x;
  std::vector<std::int64_t> axes;
  bool keeps = true, does_nothing = false;
  std::vector<Number> computed = {};  // axes that are known only when the model runs

  Arg places() const { return computed.empty() ? Arg(axes) : Arg(computed); }
};

// Axes are an attribute up to opset 17 (12 of ReduceSum), an input after that.
Reduction reduction(Call& call) {
  Reduction made{call.in(0), {}, call.integer("keepdims", 1) != 0, false};
  if (const Ref term = call.maybe(1); term != nullptr && !term->data.defined()) {
    made.computed = call.body.numbers(term);
    if (!made.computed.empty()) return made;
  }
  const auto given = call.constants(1, "axes");
  if (given && !given->empty()) {
    made.axes = call.axes(*given, call.rank(made.x));
  } else if (call.integer("noop_with_empty_axes", 0) != 0) {
    made.does_nothing = true;
  } else {
    made.axes = call.all_axes(made.x);
  }
  return made;
}

bool is_whole(const Ref& x) { return c10::isIntegralType(dtype_of(x), true); }

Ref total(Call& call, const Reduction& r, const Ref& x) {
  if (r.does_nothing) return x;
  // Of integers ATen's sum is an int64; ONNX keeps their type.
  return call.aten("aten::sum.dim_IntList", {x, r.places(), r.keeps, dtype_of(r.x)}, "sum");
}

Refs sum(Call& call) {
  const Reduction r = reduction(call);
  return {total(call, r, r.x)};
}

Refs mean(Call& call) {
  const Reduction r = reduction(call);
  if (r.does_nothing) return {r.x};
  if (is_whole(r.x)) {
    const Ref wide = call.aten("aten::mean.dim", {r.x, r.places(), r.keeps, at::kDouble});
    return {call.cast(wide, dtype_of(r.x))};
  }
  return {call.aten("aten::mean.dim", {r.x, r.places(), r.keeps})};
}

Refs extreme(Call& call, const char* op, bool largest) {
  Reduction r = reduction(call);
  if (r.does_nothing) return {r.x};
  // A reduction over nothing gives the type's own bound.
  for (const std::int64_t axis : r.axes) {
    if (known_size(r.x, axis) != 0) continue;
    std::vector<Number> sizes;
    for (std::int64_t i = 0; i < call.rank(r.x); ++i) {
      if (std::ranges::find(r.axes, i) == r.axes.end())
        sizes.push_back(call.size(r.x, i));
      else if (r.keeps)
        sizes.push_back(number(1));
    }
    if (dtype_of(r.x) == at::kBool) return {call.aten("aten::full", {sizes, !largest, at::kBool})};
    if (is_whole(r.x)) throw call.refuse("reduces an axis of size 0");
    const double bound = std::numeric_limits<double>::infinity();
    return {call.aten("aten::full", {sizes, largest ? -bound : bound, dtype_of(r.x)})};
  }
  if (dtype_of(r.x) == at::kBool) {
    const Ref wide = call.cast(r.x, at::kByte);
    return {call.cast(call.aten(op, {wide, r.places(), r.keeps}), at::kBool)};
  }
  return {call.aten(op, {r.x, r.places(), r.keeps})};
}

Refs max(Call& call) { return extreme(call, "aten::amax", true); }
Refs min(Call& call) { return extreme(call, "aten::amin", false); }

Refs product(Call& call) {
  Reduction r = reduction(call);
  Ref x = r.x;
  std::ranges::sort(r.axes, std::greater());
  if (!r.computed.empty() && r.computed.size() > 1)
    throw call.refuse("multiplies over axes that depend on the inputs");
  for (const Number& axis : r.computed)
    x = call.aten("aten::prod.dim_int", {x, axis, r.keeps, dtype_of(r.x)}, "product");
  for (const std::int64_t axis : r.axes)
    x = call.aten("aten::prod.dim_int", {x, axis, r.keeps, dtype_of(r.x)}, "product");
  return {x};
}

Ref squared(Call& call, const Ref& x) { return call.mul(x, x); }

Refs l1(Call& call) {
  const Reduction r = reduction(call);
  return {total(call, r, call.aten("aten::abs", {r.x}, "magnitude"))};
}

Refs l2(Call& call) {
  const Reduction r = reduction(call);
  if (is_whole(r.x)) {
    const Ref wide = call.cast(r.x, at::kDouble);
    Reduction of_wide = r;
    of_wide.x = wide;
    return {call.cast(call.aten("aten::sqrt", {total(call, of_wide, squared(call, wide))}),
                      dtype_of(r.x))};
  }
  if (r.does_nothing) return {call.aten("aten::abs", {r.x})};
  // The norm's gradient at 0 is 0; a square root's is not a number.
  return {call.aten("aten::linalg_vector_norm", {r.x, 2.0, r.places(), r.keeps})};
}

Refs sum_of_squares(Call& call) {
  const Reduction r = reduction(call);
  return {total(call, r, squared(call, r.x))};
}

Ref real_of(Call& call, const Ref& x) { return is_whole(x) ? call.cast(x, at::kDouble) : x; }

Refs log_sum(Call& call) {
  Reduction r = reduction(call);
  const at::ScalarType type = dtype_of(r.x);
  r.x = real_of(call, r.x);
  return {call.cast(call.aten("aten::log", {total(call, r, r.x)}), type)};
}

Refs log_sum_exp(Call& call) {
  Reduction r = reduction(call);
  const at::ScalarType type = dtype_of(r.x);
  r.x = real_of(call, r.x);
  if (r.does_nothing) return {call.cast(r.x, type)};
  return {call.cast(call.aten("aten::logsumexp", {r.x, r.places(), r.keeps}), type)};
}

Refs arg_extreme(Call& call, const char* op) {
  const Ref x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), call.rank(x));
  const bool keeps = call.integer("keepdims", 1) != 0;
  if (call.integer("select_last_index", 0) == 0) return {call.aten(op, {x, axis, keeps})};
  // The last of several is the first from behind.
  const Ref turned = call.aten("aten::flip", {x, std::vector<std::int64_t>{axis}}, "turned");
  const Ref place = call.aten(op, {turned, axis, keeps}, "place");
  const Number last = call.body.arithmetic("sub", {call.size(x, axis), number(1)});
  return {call.aten("aten::rsub.Scalar", {place, last})};
}

Refs arg_max(Call& call) { return arg_extreme(call, "aten::argmax"); }
Refs arg_min(Call& call) { return arg_extreme(call, "aten::argmin"); }

Refs running(Call& call, const char* op, double neutral) {
  Ref x = call.in(0);
  const std::int64_t axis = call.axis(call.constants(call.in(1), "axis").at(0), call.rank(x));
  const bool turned = call.integer("reverse", 0) != 0;
  const std::vector<std::int64_t> axes{axis};
  if (turned) x = call.aten("aten::flip", {x, axes}, "turned");
  Ref sums = call.aten(op, {x, axis, dtype_of(x)}, "sums");
  if (call.integer("exclusive", 0) != 0) {
    const Ref first = call.aten("aten::slice.Tensor", {x, axis, 0, 1}, "first");
    const Ref neutral_part = call.aten("aten::full_like", {first, neutral}, "neutral");
    const Ref rest = call.aten("aten::slice.Tensor", {sums, axis, 0, -1}, "rest");
    sums = call.aten("aten::cat", {Refs{neutral_part, rest}, axis}, "shifted");
  }
  return {turned ? call.aten("aten::flip", {sums, axes}) : sums};
}

Refs running_sum(Call& call) { return running(call, "aten::cumsum", 0.0); }
Refs running_product(Call& call) { return running(call, "aten::cumprod", 1.0); }

Refs top(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", -1), call.rank(x));
  const bool largest = call.integer("largest", 1) != 0;
  Arg count;
  if (call.opset < 10)
    count = call.integer("k", 1);
  else
    count = call.body.numbers(call.in(1)).at(0);
  // ATen breaks ties as it likes; ONNX takes the lower index first, as a stable sort does.
  const Refs sorted = call.many("aten::sort.stable", {x, true, axis, largest}, 2, "sorted");
  return {call.aten("aten::slice.Tensor", {sorted[0], axis, 0, count}, "values"),
          call.aten("aten::slice.Tensor", {sorted[1], axis, 0, count}, "places")};
}

constexpr Operator table[] = {
    {"ArgMax", arg_max},
    {"ArgMin", arg_min},
    {"CumProd", running_product},
    {"CumSum", running_sum},
    {"ReduceL1", l1},
    {"ReduceL2", l2},
    {"ReduceLogSum", log_sum},
    {"ReduceLogSumExp", log_sum_exp},
    {"ReduceMax", max},
    {"ReduceMean", mean},
    {"ReduceMin", min},
    {"ReduceProd", product},
    {"ReduceSum", sum},
    {"ReduceSumSquare", sum_of_squares},
    {"TopK", top},
};

}  // namespace

std::span<const Operator> reduction_operators() { return table; }

}  // namespace pellucid::from_onnx

// Operators that move numbers without changing them.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

Refs reshape(Call& call) {
  const Ref x = call.in(0);
  const bool zero_is_zero = call.integer("allowzero", 0) != 0;
  std::vector<Number> sizes = call.body.numbers(call.in(1));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (zero_is_zero || !sizes[i].known() || sizes[i].constant.toInt() != 0) continue;
    if (static_cast<std::int64_t>(i) >= call.rank(x))
      throw call.refuse("copies a size that its input does not have");
    sizes[i] = call.size(x, static_cast<std::int64_t>(i));
  }
  return {call.reshape(x, sizes)};
}

Refs flatten(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t rank = call.rank(x), given = call.integer("axis", 1);
  const std::int64_t axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) throw call.refuse("has no axis " + std::to_string(given));
  if (axis == 1 && rank >= 2) return {call.aten("aten::flatten.using_ints", {x, 1, -1})};
  if (axis == 0) return {call.reshape(x, std::vector<std::int64_t>{1, -1})};
  Number rows = number(1);
  for (std::int64_t i = 0; i < axis; ++i)
    rows = call.body.arithmetic("mul", {rows, call.size(x, i)});
  return {call.reshape(x, std::vector<Number>{rows, number(-1)})};
}

Refs squeeze(Call& call) {
  const Ref x = call.in(0);
  const auto axes = call.constants(1, "axes");
  if (!axes) return {call.aten("aten::squeeze", {x})};
  return {call.aten("aten::squeeze.dims", {x, *axes})};
}

Refs unsqueeze(Call& call) {
  Ref x = call.in(0);
  const auto axes = call.constants(1, "axes");
  if (!axes) throw call.refuse("lacks its axes");
  std::vector<std::int64_t> places = *axes;
  bool counted = false;
  for (const std::int64_t each : places) counted = counted || each < 0;
  if (counted) places = call.axes(places, call.rank(x) + static_cast<std::int64_t>(places.size()));
  std::ranges::sort(places);
  for (const std::int64_t each : places) x = call.aten("aten::unsqueeze", {x, each}, "unsqueezed");
  return {x};
}

Refs transpose(Call& call) {
  const Ref x = call.in(0);
  auto order = call.integers("perm");
  if (!order) {
    order = call.all_axes(x);
    std::ranges::reverse(*order);
  }
  return {call.aten("aten::permute", {x, *order})};
}

Refs concat(Call& call) {
  return {call.aten("aten::cat", {call.inputs(), call.integer("axis", 0)})};
}

Refs split(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), call.rank(x));
  const std::size_t results = call.results();
  if (call.maybe(1) != nullptr && !call.maybe(1)->data.defined()) {
    const std::vector<Number> parts = call.body.numbers(call.maybe(1));
    return call.list("aten::split_with_sizes", {x, parts, axis}, results);
  }
  if (const auto parts = call.constants(1, "split"))
    return call.list("aten::split_with_sizes", {x, *parts, axis}, results);
  const auto size = known_size(x, axis);
  if (!size) throw call.refuse("splits a symbolic size into equal parts");
  // Equal parts; the last may be smaller.
  const auto count = static_cast<std::int64_t>(results);
  const std::int64_t part = (*size + count - 1) / std::max<std::int64_t>(count, 1);
  std::vector<std::int64_t> parts(results, part);
  if (!parts.empty()) parts.back() = *size - part * (count - 1);
  return call.list("aten::split_with_sizes", {x, parts, axis}, results);
}

// Numbers of an attribute (up to opset 9) or of an input.
std::vector<Number> given(Call& call, std::size_t input, const char* attribute) {
  if (const Ref term = call.maybe(input)) return call.body.numbers(term);
  std::vector<Number> made;
  if (const auto values = call.integers(attribute)) {
    for (const std::int64_t each : *values) made.push_back(number(each));
  }
  return made;
}

Refs slice(Call& call) {
  Ref x = call.in(0);
  const std::vector<Number> starts = given(call, 1, "starts"), ends = given(call, 2, "ends");
  auto axes = call.constants(3, "axes");
  const auto steps = call.constants(4, "steps");
  if (starts.size() != ends.size()) throw call.refuse("has not as many starts as ends");
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < starts.size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (axes->size() != starts.size() || (steps && steps->size() != starts.size()))
    throw call.refuse("has not as many axes or steps as starts");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t step = steps ? (*steps)[i] : 1;
    const std::int64_t axis = (*axes)[i] < 0 ? call.axis((*axes)[i], call.rank(x)) : (*axes)[i];
    if (step == 0) throw call.refuse("steps by 0");
    if (step > 0) {
      x = call.aten("aten::slice.Tensor", {x, axis, starts[i], ends[i], step}, "slice");
      continue;
    }
    // Backwards: the same elements are taken forwards from the turned tensor. Place p becomes
    // size - 1 - p.
    const Number size = call.size(x, axis), last = call.body.arithmetic("sub", {size, number(1)});
    const auto from_behind = [&](const Number& place, bool is_end) -> Number {
      if (!place.known()) throw call.refuse("slices backwards from a symbolic place");
      std::int64_t at = place.constant.toInt();
      // What lies before the first is "none" and not counted from the end once more.
      if (at < 0) {
        const Number shifted =
            call.body.arithmetic("add", {size, number(std::max(at, std::int64_t{-1} << 60))});
        const Number clamped = call.body.arithmetic("max", {shifted, number(is_end ? -1 : 0)});
        return call.body.arithmetic("sub", {last, clamped});
      }
      const Number clamped = call.body.arithmetic("min", {place, last});
      return call.body.arithmetic("sub", {last, clamped});
    };
    const Ref turned = call.aten("aten::flip", {x, std::vector<std::int64_t>{axis}}, "turned");
    x = call.aten("aten::slice.Tensor",
                  {turned, axis, from_behind(starts[i], false), from_behind(ends[i], true), -step},
                  "slice");
  }
  return {x};
}

// The number of dimensions and the sizes that both a term and the sizes fit into.
Refs expand(Call& call) {
  const Ref x = call.in(0);
  std::vector<Number> sizes = call.body.numbers(call.in(1));
  const std::int64_t rank = call.rank(x);
  while (static_cast<std::int64_t>(sizes.size()) < rank) sizes.insert(sizes.begin(), number(1));
  const auto added = static_cast<std::int64_t>(sizes.size()) - rank;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    Number& size = sizes[static_cast<std::size_t>(axis + added)];
    const auto own = known_size(x, axis);
    if (size.known() && size.constant.toInt() == 1)
      size = number(-1);  // ATen's word for "as it is"
    else if (!size.known() && own && *own != 1)
      size = number(-1);
    else if (!size.known() && !own)
      // Either they are equal or one of them is 1.
      size = call.body.arithmetic("max", {size, call.size(x, axis)});
  }
  return {call.aten("aten::expand", {x, sizes})};
}

Refs tile(Call& call) {
  return {call.aten("aten::tile", {call.in(0), call.body.numbers(call.in(1))})};
}

Refs pad(Call& call) {
  Ref x = call.in(0);
  const std::string mode = call.text("mode", "constant");
  const std::vector<Number> all = given(call, 1, "pads");
  const std::int64_t rank = call.rank(x);
  std::vector<std::int64_t> axes = call.all_axes(x);
  if (const Ref named = call.maybe(3)) axes = call.axes(call.constants(named, "axes"), rank);
  if (all.size() != 2 * axes.size()) throw call.refuse("has not two pads per axis");
  std::vector<Number> before(static_cast<std::size_t>(rank), number(0)), after = before;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    before[static_cast<std::size_t>(axes[i])] = all[i];
    after[static_cast<std::size_t>(axes[i])] = all[i + axes.size()];
  }
  // ATen counts from the last axis.
  std::vector<Number> pads;
  for (std::size_t i = before.size(); i-- > 0;) {
    pads.push_back(before[i]);
    pads.push_back(after[i]);
  }
  if (mode == "constant") {
    Arg value = 0.0;
    if (call.opset < 11) {
      value = call.real("value", 0.0);
    } else if (const Ref filler = call.maybe(2)) {
      if (filler->data.defined() && filler->data.numel() == 1)
        value = c10::IValue(filler->data.item());
      else
        value = call.body.numbers(filler).at(0);
    }
    return {call.aten("aten::constant_pad_nd", {x, pads, value})};
  }
  // The other modes take copies of what is there, axis by axis, by index: any axis, any size.
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const Number low = before[static_cast<std::size_t>(axis)],
                 high = after[static_cast<std::size_t>(axis)];
    if (!low.known() || !high.known())
      throw call.refuse("pads by symbolic sizes in the mode " + mode);
    if (low.constant.toInt() == 0 && high.constant.toInt() == 0) continue;
    const Number size = call.size(x, axis);
    const Number end = call.body.arithmetic("add", {size, high});
    Ref index = call.aten("aten::arange.start",
                          {call.body.arithmetic("neg", {low}), end, at::kLong}, "index");
    if (mode == "edge") {
      index = call.aten("aten::clamp", {index, 0, call.body.arithmetic("sub", {size, number(1)})},
                        "index");
    } else if (mode == "wrap") {
      index = call.aten("aten::remainder.Scalar", {index, size}, "index");
    } else if (mode == "reflect") {
      const Number period = call.body.arithmetic(
          "max",
          {number(1), call.body.arithmetic(
                          "sub", {call.body.arithmetic("mul", {size, number(2)}), number(2)})});
      index = call.aten("aten::remainder.Scalar", {index, period}, "index");
      const Ref mirrored = call.aten("aten::rsub.Scalar", {index, period}, "index");
      index = call.aten("aten::minimum", {index, mirrored}, "index");
    } else {
      throw call.refuse("pads in an unknown mode, " + mode);
    }
    x = call.aten("aten::index_select", {x, axis, index}, "padded");
  }
  return {x};
}

Refs depth_to_space(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t block = call.integer("blocksize", 0);
  if (block < 1) throw call.refuse("wants a blocksize");
  const bool crd = call.text("mode", "DCR") == "CRD";
  if (crd) return {call.aten("aten::pixel_shuffle", {x, block})};
  const Number n = call.size(x, 0), h = call.size(x, 2), w = call.size(x, 3);
  const Number c = call.body.arithmetic("floordiv", {call.size(x, 1), number(block * block)});
  const auto times = [&](const Number& a) {
    return call.body.arithmetic("mul", {a, number(block)});
  };
  const Ref parts = call.reshape(x, std::vector<Number>{n, number(block), number(block), c, h, w});
  const Ref moved =
      call.aten("aten::permute", {parts, std::vector<std::int64_t>{0, 3, 4, 1, 5, 2}}, "moved");
  return {call.reshape(moved, std::vector<Number>{n, c, times(h), times(w)})};
}

Refs space_to_depth(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t block = call.integer("blocksize", 0);
  if (block < 1) throw call.refuse("wants a blocksize");
  if (call.text("mode", "DCR") == "CRD") return {call.aten("aten::pixel_unshuffle", {x, block})};
  const Number n = call.size(x, 0), c = call.size(x, 1);
  const auto over = [&](const Number& a) {
    return call.body.arithmetic("floordiv", {a, number(block)});
  };
  const Number h = over(call.size(x, 2)), w = over(call.size(x, 3));
  const Ref parts = call.reshape(x, std::vector<Number>{n, c, h, number(block), w, number(block)});
  const Ref moved =
      call.aten("aten::permute", {parts, std::vector<std::int64_t>{0, 3, 5, 1, 2, 4}}, "moved");
  return {call.reshape(
      moved,
      std::vector<Number>{n, call.body.arithmetic("mul", {c, number(block * block)}), h, w})};
}

Refs center_crop_pad(Call& call) {
  Ref x = call.in(0);
  const std::int64_t rank = call.rank(x);
  const auto given_axes = call.integers("axes");
  const auto axes = given_axes ? call.axes(*given_axes, rank) : call.all_axes(x);
  const std::vector<std::int64_t> wanted = call.constants(call.in(1), "sizes");
  if (wanted.size() != axes.size()) throw call.refuse("has not as many sizes as axes");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto size = known_size(x, axes[i]);
    if (!size) throw call.refuse("crops a symbolic size");
    if (wanted[i] < *size) {
      const std::int64_t start = (*size - wanted[i]) / 2;
      x = call.aten("aten::slice.Tensor", {x, axes[i], start, start + wanted[i]}, "cropped");
    } else if (wanted[i] > *size) {
      std::vector<std::int64_t> pads(static_cast<std::size_t>(2 * rank), 0);
      const std::int64_t before = (wanted[i] - *size) / 2;
      const auto place = static_cast<std::size_t>(2 * (rank - 1 - axes[i]));
      pads[place] = before;
      pads[place + 1] = wanted[i] - *size - before;
      x = call.aten("aten::constant_pad_nd", {x, pads, 0}, "padded");
    }
  }
  return {x};
}

Refs reverse_sequence(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t batch = call.integer("batch_axis", 1), time = call.integer("time_axis", 0);
  const std::int64_t rank = call.rank(x);
  // Where an element comes from: the first `length` places turned, the rest as they are.
  const Ref steps =
      call.along(call.aten("aten::arange", {call.size(x, time), at::kLong}, "steps"), time, rank);
  const Ref lengths = call.along(call.cast(call.in(1), at::kLong), batch, rank);
  const Ref turned = call.sub(call.sub(lengths, 1), steps);
  const Ref index = call.aten(
      "aten::where.self", {call.aten("aten::lt.Tensor", {steps, lengths}), turned, steps}, "index");
  return {call.aten("aten::gather",
                    {x, time, call.aten("aten::expand", {index, call.sizes(x)}, "index")})};
}

Refs trilu(Call& call) {
  const Ref k = call.maybe(1);
  const std::int64_t diagonal = k == nullptr ? 0 : call.constants(k, "k").at(0);
  return {call.aten(call.integer("upper", 1) != 0 ? "aten::triu" : "aten::tril",
                    {call.in(0), diagonal})};
}

constexpr Operator table[] = {
    {"CenterCropPad", center_crop_pad},
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Pad", pad},
    {"Reshape", reshape},
    {"ReverseSequence", reverse_sequence},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Trilu", trilu},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const Operator> shape_operators() { return table; }

}  // namespace pellucid::from_onnx

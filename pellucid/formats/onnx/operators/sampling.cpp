// Pictures read at places that are computed: grids, regions, deformed windows.
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/operators/windows.h"

namespace pellucid::from_onnx {
namespace {

Refs grid_sample(Call& call) {
  const Ref x = call.in(0);
  const std::string mode = call.text("mode", "linear"), rim = call.text("padding_mode", "zeros");
  const std::int64_t how = mode == "nearest"         ? 1
                           : mode.ends_with("cubic") ? 2
                                                     : 0,
                     edge = rim == "border"       ? 1
                            : rim == "reflection" ? 2
                                                  : 0;
  return {call.aten("aten::grid_sampler",
                    {x, call.in(1), how, edge, call.integer("align_corners", 0) != 0})};
}

Refs affine_grid(Call& call) {
  return {call.aten("aten::affine_grid_generator", {call.in(0), call.body.numbers(call.in(1)),
                                                    call.integer("align_corners", 0) != 0})};
}

// One axis of the places at which regions are read: [R, places], clamped to the picture.
struct Places {
  Ref low, high, rest, inside;  // neighbours, the weight of the higher one, 0 beyond the picture
};

Places places_of(Call& call, const Ref& start, const Ref& bin, std::int64_t bins,
                 std::int64_t per_bin, const Number& size) {
  // In bins from the region's edge: each bin is read at the centres of its equal parts.
  const at::Tensor steps =
      (at::arange(bins * per_bin, at::TensorOptions().dtype(at::kDouble)) + 0.5) /
      static_cast<double>(per_bin);
  const Ref at = call.add(
      call.aten("aten::unsqueeze", {start, 1}),
      call.mul(call.aten("aten::unsqueeze", {bin, 1}), constant_term(steps.to(dtype_of(bin)))));
  const Ref inside = call.aten("aten::logical_and", {call.aten("aten::ge.Scalar", {at, -1.0}),
                                                     call.aten("aten::le.Scalar", {at, size})});
  const Number last = call.body.arithmetic("sub", {size, number(1)});
  const Ref clamped = call.aten("aten::clamp", {at, 0, last});
  const Ref floor = call.aten("aten::floor", {clamped});
  const Ref low = call.cast(floor, at::kLong);
  return {low, call.aten("aten::clamp", {call.add(low, 1), 0, last}), call.sub(clamped, floor),
          call.cast(inside, dtype_of(bin))};
}

// Regions [R, 4] (x, y, x, y) of the pictures that `batch` names.
Refs roi_align(Call& call) {
  const Ref x = call.in(0), regions = call.in(1), batch = call.cast(call.in(2), at::kLong);
  const std::int64_t height = call.integer("output_height", 1),
                     width = call.integer("output_width", 1),
                     per_bin = call.integer("sampling_ratio", 0);
  if (per_bin < 1) throw call.refuse("samples as many points as each region's size asks for");
  if (height < 1 || width < 1 || height > 1024 || width > 1024 || per_bin > 64)
    throw call.refuse("has an impossible size");
  const bool shifted =
      call.opset >= 16 && call.text("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const Ref scaled = call.mul(regions, call.real("spatial_scale", 1.0));
  const auto edge = [&](std::int64_t i) {
    const Ref each = call.aten("aten::select.int", {scaled, 1, i}, "edge");
    return shifted ? call.sub(each, 0.5) : each;
  };
  const auto bin = [&](const Ref& from, const Ref& to, std::int64_t bins) {
    Ref length = call.sub(to, from);
    if (!shifted) length = call.aten("aten::clamp", {length, 1.0});
    return call.div(length, static_cast<double>(bins));
  };
  const Ref left = edge(0), top = edge(1);
  const Number rows = call.size(x, 2), columns = call.size(x, 3), channels = call.size(x, 1);
  const Places py = places_of(call, top, bin(top, edge(3), height), height, per_bin, rows),
               px = places_of(call, left, bin(left, edge(2), width), width, per_bin, columns);

  // Each picture's places one below the other: [N·H·W, C].
  const Ref flat = call.reshape(
      call.aten("aten::permute", {x, std::vector<std::int64_t>{0, 2, 3, 1}}, "channels_last"),
      std::vector<Number>{number(-1), channels});
  const auto along_y = [&](const Ref& of) { return call.aten("aten::unsqueeze", {of, 2}); };
  const auto along_x = [&](const Ref& of) { return call.aten("aten::unsqueeze", {of, 1}); };
  const Ref first =
      call.mul(call.aten("aten::unsqueeze", {call.aten("aten::unsqueeze", {batch, 1}), 2}), rows);
  const std::vector<Number> sizes = {call.size(regions, 0), number(height * per_bin),
                                     number(width * per_bin), channels};
  const auto corner = [&](const Ref& y, const Ref& x_place, const Ref& weight_y,
                          const Ref& weight_x) {
    const Ref place = call.add(call.mul(call.add(first, along_y(y)), columns), along_x(x_place));
    const Ref values =
        call.aten("aten::index_select",
                  {flat, 0, call.reshape(place, std::vector<std::int64_t>{-1})}, "read");
    const Ref weight = call.mul(along_y(weight_y), along_x(weight_x));
    return call.mul(call.reshape(values, sizes), call.aten("aten::unsqueeze", {weight, 3}));
  };
  const auto rest_of = [&](const Ref& weight) {
    return call.aten("aten::rsub.Scalar", {weight, 1.0});
  };
  const Refs corners = {corner(py.low, px.low, rest_of(py.rest), rest_of(px.rest)),
                        corner(py.low, px.high, rest_of(py.rest), px.rest),
                        corner(py.high, px.low, py.rest, rest_of(px.rest)),
                        corner(py.high, px.high, py.rest, px.rest)};
  const bool largest = call.text("mode", "avg") == "max";
  const char* join = largest ? "aten::maximum" : "aten::add.Tensor";
  Ref read = corners[0];
  for (std::size_t i = 1; i < corners.size(); ++i) read = call.aten(join, {read, corners[i]});
  read = call.mul(
      read, call.aten("aten::unsqueeze", {call.mul(along_y(py.inside), along_x(px.inside)), 3}));
  const Ref parts =
      call.reshape(read, std::vector<Number>{sizes[0], number(height), number(per_bin),
                                             number(width), number(per_bin), channels});
  const std::vector<std::int64_t> within{2, 4};
  const Ref pooled = largest ? call.aten("aten::amax", {parts, within})
                             : call.aten("aten::mean.dim", {parts, within});
  return {call.aten("aten::permute", {pooled, std::vector<std::int64_t>{0, 3, 1, 2}})};
}

// The pictures, `channels` at a time, read between their places: x [N, C, H, W], y and x_place
// [P, 1, L] → [P, channels, L]; nothing lies beyond the rim. (aten::grid_sampler takes scaled
// places, which rounding moves.)
Ref between(Call& call, const Ref& x, const Ref& y, const Ref& x_place, std::int64_t channels) {
  const Number rows = call.size(x, 2), columns = call.size(x, 3);
  const Ref flat =
      call.reshape(x, std::vector<Number>{call.size(y, 0), number(channels),
                                          call.body.arithmetic("mul", {rows, columns})});
  struct Side {
    Ref place, weight;
  };
  // The neighbour before or behind, and how much of it is read.
  const auto side = [&](const Ref& at, bool behind, const Number& size) -> Side {
    const Ref floor = call.aten("aten::floor", {at});
    const Ref rest = call.sub(at, floor);
    const Ref place =
        behind ? call.add(call.cast(floor, at::kLong), 1) : call.cast(floor, at::kLong);
    const Ref inside = call.aten(
        "aten::logical_and",
        {call.aten("aten::ge.Scalar", {place, 0}), call.aten("aten::lt.Scalar", {place, size})});
    const Ref weight = behind ? rest : call.aten("aten::rsub.Scalar", {rest, 1.0});
    const Number last = call.body.arithmetic("sub", {size, number(1)});
    return {call.aten("aten::clamp", {place, 0, last}),
            call.mul(weight, call.cast(inside, dtype_of(at)))};
  };
  Ref sum;
  for (const bool below : {false, true}) {
    const Side row = side(y, below, rows);
    for (const bool right : {false, true}) {
      const Side column = side(x_place, right, columns);
      const Ref place = call.add(call.mul(row.place, columns), column.place);
      const Ref index =
          call.aten("aten::expand", {place, std::vector<std::int64_t>{-1, channels, -1}}, "index");
      const Ref part = call.mul(call.aten("aten::gather", {flat, 2, index}, "read"),
                                call.mul(row.weight, column.weight));
      sum = sum == nullptr ? part : call.add(sum, part);
    }
  }
  return sum;
}

// A convolution whose windows' places are moved by an operand (Dai et al. 2017, arXiv 1703.06211;
// with a mask: arXiv 1811.11168).
Refs deformed_convolution(Call& call) {
  const Ref x = call.in(0), weight = call.in(1), offset = call.in(2), bias = call.maybe(3),
            mask = call.maybe(4);
  if (call.rank(x) != 4 || call.rank(weight) != 4)
    throw call.refuse("works on pictures of other than two dimensions");
  const auto fixed = [&](const Ref& of, std::int64_t axis, const char* what) {
    const auto size = known_size(of, axis);
    if (!size) throw call.refuse("has no fixed number of " + std::string(what));
    return *size;
  };
  const std::int64_t kernel_y = fixed(weight, 2, "rows"), kernel_x = fixed(weight, 3, "columns"),
                     channels = fixed(x, 1, "channels"), out = fixed(weight, 0, "filters");
  const Window w = window(call, x, {kernel_y, kernel_x});
  const std::int64_t groups = call.integer("group", 1), moved = call.integer("offset_group", 1),
                     places = kernel_y * kernel_x;
  if (groups < 1 || moved < 1 || channels % groups != 0 || channels % moved != 0 ||
      out % groups != 0)
    throw call.refuse("has groups that do not divide its channels");
  const Number n = call.size(x, 0), rows = call.size(offset, 2), columns = call.size(offset, 3);

  // Where each window's place k lies: [N, moved, K, rows, columns], in pixels, per direction.
  const Ref given = call.reshape(
      offset, std::vector<Number>{n, number(moved), number(places), number(2), rows, columns});
  const auto placed = [&](std::int64_t direction) {
    const auto d = static_cast<std::size_t>(direction);
    std::vector<std::int64_t> within;
    for (std::int64_t k = 0; k < places; ++k)
      within.push_back((direction == 0 ? k / kernel_x : k % kernel_x) * w.dilation[d] -
                       w.before[d]);
    const at::ScalarType type = dtype_of(x);
    const Ref starts = call.mul(
        call.along(call.aten("aten::arange", {direction == 0 ? rows : columns, type}, "starts"),
                   direction, 2),
        w.stride[d]);
    const Ref base =
        call.add(constant_term(at::tensor(within, at::kLong).to(type).reshape({-1, 1, 1})), starts);
    return call.add(call.aten("aten::select.int", {given, 3, direction}, "offset"), base);
  };
  const Number all = call.body.arithmetic(
                   "mul", {number(places), call.body.arithmetic("mul", {rows, columns})}),
               pictures = call.body.arithmetic("mul", {n, number(moved)});
  Ref read = between(
      call, x, call.reshape(placed(0), std::vector<Number>{pictures, number(1), all}),
      call.reshape(placed(1), std::vector<Number>{pictures, number(1), all}), channels / moved);
  if (mask != nullptr) {
    read = call.mul(read, call.reshape(mask, std::vector<Number>{pictures, number(1), all}));
  }
  const Number area = call.body.arithmetic("mul", {rows, columns});
  const Ref unfolded = call.reshape(
      read, std::vector<Number>{n, number(groups), number(channels / groups * places), area});
  const Ref filters = call.reshape(weight, std::vector<std::int64_t>{groups, out / groups, -1});
  Ref result = call.reshape(call.aten("aten::matmul", {filters, unfolded}, "product"),
                            std::vector<Number>{n, number(out), rows, columns});
  if (bias != nullptr) result = call.add(result, call.along(bias, 1, 4));
  return {result};
}

constexpr Operator table[] = {
    {"AffineGrid", affine_grid},
    {"DeformConv", deformed_convolution},
    {"GridSample", grid_sample},
    {"RoiAlign", roi_align},
};

}  // namespace

std::span<const Operator> sampling_operators() { return table; }

}  // namespace pellucid::from_onnx

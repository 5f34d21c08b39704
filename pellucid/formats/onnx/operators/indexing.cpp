// Reading and writing by index. Negative indices count from the end, as in ONNX.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

// ATen's gather and scatter want indices from the front.
Ref from_front(Call& call, const Ref& index, const Number& size) {
  const Ref whole = call.cast(index, at::kLong);
  if (whole->data.defined() && whole->data.numel() > 0 &&
      whole->data.min().item<std::int64_t>() >= 0)
    return whole;
  const Ref shifted = call.add(whole, size);
  return call.aten("aten::where.self",
                   {call.aten("aten::lt.Scalar", {whole, 0}, "negative"), shifted, whole}, "index");
}

Refs gather(Call& call) {
  const Ref x = call.in(0), given = call.in(1);
  const std::int64_t rank = call.rank(x), axis = call.axis(call.integer("axis", 0), rank);
  const Ref index = from_front(call, given, call.size(x, axis));
  if (index->data.defined() && index->data.dim() == 0)
    return {call.aten("aten::select.int", {x, axis, index->data.item<std::int64_t>()})};
  if (call.rank(given) == 1) return {call.aten("aten::index_select", {x, axis, index})};
  if (axis == 0 && rank == 2 && call.is_real(x)) return {call.aten("aten::embedding", {x, index})};
  const Ref flat = call.reshape(index, std::vector<std::int64_t>{-1});
  const Ref chosen = call.aten("aten::index_select", {x, axis, flat}, "chosen");
  std::vector<Number> sizes = call.sizes(x);
  const std::vector<Number> inner = call.sizes(given);
  sizes.erase(sizes.begin() + axis);
  sizes.insert(sizes.begin() + axis, inner.begin(), inner.end());
  return {call.reshape(chosen, sizes)};
}

Refs gather_elements(Call& call) {
  const Ref x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", 0), call.rank(x));
  return {call.aten("aten::gather", {x, axis, from_front(call, call.in(1), call.size(x, axis))})};
}

// The last dimension of `index` as that many index tensors, behind `batch` leading dimensions.
Args index_lists(Call& call, const Ref& x, const Ref& index, std::int64_t batch) {
  const std::int64_t rank = call.rank(index);
  const auto depth = known_size(index, rank - 1);
  if (!depth || *depth > call.rank(x)) throw call.refuse("has no fixed number of indices");
  std::vector<Arg> lists;
  for (std::int64_t b = 0; b < batch; ++b) {
    // Each leading place looks at itself.
    const Ref places = call.aten("aten::arange", {call.size(x, b), at::kLong}, "places");
    lists.emplace_back(call.along(places, b, rank - 1));
  }
  for (std::int64_t i = 0; i < *depth; ++i) {
    const Ref each = call.aten("aten::select.int", {index, rank - 1, i}, "index");
    lists.emplace_back(from_front(call, each, call.size(x, batch + i)));
  }
  Arg list;
  list.is = std::move(lists);
  return {x, std::move(list)};
}

Refs gather_nd(Call& call) {
  return {call.aten("aten::index.Tensor",
                    index_lists(call, call.in(0), call.in(1), call.integer("batch_dims", 0)))};
}

const char* reduction_name(const Call& call, const std::string& how) {
  if (how == "add") return "sum";
  if (how == "mul") return "prod";
  if (how == "max") return "amax";
  if (how == "min") return "amin";
  throw call.refuse("reduces in an unknown way, " + how);
}

Refs scatter_elements(Call& call) {
  const Ref x = call.in(0), updates = call.in(2);
  const std::int64_t axis = call.axis(call.integer("axis", 0), call.rank(x));
  const Ref index = from_front(call, call.in(1), call.size(x, axis));
  const std::string how = call.text("reduction", "none");
  if (how == "none") return {call.aten("aten::scatter.src", {x, axis, index, updates})};
  return {call.aten("aten::scatter_reduce.two",
                    {x, axis, index, updates, reduction_name(call, how), true})};
}

Refs scatter_nd(Call& call) {
  const Ref x = call.in(0), index = call.in(1), updates = call.in(2);
  const std::string how = call.text("reduction", "none");
  if (how == "none" || how == "add") {
    Args args = index_lists(call, x, index, 0);
    args.emplace_back(updates);
    args.emplace_back(how == "add");
    return {call.aten("aten::index_put", std::move(args))};
  }
  // Over the flattened leading dimensions: each index is one row.
  const std::int64_t depth = known_size(index, call.rank(index) - 1).value_or(-1);
  if (depth < 1) throw call.refuse("has no fixed number of indices");
  Number rows = number(1), width = number(1);
  for (std::int64_t i = 0; i < call.rank(x); ++i) {
    Number& into = i < depth ? rows : width;
    into = call.body.arithmetic("mul", {into, call.size(x, i)});
  }
  Ref place;
  for (std::int64_t i = 0; i < depth; ++i) {
    const Ref each =
        from_front(call, call.aten("aten::select.int", {index, -1, i}), call.size(x, i));
    place = place == nullptr ? each : call.add(call.mul(place, call.size(x, i)), each);
  }
  const Ref flat = call.reshape(x, std::vector<Number>{rows, width}),
            flat_place = call.reshape(place, std::vector<std::int64_t>{-1, 1}),
            flat_updates = call.reshape(updates, std::vector<Number>{number(-1), width});
  const Ref wide = call.aten("aten::expand_as", {flat_place, flat_updates}, "index");
  const Ref done = call.aten("aten::scatter_reduce.two",
                             {flat, 0, wide, flat_updates, reduction_name(call, how), true});
  return {call.reshape(done, call.sizes(x))};
}

Refs tensor_scatter(Call& call) {
  const Ref x = call.in(0), updates = call.in(1), starts = call.maybe(2);
  const std::int64_t rank = call.rank(x), axis = call.axis(call.integer("axis", -2), rank);
  const bool circular = call.text("mode", "linear") == "circular";
  Ref place = call.along(call.aten("aten::arange", {call.size(updates, axis), at::kLong}, "steps"),
                         axis, rank);
  if (starts != nullptr) place = call.add(place, call.along(call.cast(starts, at::kLong), 0, rank));
  if (circular) place = call.aten("aten::remainder.Scalar", {place, call.size(x, axis)});
  const Ref index = call.aten("aten::expand", {place, call.sizes(updates)}, "index");
  return {call.aten("aten::scatter.src", {x, axis, index, updates})};
}

Refs one_hot(Call& call) {
  const Ref values = call.in(2);
  const Number depth = call.body.numbers(call.in(1)).at(0);
  const Number whole = call.body.arithmetic("int", {depth});
  const Ref given = call.cast(call.in(0), at::kLong);
  const std::int64_t rank = call.rank(given) + 1, axis = call.axis(call.integer("axis", -1), rank);
  // An index out of reach is nowhere hot.
  const Ref index = call.aten("aten::where.self", {call.aten("aten::lt.Scalar", {given, 0}),
                                                   call.add(given, whole), given});
  const Ref steps = call.along(call.aten("aten::arange", {whole, at::kLong}, "steps"), axis, rank);
  const Ref hot =
      call.aten("aten::eq.Tensor", {call.aten("aten::unsqueeze", {index, axis}), steps}, "hot");
  const Ref off = call.aten("aten::select.int", {values, 0, 0}, "off"),
            on = call.aten("aten::select.int", {values, 0, 1}, "on");
  return {call.aten("aten::where.self", {hot, on, off})};
}

constexpr Operator table[] = {
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"OneHot", one_hot},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TensorScatter", tensor_scatter},
};

}  // namespace

std::span<const Operator> indexing_operators() { return table; }

}  // namespace pellucid::from_onnx

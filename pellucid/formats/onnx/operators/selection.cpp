// Operators whose data decide how many results there are. The number stays symbolic.
#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/untold.h"

namespace pellucid::from_onnx {
namespace {

Refs non_zero(Call& call) {
  return {call.aten("aten::t", {call.aten("aten::nonzero", {call.in(0)}, "places")})};
}

Refs compress(Call& call) {
  Ref x = call.in(0);
  const auto given = call.integer("axis");
  std::int64_t axis = 0;
  if (given)
    axis = call.axis(*given, call.rank(x));
  else
    x = call.reshape(x, std::vector<std::int64_t>{-1});
  const Ref places = call.reshape(call.aten("aten::nonzero", {call.in(1)}, "places"),
                                  std::vector<std::int64_t>{-1});
  return {call.aten("aten::index_select", {x, axis, places})};
}

Refs unique(Call& call) {
  Ref x = call.in(0);
  const auto given = call.integer("axis");
  if (!given) x = call.reshape(x, std::vector<std::int64_t>{-1});
  const std::int64_t axis = given ? call.axis(*given, call.rank(x)) : 0;
  const Refs found = call.many("aten::unique_dim", {x, axis, true, true, true}, 3, "unique");
  const Ref inverse = found[1], counts = found[2];
  // Where each is first met.
  const Number length = call.size(x, axis), count = call.size(counts, 0);
  const Ref places = call.aten("aten::arange", {length, at::kLong}, "places"),
            last = call.aten("aten::full", {std::vector<Number>{count}, length, at::kLong}, "last");
  const Ref first = call.aten("aten::scatter_reduce.two", {last, 0, inverse, places, "amin", true});
  if (call.integer("sorted", 1) != 0) return {found[0], first, inverse, counts};
  const Ref order = call.aten("aten::argsort", {first}, "order"),
            rank = call.aten("aten::argsort", {order}, "rank");
  const auto ordered = [&](const Ref& of, std::int64_t along, const Ref& by) {
    return call.aten("aten::index_select", {of, along, by});
  };
  return {ordered(found[0], axis, order), ordered(first, 0, order), ordered(rank, 0, inverse),
          ordered(counts, 0, order)};
}

struct Box {
  double low_y, low_x, high_y, high_x;

  double area() const { return (high_y - low_y) * (high_x - low_x); }
};

Box box_of(const float* numbers, bool centred) {
  const double a = numbers[0], b = numbers[1], c = numbers[2], d = numbers[3];
  // [x, y, width, height] of the centre, or [y, x, y, x] of any two opposite corners.
  if (centred) return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
  return {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
}

double overlap(const Box& a, const Box& b) {
  const double height = std::min(a.high_y, b.high_y) - std::max(a.low_y, b.low_y),
               width = std::min(a.high_x, b.high_x) - std::max(a.low_x, b.low_x);
  if (height <= 0 || width <= 0) return 0;
  const double shared = height * width, all = a.area() + b.area() - shared;
  return all > 0 ? shared / all : 0;
}

// Greedy: the best box stays, what overlaps it too much goes, and again. Operands: boxes [N, M, 4],
// scores [N, C, M], the most of each class, the overlap and the score beyond which a box counts.
// No gradient: its results are indices.
class NonMaxSuppression : public Kernel {
 public:
  explicit NonMaxSuppression(bool centred) : centred_(centred) {}

  at::Tensor run(std::span<const c10::IValue> operands) const override {
    const at::Tensor boxes = plain(operands[0]), scores = plain(operands[1]);
    if (boxes.dim() != 3 || boxes.size(2) != 4 || scores.dim() != 3 ||
        boxes.size(0) != scores.size(0) || boxes.size(1) != scores.size(2))
      throw model_error("NonMaxSuppression got boxes and scores of sizes that do not fit");
    const std::int64_t most = number_of<std::int64_t>(operands[2], 0);
    const double most_overlap = number_of<double>(operands[3], 0.0),
                 least = number_of<double>(operands[4], -std::numeric_limits<double>::infinity());
    const std::int64_t count = boxes.size(1), classes = scores.size(1);
    std::vector<std::int64_t> chosen;
    for (std::int64_t n = 0; n < boxes.size(0); ++n) {
      std::vector<Box> all;
      for (std::int64_t i = 0; i < count; ++i)
        all.push_back(box_of(boxes.const_data_ptr<float>() + (n * count + i) * 4, centred_));
      for (std::int64_t c = 0; c < classes; ++c) {
        const float* score = scores.const_data_ptr<float>() + (n * classes + c) * count;
        for (const std::int64_t i : kept(all, score, most, most_overlap, least))
          chosen.insert(chosen.end(), {n, c, i});
      }
    }
    at::Tensor made = at::empty({static_cast<std::int64_t>(chosen.size() / 3), 3}, at::kLong);
    std::ranges::copy(chosen, made.mutable_data_ptr<std::int64_t>());
    return made.to(operands[0].toTensor().device());
  }

 private:
  static at::Tensor plain(const c10::IValue& tensor) {
    return tensor.toTensor().detach().to(at::kCPU, at::kFloat).contiguous();
  }

  template <class T>
  static T number_of(const c10::IValue& operand, T fallback) {
    if (operand.isNone()) return fallback;
    if (operand.isTensor()) return operand.toTensor().reshape({-1})[0].item<T>();
    return operand.toScalar().to<T>();
  }

  static std::vector<std::int64_t> kept(const std::vector<Box>& boxes, const float* score,
                                        std::int64_t most, double most_overlap, double least) {
    std::vector<std::int64_t> order(boxes.size()), stay;
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](std::int64_t i) { return !(score[i] > least); });
    std::ranges::stable_sort(order,
                             [&](std::int64_t a, std::int64_t b) { return score[a] > score[b]; });
    for (const std::int64_t i : order) {
      if (static_cast<std::int64_t>(stay.size()) >= most) break;
      const Box& box = boxes[static_cast<std::size_t>(i)];
      const bool covered = std::ranges::any_of(stay, [&](std::int64_t other) {
        return overlap(box, boxes[static_cast<std::size_t>(other)]) > most_overlap;
      });
      if (!covered) stay.push_back(i);
    }
    return stay;
  }

  bool centred_;
};

Refs non_max_suppression(Call& call) {
  const Ref result = std::make_shared<Term>();
  for (std::size_t form = 0; form < 2; ++form)
    set_seen(result, at::kLong, form, {unknown_counts[form], 3});
  Args args = {call.in(0), call.in(1), call.maybe(2), call.maybe(3), call.maybe(4)};
  return {call.body.kernel(
      "kernel::non_max_suppression",
      std::make_shared<NonMaxSuppression>(call.integer("center_point_box", 0) != 0),
      std::move(args), result)};
}

constexpr Operator table[] = {
    {"Compress", compress},
    {"NonMaxSuppression", non_max_suppression},
    {"NonZero", non_zero},
    {"Unique", unique},
};

}  // namespace

std::span<const Operator> selection_operators() { return table; }

}  // namespace pellucid::from_onnx

// The operators that exporters put between Shape and Reshape. Tensors here have no dimension or
// one; what does not fit is left to the tensors' own operators.
#include "pellucid/formats/onnx/host.h"

#include <algorithm>
#include <array>

namespace pellucid::from_onnx {
namespace {

constexpr std::size_t most = 1024;  // numbers in a shape

struct Shaped {
  std::vector<Number> numbers;
  bool is_scalar = false;
  at::ScalarType type = at::kLong;
};

bool is_symbolic(const Ref& term) { return term != nullptr && term->numbers.has_value(); }

std::optional<Shaped> shaped(Call& call, const Ref& term) {
  if (term == nullptr) return std::nullopt;
  if (term->numbers) return Shaped{*term->numbers, term->is_scalar, term->numbers_type};
  if (!term->data.defined() || term->data.dim() > 1 ||
      term->data.numel() > static_cast<std::int64_t>(most))
    return std::nullopt;
  return Shaped{call.body.numbers(term), term->data.dim() == 0, term->data.scalar_type()};
}

Ref made(std::vector<Number> numbers, bool is_scalar, at::ScalarType type) {
  return numbers_term(std::move(numbers), is_scalar, type);
}

// Two operands of which one may be a single number for all.
std::optional<Ref> by_pairs(Call& call, at::ScalarType type,
                            const std::function<Number(const Number&, const Number&)>& combine) {
  const auto a = shaped(call, call.maybe(0)), b = shaped(call, call.maybe(1));
  if (!a || !b) return std::nullopt;
  const std::size_t count = std::max(a->numbers.size(), b->numbers.size());
  if ((a->numbers.size() != count && a->numbers.size() != 1) ||
      (b->numbers.size() != count && b->numbers.size() != 1))
    return std::nullopt;
  std::vector<Number> numbers;
  for (std::size_t i = 0; i < count; ++i)
    numbers.push_back(combine(a->numbers[a->numbers.size() == 1 ? 0 : i],
                              b->numbers[b->numbers.size() == 1 ? 0 : i]));
  return made(std::move(numbers), a->is_scalar && b->is_scalar, type);
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> pairs = {{
    {"Add", "add"},
    {"Sub", "sub"},
    {"Mul", "mul"},
    {"Max", "max"},
    {"Min", "min"},
    {"Equal", "eq"},
    {"Greater", "gt"},
    {"Less", "lt"},
    {"GreaterOrEqual", "ge"},
    {"LessOrEqual", "le"},
    {"And", "and_"},
    {"Or", "or_"},
    {"Div", ""},
    {"Mod", "mod"},
}};

bool compares(std::string_view op) {
  return op == "eq" || op == "gt" || op == "lt" || op == "ge" || op == "le";
}

std::optional<Ref> pair(Call& call) {
  const auto found = std::ranges::find(pairs, call.node.type,
                                       &std::pair<std::string_view, std::string_view>::first);
  if (found == pairs.end() || call.count() != 2) return std::nullopt;
  const auto a = shaped(call, call.maybe(0));
  if (!a) return std::nullopt;
  if (call.node.type == "Mod" && call.integer("fmod", 0) != 0) return std::nullopt;
  // Sizes are not negative, so that division that rounds down is ONNX's that truncates.
  std::string_view op = found->second;
  if (call.node.type == "Div") op = c10::isFloatingType(a->type) ? "truediv" : "floordiv";
  return by_pairs(call, compares(op) ? at::kBool : a->type, [&](const Number& x, const Number& y) {
    return call.body.arithmetic(op, {x, y});
  });
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> singles = {{
    {"Neg", "neg"},
    {"Abs", "abs"},
    {"Not", "not_"},
    {"Floor", "floor"},
    {"Ceil", "ceil"},
    {"Round", "round"},
    {"Sqrt", "sqrt"},
    {"Identity", ""},
}};

std::optional<Ref> single(Call& call) {
  const auto found = std::ranges::find(singles, call.node.type,
                                       &std::pair<std::string_view, std::string_view>::first);
  auto a = shaped(call, call.maybe(0));
  if (found == singles.end() || !a) return std::nullopt;
  for (Number& each : a->numbers) {
    if (!found->second.empty()) each = call.body.arithmetic(found->second, {each});
    // Python's floor gives a whole number; ONNX's stays a float.
    if (c10::isFloatingType(a->type)) each = call.body.arithmetic("float", {each});
  }
  return made(std::move(a->numbers), a->is_scalar, a->type);
}

std::optional<Ref> cast(Call& call) {
  auto a = shaped(call, call.maybe(0));
  const auto code = call.integer("to");
  if (!a || !code) return std::nullopt;
  at::ScalarType type = at::kLong;
  const char* op = "int";
  if (*code == 7 || *code == 6) {
    type = *code == 7 ? at::kLong : at::kInt;
  } else if (*code == 1 || *code == 11) {
    type = *code == 1 ? at::kFloat : at::kDouble;
    op = "float";
  } else if (*code == 9) {
    type = at::kBool;
    op = "bool";
  } else {
    return std::nullopt;
  }
  for (Number& each : a->numbers) each = call.body.arithmetic(op, {each});
  return made(std::move(a->numbers), a->is_scalar, type);
}

std::optional<Ref> concat(Call& call) {
  std::vector<Number> all;
  at::ScalarType type = at::kLong;
  for (const Ref& input : call.inputs()) {
    const auto each = shaped(call, input);
    if (!each || each->is_scalar) return std::nullopt;
    type = each->type;
    all.insert(all.end(), each->numbers.begin(), each->numbers.end());
  }
  if (all.size() > most) return std::nullopt;
  return made(std::move(all), false, type);
}

std::optional<Ref> gather(Call& call) {
  const auto a = shaped(call, call.maybe(0)), at = shaped(call, call.maybe(1));
  if (!a || !at || a->is_scalar || call.integer("axis", 0) > 0) return std::nullopt;
  std::vector<Number> chosen;
  for (const Number& each : at->numbers) {
    if (!each.known() || !each.constant.isInt()) return std::nullopt;
    std::int64_t index = each.constant.toInt();
    const auto count = static_cast<std::int64_t>(a->numbers.size());
    if (index < 0) index += count;
    if (index < 0 || index >= count) throw call.refuse("takes a size that is not there");
    chosen.push_back(a->numbers[static_cast<std::size_t>(index)]);
  }
  return made(std::move(chosen), at->is_scalar, a->type);
}

std::optional<Ref> slice(Call& call) {
  const auto a = shaped(call, call.maybe(0));
  if (!a || a->is_scalar) return std::nullopt;
  for (std::size_t i = 1; i < call.count(); ++i) {
    if (call.maybe(i) != nullptr && !call.maybe(i)->data.defined()) return std::nullopt;
  }
  const auto starts = call.constants(1, "starts"), ends = call.constants(2, "ends"),
             steps = call.constants(4, "steps");
  if (!starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
  const std::int64_t step = steps && !steps->empty() ? steps->front() : 1;
  const auto count = static_cast<std::int64_t>(a->numbers.size());
  if (step < 1) {
    if (step != -1) return std::nullopt;
    const auto place = [&](std::int64_t given, std::int64_t lowest) {
      return std::clamp(given < 0 ? std::max(given + count, std::int64_t{-1}) : given, lowest,
                        count - 1);
    };
    std::vector<Number> turned;
    // An end far below zero stands for "to the first".
    const std::int64_t end = ends->front() < -count ? -1 : place(ends->front(), -1);
    for (std::int64_t i = place(starts->front(), 0); i > end && i >= 0; --i)
      turned.push_back(a->numbers[static_cast<std::size_t>(i)]);
    return made(std::move(turned), false, a->type);
  }
  const auto place = [&](std::int64_t given) {
    return std::clamp(given < 0 ? std::max(given, -count) + count : given, std::int64_t{0}, count);
  };
  std::vector<Number> chosen;
  for (std::int64_t i = place(starts->front()); i < place(ends->front());) {
    chosen.push_back(a->numbers[static_cast<std::size_t>(i)]);
    if (step > count) break;
    i += step;
  }
  return made(std::move(chosen), false, a->type);
}

std::optional<Ref> rank_changed(Call& call) {
  const auto a = shaped(call, call.maybe(0));
  if (!a) return std::nullopt;
  if (call.node.type == "Unsqueeze") {
    if (!a->is_scalar) return std::nullopt;
    return made(a->numbers, false, a->type);
  }
  if (call.node.type == "Squeeze") {
    if (a->numbers.size() != 1) return std::nullopt;
    return made(a->numbers, true, a->type);
  }
  const auto to = call.maybe(1);  // Reshape
  if (to == nullptr || !to->data.defined() || to->data.numel() > 1) return std::nullopt;
  if (to->data.numel() == 0) return made(a->numbers, true, a->type);
  return made(a->numbers, false, a->type);
}

std::optional<Ref> product(Call& call) {
  const auto a = shaped(call, call.maybe(0));
  if (!a || a->numbers.empty() || call.maybe(1) != nullptr) return std::nullopt;
  Number all = a->numbers[0];
  const char* op = call.node.type == "ReduceProd"  ? "mul"
                   : call.node.type == "ReduceSum" ? "add"
                   : call.node.type == "ReduceMax" ? "max"
                                                   : "min";
  for (std::size_t i = 1; i < a->numbers.size(); ++i)
    all = call.body.arithmetic(op, {all, a->numbers[i]});
  return made({all}, call.integer("keepdims", 1) == 0 || a->is_scalar, a->type);
}

std::optional<Ref> where(Call& call) {
  const auto condition = shaped(call, call.maybe(0)), a = shaped(call, call.maybe(1)),
             b = shaped(call, call.maybe(2));
  if (!condition || !a || !b) return std::nullopt;
  const std::size_t count =
      std::max({condition->numbers.size(), a->numbers.size(), b->numbers.size()});
  const auto pick = [&](const Shaped& from, std::size_t i) -> std::optional<Number> {
    if (from.numbers.size() == 1) return from.numbers[0];
    if (from.numbers.size() != count) return std::nullopt;
    return from.numbers[i];
  };
  std::vector<Number> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    const auto c = pick(*condition, i), x = pick(*a, i), y = pick(*b, i);
    if (!c || !x || !y) return std::nullopt;
    if (c->known())
      numbers.push_back(c->constant.toBool() ? *x : *y);
    else
      numbers.push_back(call.body.arithmetic("sym_ite", {*c, *x, *y}));
  }
  return made(std::move(numbers), condition->is_scalar && a->is_scalar && b->is_scalar, a->type);
}

std::optional<Ref> expand(Call& call) {
  const auto a = shaped(call, call.maybe(0));
  const auto to = call.maybe(1);
  if (!a || to == nullptr || !to->data.defined()) return std::nullopt;
  const auto sizes = call.constants(to, "sizes");
  if (sizes.empty()) return made(a->numbers, a->is_scalar, a->type);
  if (sizes.size() != 1 || sizes[0] < 1 || sizes[0] > static_cast<std::int64_t>(most))
    return std::nullopt;
  if (a->numbers.size() != 1)
    return sizes[0] == 1 ? std::optional(made(a->numbers, false, a->type)) : std::nullopt;
  return made(std::vector<Number>(static_cast<std::size_t>(sizes[0]), a->numbers[0]), false,
              a->type);
}

std::optional<Refs> split(Call& call) {
  const auto a = shaped(call, call.maybe(0));
  const auto parts = call.constants(1, "split");
  if (!a || a->is_scalar) return std::nullopt;
  std::vector<std::int64_t> counts;
  const auto count = static_cast<std::int64_t>(a->numbers.size()),
             results = static_cast<std::int64_t>(call.results());
  if (parts)
    counts = *parts;
  else if (results > 0 && count % results == 0)
    counts.assign(call.results(), count / results);
  else
    return std::nullopt;
  Refs made_parts;
  std::int64_t from = 0;
  for (const std::int64_t size : counts) {
    if (size < 0 || size > count - from) return std::nullopt;
    made_parts.push_back(
        made({a->numbers.begin() + from, a->numbers.begin() + from + size}, false, a->type));
    from += size;
  }
  return made_parts;
}

}  // namespace

std::optional<Refs> on_numbers(Call& call) {
  if (!call.node.domain.empty() || std::ranges::none_of(call.inputs(), is_symbolic))
    return std::nullopt;
  const std::string_view type = call.node.type;
  std::optional<Ref> result;
  if (type == "Split") return split(call);
  if (type == "Cast")
    result = cast(call);
  else if (type == "Concat")
    result = concat(call);
  else if (type == "Gather")
    result = gather(call);
  else if (type == "Slice")
    result = slice(call);
  else if (type == "Unsqueeze" || type == "Squeeze" || type == "Reshape")
    result = is_symbolic(call.maybe(0)) ? rank_changed(call) : std::nullopt;
  else if (type == "ReduceProd" || type == "ReduceSum" || type == "ReduceMax" ||
           type == "ReduceMin")
    result = product(call);
  else if (type == "Where")
    result = where(call);
  else if (type == "Expand")
    result = is_symbolic(call.maybe(0)) ? expand(call) : std::nullopt;
  else if (call.count() == 1)
    result = single(call);
  else
    result = pair(call);
  if (!result) return std::nullopt;
  return Refs{*result};
}

}  // namespace pellucid::from_onnx

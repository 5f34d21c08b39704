// The dispatcher's meta kernels give shapes and types without touching data. Where an operator has
// none, untold.cpp may know; else nothing is known, and who needs to know says so.
#include "pellucid/formats/onnx/seen.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/untold.h"
#include "pellucid/graph/operand.h"

namespace pellucid::from_onnx {
namespace {

c10::OperatorHandle handle_of(std::string_view op) {
  const auto dot = op.find('.', op.find("::"));
  std::string overload(dot == std::string_view::npos ? "" : op.substr(dot + 1));
  const auto found =
      c10::Dispatcher::singleton().findSchema({std::string(op.substr(0, dot)), overload});
  if (!found) throw internal_error("no operator " + std::string(op));
  return *found;
}

at::Tensor without_data(at::IntArrayRef sizes, at::ScalarType type) {
  return at::empty(sizes, at::TensorOptions().dtype(type).device(at::kMeta));
}

}  // namespace

Number number(std::int64_t constant) { return number(c10::IValue(constant)); }
Number number(c10::IValue constant) {
  return {.constant = constant, .value = {}, .seen = {constant, constant}};
}

Ref constant_term(at::Tensor data, std::string name) {
  auto term = std::make_shared<Term>();
  term->name = std::move(name);
  term->seen[0] = term->seen[1] = without_data(data.sizes(), data.scalar_type());
  term->data = std::move(data);
  return term;
}

Ref numbers_term(std::vector<Number> numbers, bool is_scalar, at::ScalarType type) {
  auto term = std::make_shared<Term>();
  const auto count = static_cast<std::int64_t>(numbers.size());
  const std::vector<std::int64_t> sizes =
      is_scalar ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{count};
  if (std::ranges::all_of(numbers, [](const Number& each) { return each.known(); })) {
    at::Tensor data = at::empty(sizes, at::TensorOptions().dtype(type));
    at::Tensor flat = data.reshape({-1});
    for (std::int64_t i = 0; i < count; ++i)
      flat.select(0, i).fill_(numbers[static_cast<std::size_t>(i)].constant.toScalar());
    return constant_term(data);
  }
  term->numbers = std::move(numbers);
  term->is_scalar = is_scalar;
  term->numbers_type = type;
  term->seen[0] = term->seen[1] = without_data(sizes, type);
  return term;
}

bool is_known(const Ref& term) {
  return term->seen[0].defined() && term->seen[1].defined() &&
         term->seen[0].dim() == term->seen[1].dim() &&
         term->seen[0].scalar_type() == term->seen[1].scalar_type();
}

at::ScalarType dtype_of(const Ref& term) {
  if (!is_known(term)) throw model_error("the type of a value is not known here");
  return term->seen[0].scalar_type();
}

std::int64_t rank_of(const Ref& term) {
  if (!is_known(term)) throw model_error("the number of a value's dimensions is not known here");
  return term->seen[0].dim();
}

std::optional<std::int64_t> known_size(const Ref& term, std::int64_t axis) {
  const std::int64_t first = term->seen[0].size(axis);
  return first == term->seen[1].size(axis) ? std::optional(first) : std::nullopt;
}

void set_seen(const Ref& term, at::ScalarType type, std::size_t form,
              const std::vector<std::int64_t>& sizes) {
  term->seen[form] = without_data(sizes, type);
}

SeenCall::SeenCall(std::string_view op, const Args& args) : handle_(handle_of(op)), args_(args) {}

std::optional<Operand> SeenCall::operand(const Arg& arg, Mode mode) const {
  if (const auto* constant = std::get_if<c10::IValue>(&arg.is)) return Operand{*constant};
  const std::size_t form = mode == Mode::second ? 1 : 0;
  if (const auto* term = std::get_if<Ref>(&arg.is)) {
    if (mode == Mode::real) return Operand{(*term)->data};
    if (!(*term)->is_tensor) {
      if ((*term)->seen_number[form].isNone()) return std::nullopt;
      return Operand{(*term)->seen_number[form]};
    }
    if (!(*term)->seen[form].defined()) return std::nullopt;
    return Operand{(*term)->seen[form]};
  }
  if (const auto* number = std::get_if<Number>(&arg.is)) {
    if (number->known()) return Operand{number->constant};
    if (number->seen[form].isNone()) return std::nullopt;
    return Operand{number->seen[form]};
  }
  std::vector<Operand> items;
  for (const Arg& each : std::get<std::vector<Arg>>(arg.is)) {
    auto item = operand(each, mode);
    if (!item) return std::nullopt;
    items.push_back(std::move(*item));
  }
  return Operand{std::move(items)};
}

bool SeenCall::is_symbolic(const Arg& arg) const {
  if (const auto* term = std::get_if<Ref>(&arg.is)) {
    return !(*term)->is_tensor || !(*term)->seen[0].is_same((*term)->seen[1]);
  }
  if (const auto* number = std::get_if<Number>(&arg.is)) return !number->known();
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.is))
    return std::ranges::any_of(*list, [&](const Arg& each) { return is_symbolic(each); });
  return false;
}

std::optional<std::vector<at::Tensor>> SeenCall::run(Mode mode, std::size_t results,
                                                     bool is_list) const {
  const at::NoGradGuard no_gradient;
  const std::vector<c10::Argument>& arguments = handle_.schema().arguments();
  if (args_.size() > arguments.size())
    throw internal_error(handle_.schema().name() + " got too many arguments");
  torch::jit::Stack stack;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i < args_.size()) {
      auto given = operand(args_[i], mode);
      if (!given) return std::nullopt;
      stack.push_back(fit(*given, arguments[i]).constant());
    } else if (mode != Mode::real && arguments[i].name() == "device") {
      stack.emplace_back(c10::Device(at::kMeta));
    } else if (arguments[i].default_value()) {
      stack.push_back(*arguments[i].default_value());
    } else {
      throw internal_error(handle_.schema().name() + " lacks " + arguments[i].name());
    }
  }
  std::vector<at::Tensor> made;
  if (mode != Mode::real) {
    const auto untold = untold_shapes(handle_.schema().name(), stack, mode == Mode::second ? 1 : 0);
    if (untold) {
      for (const Shape& each : *untold) made.push_back(without_data(each.sizes, each.type));
      return made;
    }
  }
  handle_.callBoxed(stack);
  if (is_list) {
    for (const c10::IValue& each : stack.at(0).toListRef()) made.push_back(each.toTensor());
    if (made.size() != results)
      throw model_error("there are " + std::to_string(made.size()) +
                        " results where the file has " + std::to_string(results));
  } else {
    for (std::size_t i = 0; i < results; ++i) {
      if (!stack.at(i).isTensor()) return std::nullopt;
      made.push_back(stack[i].toTensor());
    }
  }
  return made;
}

std::array<std::vector<at::Tensor>, 2> SeenCall::forms(std::size_t results, bool is_list) const {
  std::array<std::vector<at::Tensor>, 2> forms;
  const bool symbolic =
      counts_data(handle_.schema().name()) ||
      std::ranges::any_of(args_, [&](const Arg& each) { return is_symbolic(each); });
  for (const std::size_t form : {std::size_t{0}, std::size_t{1}}) {
    if (form == 1 && !symbolic) {
      forms[1] = forms[0];
      break;
    }
    try {
      auto made = run(form == 0 ? Mode::first : Mode::second, results, is_list);
      if (!made) continue;
      for (const at::Tensor& each : *made) {
        // A result may be missing, or lie on the CPU where an operator looked at no operand.
        forms[form].push_back(each.defined() ? without_data(each.sizes(), each.scalar_type())
                                             : at::Tensor());
      }
    } catch (const c10::Error&) {
    } catch (const Error&) {
    }
  }
  return forms;
}

std::vector<at::Tensor> SeenCall::compute(std::size_t results, bool is_list) const {
  try {
    auto made = run(Mode::real, results, is_list);
    if (!made) throw model_error(handle_.schema().name() + " gave no tensor");
    for (at::Tensor& each : *made) each = each.contiguous();
    return *made;
  } catch (const c10::Error& error) {
    throw model_error(handle_.schema().name() +
                      " failed: " + first_line(error.what_without_backtrace()));
  }
}

}  // namespace pellucid::from_onnx

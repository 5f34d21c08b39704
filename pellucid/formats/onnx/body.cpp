// Calls become nodes only when their ONNX node is finished: by then it is known which of them makes
// the value that the file names.
#include "pellucid/formats/onnx/body.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/seen.h"
#include "pellucid/graph/operand.h"
#include "pellucid/run/python_operators.h"

namespace pellucid::from_onnx {
namespace {

// What is computed while building: enough for shapes, masks and tables, too little to hurt.
constexpr std::int64_t most_computed = 1 << 16;
constexpr std::size_t most_numbers = 4096;

bool all_known(const Arg& arg) {
  if (const auto* term = std::get_if<Ref>(&arg.is)) return (*term)->data.defined();
  if (const auto* number = std::get_if<Number>(&arg.is)) return number->known();
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.is))
    return std::ranges::all_of(*list, all_known);
  return true;
}

bool is_made_of_weights(const Arg& arg) {
  if (const auto* term = std::get_if<Ref>(&arg.is)) return (*term)->kind != ConstantKind::literal;
  const auto* list = std::get_if<std::vector<Arg>>(&arg.is);
  return list != nullptr && std::ranges::any_of(*list, is_made_of_weights);
}

std::int64_t elements(const Arg& arg) {
  if (const auto* term = std::get_if<Ref>(&arg.is)) return (*term)->data.numel();
  std::int64_t count = 0;
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.is)) {
    for (const Arg& each : *list) count += elements(each);
  }
  return count;
}

Value described(const std::string& name, const Ref& term) {
  Value value{.name = name, .is_tensor = term->is_tensor, .dtype = {}, .shape = {}};
  if (!term->is_tensor || !is_known(term)) return value;
  value.dtype = dtype_of(term);
  for (std::int64_t axis = 0; axis < rank_of(term); ++axis)
    value.shape.push_back(known_size(term, axis));
  return value;
}

}  // namespace

Arg::Arg(const std::vector<Number>& numbers) {
  std::vector<Arg> items(numbers.begin(), numbers.end());
  is = std::move(items);
}

Arg::Arg(const Refs& terms) {
  std::vector<Arg> items(terms.begin(), terms.end());
  is = std::move(items);
}

Ref Body::add_input(Value given, std::array<at::Tensor, 2> seen) {
  const auto term = std::make_shared<Term>();
  term->name = given.name;
  term->is_tensor = given.is_tensor;
  term->seen = std::move(seen);
  claim(given.name);
  ids_[term] = builder_.add_input(std::move(given));
  return term;
}

Ref Body::add_number_input(std::string name) {
  const auto term = std::make_shared<Term>();
  term->name = unique(std::move(name));
  term->is_tensor = false;
  ids_[term] =
      builder_.add_input({.name = term->name, .is_tensor = false, .dtype = {}, .shape = {}});
  return term;
}

Refs Body::call(std::string_view op, Args args, std::size_t results, const char* what) {
  Refs terms(results);
  for (Ref& term : terms) term = std::make_shared<Term>();
  return make(op, std::move(args), std::move(terms), false, what);
}

Refs Body::call_list(std::string_view op, Args args, std::size_t results, const char* what) {
  Refs terms(results);
  for (Ref& term : terms) term = std::make_shared<Term>();
  return make(op, std::move(args), std::move(terms), true, what);
}

Refs Body::make(std::string_view op, Args args, Refs results, bool is_list, const char* what) {
  const SeenCall seen(op, args);
  const auto forms = seen.forms(results.size(), is_list);
  for (std::size_t form = 0; form < 2; ++form) {
    for (std::size_t i = 0; i < results.size() && !forms[form].empty(); ++i)
      results[i]->seen[form] = forms[form][i];
  }
  const bool known = std::ranges::all_of(args, all_known);
  if (known) {
    std::int64_t given = 0, made = 0;
    bool told = true;
    for (const Arg& arg : args) given += elements(arg);
    for (const Ref& result : results) {
      told = told && result->seen[0].defined();
      if (result->seen[0].defined()) made += result->seen[0].numel();
    }
    if (told && made > most_constant_elements)
      throw Error(Fault::too_large,
                  std::string(op) + " makes a constant of " + std::to_string(made) + " numbers");
    if (told && given <= 16 * most_computed && made <= most_computed) {
      const std::vector<at::Tensor> data = seen.compute(results.size(), is_list);
      const bool of_weights = std::ranges::any_of(args, is_made_of_weights);
      Refs terms;
      for (const at::Tensor& each : data) {
        terms.push_back(constant_term(each));
        if (of_weights) terms.back()->kind = ConstantKind::folded;
      }
      return terms;
    }
  }
  std::vector<Refs> grouped;
  if (is_list) {
    grouped.push_back(results);
  } else {
    for (const Ref& each : results) grouped.push_back({each});
  }
  pending_.push_back(
      {NodeKind::aten, std::string(op), std::move(args), std::move(grouped), is_list, what, {}});
  return results;
}

Refs Body::block(std::string_view op, Args args, std::vector<std::shared_ptr<const Graph>> bodies,
                 const Refs& results) {
  std::vector<Refs> grouped;
  for (const Ref& each : results) grouped.push_back({each});
  pending_.push_back({NodeKind::block, std::string(op), std::move(args), std::move(grouped), false,
                      "result", std::move(bodies)});
  return results;
}

Ref Body::kernel(std::string_view op, std::shared_ptr<const Kernel> kernel, Args args,
                 const Ref& result) {
  pending_.push_back({NodeKind::kernel,
                      std::string(op),
                      std::move(args),
                      {{result}},
                      false,
                      "result",
                      {},
                      std::move(kernel)});
  return result;
}

Number Body::arithmetic(std::string_view op, const std::vector<Number>& operands) {
  const std::string full = "python::" + std::string(op);
  std::array<c10::IValue, 2> forms;
  for (std::size_t form = 0; form < 2; ++form) {
    std::vector<c10::IValue> values;
    for (const Number& each : operands)
      values.push_back(each.known() ? each.constant : each.seen[form]);
    if (std::ranges::any_of(values, [](const c10::IValue& value) { return value.isNone(); }))
      continue;
    try {
      forms[form] = evaluate_python(full, values);
    } catch (const Error&) {
      if (std::ranges::all_of(operands, [](const Number& each) { return each.known(); })) throw;
    }
  }
  if (std::ranges::all_of(operands, [](const Number& each) { return each.known(); }))
    return number(forms[0]);
  const auto term = std::make_shared<Term>();
  term->is_tensor = false;
  term->seen_number = forms;
  pending_.push_back({NodeKind::python,
                      full,
                      Args(operands.begin(), operands.end()),
                      {{term}},
                      false,
                      "size",
                      {}});
  return {.constant = {}, .value = term, .seen = forms};
}

Number Body::size(const Ref& term, std::int64_t axis) {
  if (term->data.defined()) return number(term->data.size(axis));
  if (is_known(term)) {
    if (const auto size = known_size(term, axis)) return number(*size);
  }
  const auto made = std::make_shared<Term>();
  made->is_tensor = false;
  for (std::size_t form = 0; form < 2; ++form) {
    if (term->seen[form].defined()) made->seen_number[form] = term->seen[form].size(axis);
  }
  pending_.push_back(
      {NodeKind::aten, "aten::sym_size.int", {term, axis}, {{made}}, false, "size", {}});
  return {.constant = {}, .value = made, .seen = made->seen_number};
}

std::vector<Number> Body::numbers(const Ref& term) {
  if (term->numbers) return *term->numbers;
  std::vector<Number> made;
  if (term->data.defined()) {
    if (term->data.dim() > 1 || term->data.numel() > static_cast<std::int64_t>(most_numbers))
      throw model_error("sizes were expected, not a tensor of " +
                        std::to_string(term->data.numel()) + " numbers");
    const at::ScalarType type = term->data.scalar_type();
    const at::Tensor flat =
        term->data.reshape({-1}).to(c10::isFloatingType(type) ? at::kDouble : at::kLong);
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const at::Tensor each = flat.select(0, i);
      if (type == at::kBool)
        made.push_back(number(c10::IValue(each.item<std::int64_t>() != 0)));
      else if (flat.scalar_type() == at::kDouble)
        made.push_back(number(c10::IValue(each.item<double>())));
      else
        made.push_back(number(each.item<std::int64_t>()));
    }
    return made;
  }
  // Sizes out of data: they are read when the model runs.
  if (!is_known(term) || rank_of(term) > 1 || (rank_of(term) == 1 && !known_size(term, 0)))
    throw model_error("sizes come from a tensor of unknown length");
  const auto read = [&](const Ref& scalar) {
    const auto value = std::make_shared<Term>();
    value->is_tensor = false;
    pending_.push_back({NodeKind::aten, "aten::item", {scalar}, {{value}}, false, "number", {}});
    made.push_back({.constant = {}, .value = value, .seen = {}});
  };
  if (rank_of(term) == 0) {
    read(term);
    return made;
  }
  if (*known_size(term, 0) > 64) throw model_error("too many sizes come from a tensor");
  for (std::int64_t i = 0; i < *known_size(term, 0); ++i)
    read(call("aten::select.int", {term, 0, i}, 1, "element")[0]);
  return made;
}

std::string Body::claim(const std::string& name) {
  if (name.empty() || !claimed_.insert(name).second) return unique(name);
  taken_.insert(name);
  return name;
}

std::string Body::unique(std::string name) {
  if (name.empty()) name = "value";
  if (taken_.emplace(name).second) return name;
  for (std::size_t i = 1;; ++i) {
    std::string other = name + "_" + std::to_string(i);
    if (taken_.emplace(other).second) return other;
  }
}

void Body::finish(const std::string& name, const Origin& origin) {
  // A node may make others (constants, captures, sizes as tensors) on its way.
  const std::vector<Pending> calls = std::move(pending_);
  pending_.clear();
  name_ = name;
  origin_ = origin;
  for (const Pending& each : calls) add(each, name, origin);
}

void Body::add(const Pending& call, const std::string& name, const Origin& origin) {
  std::vector<Operand> operands;
  for (const Arg& arg : call.args) operands.push_back(operand(arg));
  std::vector<Result> results;
  std::string own;
  for (const Refs& group : call.results) {
    Result result{{}, call.is_list};
    for (const Ref& term : group) {
      if (term->name.empty()) term->name = unique(name + "/" + call.what);
      if (own.empty()) own = term->name;
      result.values.push_back(ids_[term] = builder_.declare(described(term->name, term)));
    }
    results.push_back(std::move(result));
  }
  if (own.empty()) own = unique(name + "/" + call.what);
  if (call.kind == NodeKind::aten) {
    std::vector<NamedOperand> named;
    for (Operand& each : operands) named.push_back({"", std::move(each)});
    builder_.add_aten(own, call.op, std::move(named), std::move(results), origin);
  } else if (call.kind == NodeKind::kernel) {
    builder_.add({.kind = NodeKind::kernel,
                  .name = own,
                  .op = call.op,
                  .handle = {},
                  .operands = std::move(operands),
                  .results = std::move(results),
                  .bodies = {},
                  .kernel = call.kernel,
                  .autocast = {},
                  .origin = origin});
  } else if (call.kind == NodeKind::python) {
    builder_.add_python(own, call.op, std::move(operands), std::move(results), origin);
  } else {
    builder_.add_block(own, call.op, std::move(operands), call.bodies, std::move(results), origin);
  }
}

Operand Body::operand(const Number& number) {
  if (number.known()) return {number.constant};
  return {id(number.value)};
}

Operand Body::operand(const Arg& arg) {
  if (const auto* constant = std::get_if<c10::IValue>(&arg.is)) return {*constant};
  if (const auto* term = std::get_if<Ref>(&arg.is)) return {id(*term)};
  if (const auto* number = std::get_if<Number>(&arg.is)) return operand(*number);
  std::vector<Operand> items;
  for (const Arg& each : std::get<std::vector<Arg>>(arg.is)) items.push_back(operand(each));
  return {std::move(items)};
}

ValueId Body::id(const Ref& term) {
  if (const auto found = ids_.find(term); found != ids_.end()) return found->second;
  if (term->data.defined()) {
    std::string own = term->name.empty() ? name_ + "/constant" : term->name;
    const std::string fqn = own;
    own = claim(own);
    Value value = described(own, term);
    return ids_[term] = builder_.add_constant(
               std::move(value),
               {.value = no_value, .name = fqn, .kind = term->kind, .data = term->data});
  }
  if (term->numbers) return ids_[term] = materialised(term);
  if (outer_ == nullptr) throw internal_error("the term \"" + term->name + "\" has no value");
  outer_->id(term);
  captured_.push_back(term);
  return ids_[term] = builder_.add_input(described(unique(term->name), term));
}

void Body::capture(const Ref& term) {
  if (term->data.defined()) return;
  if (term->numbers) {
    for (const Number& each : *term->numbers) {
      if (!each.known()) id(each.value);
    }
    return;
  }
  id(term);
}

ValueId Body::materialised(const Ref& term) {
  const auto add_now = [&](const char* op, Args args) {
    const auto made = std::make_shared<Term>();
    set_seen(made, term->numbers_type, 0,
             op == std::string_view("aten::stack")
                 ? std::vector<std::int64_t>{static_cast<std::int64_t>(term->numbers->size())}
                 : std::vector<std::int64_t>{});
    made->seen[1] = made->seen[0];
    add({NodeKind::aten, op, std::move(args), {{made}}, false, "sizes", {}}, name_, origin_);
    return made;
  };
  Refs elements;
  for (const Number& each : *term->numbers)
    elements.push_back(add_now("aten::scalar_tensor", {each, term->numbers_type}));
  if (term->is_scalar) return ids_.at(elements.at(0));
  return ids_.at(add_now("aten::stack", {elements, 0}));
}

void Body::add_output(std::string name, const Ref& term) {
  builder_.add_output({std::move(name), {id(term)}});
}

}  // namespace pellucid::from_onnx

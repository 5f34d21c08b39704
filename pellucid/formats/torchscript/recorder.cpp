// Every node runs on all the examples when it is added. What depends on an input's content is
// marked so; a number that does not, and that is the same for all examples, is a literal.
#include "pellucid/formats/torchscript/recorder.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>

#include "pellucid/formats/pt2/targets.h"
#include "pellucid/graph/operand.h"
#include "pellucid/run/evaluator.h"
#include "pellucid/run/python_operators.h"

namespace pellucid::script {
namespace {

// Unrolled loops end somewhere; the largest of the networks that are known has 10,000 nodes.
constexpr std::size_t most_nodes = 1'000'000;

// Numbers that tell of a tensor's sizes only.
constexpr std::array<std::string_view, 4> of_sizes = {
    "aten::sym_size", "aten::sym_numel", "aten::sym_stride", "aten::sym_storage_offset"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The operand as it is for one example.
Operand at_example(const Item& item, std::size_t example) {
  if (const Symbol* known = symbol(item)) return {known->examples[example]};
  if (const List* known = list(item)) {
    std::vector<Operand> items;
    for (const Item& one : known->items) items.push_back(at_example(one, example));
    return {std::move(items)};
  }
  if (const c10::IValue* value = literal(item)) return {*value};
  throw Unsupported{model_error(kind_of(item) + " is given to an operator")};
}

std::string spelled(const c10::FunctionSchema& schema) {
  return schema.name() + "." +
         (schema.overload_name().empty() ? "default" : schema.overload_name());
}

bool same_number(const c10::IValue& a, const c10::IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  return a.isDouble() && b.isDouble() && a.toDouble() == b.toDouble();
}

std::string base_name(std::string_view op) {
  const auto colons = op.find("::");
  std::string name(colons == std::string_view::npos ? op : op.substr(colons + 2));
  return name.substr(0, name.find('.'));
}

}  // namespace

Value description(const Symbol& known) {
  Value value{.name = known.name, .is_tensor = known.is_tensor, .dtype = {}, .shape = {}};
  if (!known.is_tensor || known.examples.empty() || !known.examples[0].isTensor()) return value;
  const at::Tensor& first = known.examples[0].toTensor();
  if (!first.defined()) return value;
  value.dtype = first.scalar_type();
  for (std::int64_t axis = 0; axis < first.dim(); ++axis) {
    bool same = !known.sized_by_content;
    for (const c10::IValue& example : known.examples) {
      const at::Tensor& other = example.toTensor();
      same = same && other.dim() == first.dim() && other.size(axis) == first.size(axis);
    }
    value.shape.push_back(same ? std::optional(first.size(axis)) : std::nullopt);
  }
  return value;
}

ValueId Scope::id_of(const Symbol& known) {
  if (known.scope == this) return known.id;
  if (outer_ == nullptr)
    throw Unsupported{
        model_error("a value of a branch is used after the branch").at("value " + known.name)};
  const auto [found, fresh] = by_name_.try_emplace(known.name, no_value);
  if (fresh) {
    found->second = builder_.add_input(description(known));
    captured_.push_back(known);
  }
  return found->second;
}

Recorder::Recorder(std::size_t examples) : examples_(examples) {}

std::string Recorder::fresh(const std::string& wanted) {
  std::string name = wanted;
  while (!taken_.insert(name).second) name = wanted + "_" + std::to_string(++counts_[wanted]);
  return name;
}

void Recorder::spend() {
  if (++nodes_ > most_nodes)
    throw Unsupported{model_error("the program, its loops unrolled, has more than " +
                                  std::to_string(most_nodes) + " operations")};
}

SymbolRef Recorder::input(const std::string& name, std::vector<c10::IValue> examples) {
  Symbol made{
      .scope = scope_, .id = no_value, .name = fresh(name), .examples = std::move(examples)};
  made.id = scope_->builder().add_input(description(made));
  return std::make_shared<Symbol>(std::move(made));
}

SymbolRef Recorder::body_input(const std::string& name, const Symbol& like, bool sized_by_content) {
  Symbol made = like;
  made.scope = scope_;
  made.name = fresh(name);
  made.depends = true;
  made.sized_by_content = sized_by_content || !made.is_tensor;
  made.id = scope_->builder().add_input(description(made));
  return std::make_shared<Symbol>(std::move(made));
}

SymbolRef Recorder::constant(const at::Tensor& data, const std::string& name, ConstantKind kind) {
  const auto found = constants_.find(data.unsafeGetTensorImpl());
  if (found != constants_.end()) return found->second;
  std::string value_name = (kind == ConstantKind::parameter ? "p_"
                            : kind == ConstantKind::buffer  ? "b_"
                                                            : "c_") +
                           name;
  std::replace(value_name.begin(), value_name.end(), '.', '_');
  Symbol made{.scope = &root_,
              .id = no_value,
              .name = fresh(value_name),
              .depends = false,
              .examples = std::vector<c10::IValue>(examples_, data)};
  made.id = root_.builder().add_constant(
      description(made), {.value = no_value, .name = name, .kind = kind, .data = data});
  constant_storages_.insert(storage_of(data));
  return constants_[data.unsafeGetTensorImpl()] = std::make_shared<Symbol>(std::move(made));
}

Operand Recorder::operand(const Item& item) {
  if (const Symbol* known = symbol(item)) return {scope_->id_of(*known)};
  if (const List* known = list(item)) {
    std::vector<Operand> items;
    for (const Item& one : known->items) items.push_back(operand(one));
    return {std::move(items)};
  }
  if (const c10::IValue* value = literal(item)) return {*value};
  throw Unsupported{model_error(kind_of(item) + " is given to an operator")};
}

SymbolRef Recorder::declare(Symbol made) {
  made.scope = scope_;
  made.id = scope_->builder().declare(description(made));
  return std::make_shared<Symbol>(std::move(made));
}

std::vector<Item> Recorder::call(const c10::OperatorHandle& handle,
                                 const std::vector<Item>& operands, const Origin& origin) {
  const c10::FunctionSchema& schema = handle.schema();
  const std::string op = spelled(schema);
  if (!pt2::is_known({NodeKind::aten, op}))
    throw Unsupported{model_error("unknown operator " + op)};
  spend();
  forbid_writes_to_weights(handle, operands);

  const at::NoGradGuard no_gradient;
  const auto& arguments = schema.arguments();
  if (operands.size() != arguments.size())
    throw Unsupported{model_error(op + " wants " + std::to_string(arguments.size()) +
                                  " operands, got " + std::to_string(operands.size()))};
  std::vector<std::vector<c10::IValue>> answers;  // by example
  for (std::size_t e = 0; e < examples_; ++e) {
    torch::jit::Stack stack;
    try {
      for (std::size_t i = 0; i < arguments.size(); ++i)
        stack.push_back(fit(at_example(operands[i], e), arguments[i]).constant());
      handle.callBoxed(stack);
    } catch (const std::exception& error) {
      const auto* typed = dynamic_cast<const c10::Error*>(&error);
      const std::string why =
          op + " failed: " +
          first_line(typed != nullptr ? typed->what_without_backtrace() : error.what());
      if (e > 0) throw BatchMatters{why};
      throw model_error(why).at(origin.source.empty() ? "module " + origin.module_path
                                                      : origin.source);
    }
    answers.emplace_back(stack.begin(), stack.end());
  }
  const Taint taint = taint_of(handle, operands);
  if (taint.depends) taint_what_is_written(handle, operands);

  std::vector<Item> made;
  std::vector<Result> results;
  const std::string base = base_name(op);
  bool only_literals = !schema.returns().empty();
  const auto one = [&](std::vector<c10::IValue> examples, std::vector<ValueId>& values) -> Item {
    const bool tensor = examples[0].isTensor();
    if (!tensor) {
      for (const c10::IValue& example : examples) {
        if (!example.isInt() && !example.isDouble() && !example.isBool())
          throw Unsupported{model_error(op + " returns " + example.tagKind())};
      }
      const bool same = std::all_of(examples.begin(), examples.end(), [&](const c10::IValue& v) {
        return same_number(v, examples[0]);
      });
      const bool by_sizes = contains(of_sizes, schema.name()) && !taint.sized_by_content;
      if (same && (by_sizes || !taint.depends)) {
        values.push_back(no_value);
        return examples[0];
      }
      only_literals = false;
      SymbolRef number = declare({.name = fresh(base),
                                  .is_tensor = false,
                                  .depends = taint.depends,
                                  .sized_by_content = !by_sizes,
                                  .examples = std::move(examples)});
      values.push_back(number->id);
      return number;
    }
    only_literals = false;
    for (const c10::IValue& example : examples) {
      if (example.toTensor().dim() != examples[0].toTensor().dim())
        throw BatchMatters{"the rank of a result of " + op + " depends on the batch"};
    }
    SymbolRef tensor_made = declare({.name = fresh(base),
                                     .is_tensor = true,
                                     .depends = taint.depends,
                                     .sized_by_content = taint.sized_by_content,
                                     .examples = std::move(examples)});
    values.push_back(tensor_made->id);
    return tensor_made;
  };
  for (std::size_t r = 0; r < schema.returns().size(); ++r) {
    Result& result = results.emplace_back();
    result.is_list = answers[0][r].isTensorList();
    const auto pick = [&](const auto& choose) {
      std::vector<c10::IValue> picked;
      for (const auto& answer : answers) picked.push_back(choose(answer[r]));
      return picked;
    };
    if (!result.is_list) {
      made.push_back(one(pick([](const c10::IValue& value) { return value; }), result.values));
      continue;
    }
    const std::size_t count = answers[0][r].toListRef().size();
    for (const auto& answer : answers) {
      if (answer[r].toListRef().size() != count)
        throw BatchMatters{op + " returns as many values as the batch has samples"};
    }
    if (taint.sized_by_content)
      throw Unsupported{model_error(op + " returns a list whose length depends on the input")};
    auto items = std::make_shared<List>();
    items->scope = scope_;
    for (std::size_t i = 0; i < count; ++i)
      items->items.push_back(
          one(pick([&](const c10::IValue& v) { return v.toListRef()[i]; }), result.values));
    made.emplace_back(std::move(items));
  }
  if (only_literals) return made;
  std::vector<NamedOperand> named;
  for (const Item& item : operands) named.push_back({"", operand(item)});
  std::string name;
  for (const Result& result : results)
    for (const ValueId id : result.values)
      if (name.empty() && id != no_value) name = base;
  for (const Item& item : made)
    for_each_symbol(item, [&](const Symbol& known) { name = name == base ? known.name : name; });
  if (name.empty()) name = fresh(base);
  scope_->builder().add_aten(name, op, std::move(named), std::move(results), origin);
  return made;
}

Item Recorder::number(std::string_view op, const std::vector<Item>& operands,
                      const Origin& origin) {
  spend();
  bool known = true, by_content = false, depends = false;
  for (const Item& item : operands) {
    for_each_symbol(item, [&](const Symbol& one) {
      known = false;
      by_content |= one.sized_by_content;
      depends |= one.depends;
    });
  }
  std::vector<c10::IValue> examples;
  for (std::size_t e = 0; e < (known ? 1 : examples_); ++e) {
    std::vector<c10::IValue> values;
    for (const Item& item : operands) values.push_back(at_example(item, e).constant());
    examples.push_back(evaluate_python(op, values));
  }
  if (known) return examples[0];
  const std::string name = fresh(std::string(op));
  SymbolRef made = declare({.name = name,
                            .is_tensor = false,
                            .depends = depends,
                            .sized_by_content = by_content,
                            .examples = std::move(examples)});
  std::vector<Operand> given;
  for (const Item& item : operands) given.push_back(operand(item));
  scope_->builder().add_python(name, "python::" + std::string(op), std::move(given),
                               {Result{{made->id}, false}}, origin);
  return made;
}

std::vector<Item> Recorder::block(std::string_view op, std::vector<Operand> operands,
                                  std::vector<std::shared_ptr<const Graph>> bodies,
                                  std::vector<Symbol> results, const Origin& origin) {
  spend();
  std::vector<Item> made;
  std::vector<Result> returned;
  std::string name;
  for (Symbol& result : results) {
    result.name = fresh(base_name(op));
    if (name.empty()) name = result.name;
    SymbolRef one = declare(std::move(result));
    returned.push_back({{one->id}, false});
    made.emplace_back(std::move(one));
  }
  if (name.empty()) name = fresh(base_name(op));
  scope_->builder().add_block(name, op, std::move(operands), std::move(bodies), std::move(returned),
                              origin);
  return made;
}

std::shared_ptr<const Graph> Recorder::build() && { return std::move(root_.builder()).build(); }

}  // namespace pellucid::script

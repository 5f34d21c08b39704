// Branches and loops. What is known while the graph is built is resolved there; what the content of
// an input decides becomes a block. A branch that raises is a check of the caller's: the other one
// is taken.
#include <algorithm>
#include <limits>

#include "pellucid/formats/torchscript/interpreter.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/run/evaluator.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

bool truth(const c10::IValue& value) {
  return value.isBool() ? value.toBool() : value.isInt() && value.toInt() != 0;
}

bool same_literal(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() || b.isTensor()) return a.is(b);
  if (a.tagKind() != b.tagKind()) return false;
  return a.isNone() || a == b;
}

// Pairs of what two branches make in the same place, where they differ. Containers must have one
// form.
void differing(const Item& a, const Item& b, std::vector<std::pair<Item, Item>>& leaves) {
  const c10::IValue *left = literal(a), *right = literal(b);
  if (left != nullptr && right != nullptr && same_literal(*left, *right)) return;
  const auto refuse = [&] {
    return Unsupported{model_error("the branches of a condition that an input decides give " +
                                   kind_of(a) + " and " + kind_of(b))
                           .hint("give the same kinds of values in both")};
  };
  const auto each = [&](const std::vector<Item>& x, const std::vector<Item>& y) {
    if (x.size() != y.size()) throw refuse();
    for (std::size_t i = 0; i < x.size(); ++i) differing(x[i], y[i], leaves);
  };
  if (list(a) != nullptr && list(b) != nullptr) return each(list(a)->items, list(b)->items);
  if (tuple(a) != nullptr && tuple(b) != nullptr) return each(tuple(a)->items, tuple(b)->items);
  if (instance(a) != nullptr && instance(a) == instance(b)) return;
  if (dict(a) != nullptr && dict(a) == dict(b)) return;
  const bool tensors = is_tensor(a) && is_tensor(b), numbers = is_number(a) && is_number(b);
  if (!tensors && !numbers) throw refuse();
  leaves.emplace_back(a, b);
}

// The same walk, the leaves replaced by what the block gives for them.
Item joined(const Item& a, const Item& b, const std::vector<Item>& results, std::size_t& next) {
  const c10::IValue *left = literal(a), *right = literal(b);
  if (left != nullptr && right != nullptr && same_literal(*left, *right)) return a;
  if (const List* one = list(a)) {
    auto made = std::make_shared<List>(*one);
    for (std::size_t i = 0; i < made->items.size(); ++i)
      made->items[i] = joined(one->items[i], list(b)->items[i], results, next);
    return made;
  }
  if (const Tuple* one = tuple(a)) {
    auto made = std::make_shared<Tuple>(*one);
    for (std::size_t i = 0; i < made->items.size(); ++i)
      made->items[i] = joined(one->items[i], tuple(b)->items[i], results, next);
    return made;
  }
  if (instance(a) != nullptr || dict(a) != nullptr) return a;
  return results.at(next++);
}

c10::IValue at_example(const Item& item, std::size_t example) {
  if (const Symbol* known = symbol(item)) return known->examples[example];
  return *literal(item);
}

// What the results of a block are for the examples: sizes that the ways to go disagree in are
// decided by content.
Symbol result_of(std::vector<c10::IValue> examples, const std::vector<c10::IValue>& others) {
  Symbol made{.examples = std::move(examples)};
  made.is_tensor = made.examples[0].isTensor();
  made.sized_by_content = !made.is_tensor;
  for (std::size_t e = 0; e < made.examples.size() && made.is_tensor; ++e) {
    const at::Tensor &taken = made.examples[e].toTensor(), &other = others[e].toTensor();
    if (taken.dim() != other.dim() || taken.scalar_type() != other.scalar_type())
      throw Unsupported{model_error("an input decides over the rank or the type of a tensor")};
    made.sized_by_content |= taken.sizes() != other.sizes();
  }
  return made;
}

// Both bodies of a condition are handed the same: the inputs of each become those named.
std::shared_ptr<const Graph> with_inputs(const Graph& body, const std::vector<Symbol>& wanted) {
  GraphParts parts = take_apart(body);
  parts.inputs.clear();
  for (const Symbol& symbol : wanted) {
    const ValueId known = body.find(symbol.name);
    if (known != no_value) {
      parts.inputs.push_back(known);
      continue;
    }
    parts.inputs.push_back(static_cast<ValueId>(parts.values.size()));
    parts.values.push_back(description(symbol));
  }
  return assemble(std::move(parts));
}

void add_missing(std::vector<Symbol>& all, const std::vector<Symbol>& more) {
  for (const Symbol& symbol : more) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const Symbol& known) { return known.name == symbol.name; }))
      all.push_back(symbol);
  }
}

// A block with a body that writes into what it is handed would have to run as it is written, with
// all that share the storage; nothing that is known does so.
void forbid_writes(const Graph& body) {
  const Aliases aliases(body);
  for (const ValueId id : body.inputs()) {
    if (aliases.mutated(id))
      throw Unsupported{
          model_error("a branch or loop that an input decides writes into the value " +
                      body.value(id).name + " from outside of it")};
  }
}

std::shared_ptr<const Graph> body_of(Scope& scope, Recorder& recorder,
                                     const std::vector<Item>& outputs) {
  for (const Item& item : outputs) scope.builder().add_output({"", recorder.operand(item)});
  if (outputs.empty()) scope.builder().add_output({"", Operand{c10::IValue()}});
  auto body = functionalise(*std::move(scope.builder()).build());
  forbid_writes(*body);
  return body;
}

class Inside {
 public:
  Inside(Recorder& recorder, Scope& body) : recorder_(recorder), outer_(recorder.scope()) {
    recorder.enter(body);
  }
  ~Inside() { recorder_.enter(outer_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Recorder& recorder_;
  Scope& outer_;
};

}  // namespace

bool raises(const jit::Block& block) {
  for (const jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::RaiseException) return true;
    if (node->kind() == c10::prim::If && raises(*node->blocks()[0]) && raises(*node->blocks()[1]))
      return true;
  }
  return false;
}

void Interpreter::run_if(const jit::Node& node, Values& values) {
  const Item condition = get(node.input(), values);
  const auto take = [&](std::size_t which) {
    const jit::Block& block = *node.blocks()[which];
    run_block(block, values);
    for (std::size_t i = 0; i < node.outputs().size(); ++i)
      set(node.outputs()[i], get(block.outputs()[i], values), values);
  };
  if (const c10::IValue* known = literal(condition)) return take(truth(*known) ? 0 : 1);
  const Symbol* decides = symbol(condition);
  if (decides == nullptr) throw Unsupported{model_error("a condition on " + kind_of(condition))};
  if (raises(*node.blocks()[0])) return take(1);
  if (raises(*node.blocks()[1])) return take(0);
  if (!decides->sized_by_content) throw BatchMatters{"a condition asks for the batch"};
  run_branches(node, condition, values);
}

void Interpreter::run_branches(const jit::Node& node, const Item& condition, Values& values) {
  const Origin origin = origin_of(node);
  Scope bodies[2] = {Scope(&recorder_.scope()), Scope(&recorder_.scope())};
  std::vector<Item> outputs[2];
  for (std::size_t b = 0; b < 2; ++b) {
    const Inside inside(recorder_, bodies[b]);
    run_block(*node.blocks()[b], values);
    for (const jit::Value* output : node.blocks()[b]->outputs())
      outputs[b].push_back(get(output, values));
  }
  std::vector<std::pair<Item, Item>> leaves;
  for (std::size_t i = 0; i < outputs[0].size(); ++i)
    differing(outputs[0][i], outputs[1][i], leaves);

  std::vector<std::shared_ptr<const Graph>> graphs;
  std::vector<Symbol> handed;
  for (std::size_t b = 0; b < 2; ++b) {
    std::vector<Item> given;
    for (const auto& [then, otherwise] : leaves) given.push_back(b == 0 ? then : otherwise);
    const Inside inside(recorder_, bodies[b]);
    graphs.push_back(body_of(bodies[b], recorder_, given));
    add_missing(handed, bodies[b].captured());
  }
  for (auto& graph : graphs) graph = with_inputs(*graph, handed);

  std::vector<Symbol> results;
  for (const auto& [then, otherwise] : leaves) {
    std::vector<c10::IValue> taken, left;
    for (std::size_t e = 0; e < recorder_.examples(); ++e) {
      const bool first = truth(at_example(condition, e));
      taken.push_back(at_example(first ? then : otherwise, e));
      left.push_back(at_example(first ? otherwise : then, e));
    }
    results.push_back(result_of(std::move(taken), left));
  }
  std::vector<Operand> operands = {recorder_.operand(condition)};
  for (const Symbol& known : handed) operands.push_back({recorder_.scope().id_of(known)});
  const std::vector<Item> made = recorder_.block("block::cond", std::move(operands),
                                                 std::move(graphs), std::move(results), origin);
  std::size_t next = 0;
  for (std::size_t i = 0; i < outputs[0].size(); ++i)
    set(node.outputs()[i], joined(outputs[0][i], outputs[1][i], made, next), values);
}

void Interpreter::run_loop(const jit::Node& node, Values& values) {
  Looping looping{get(node.input(0), values), get(node.input(1), values), {}, 0};
  for (std::size_t i = 2; i < node.inputs().size(); ++i)
    looping.carried.push_back(get(node.input(i), values));
  const jit::Block& block = *node.blocks()[0];
  const auto asks_for_batch = [](const Item& item) {
    const Symbol* known = symbol(item);
    return known != nullptr && !known->sized_by_content;
  };
  for (;; ++looping.first) {
    if (asks_for_batch(looping.trip) || asks_for_batch(looping.condition))
      throw BatchMatters{"a loop runs once per sample"};
    const c10::IValue *trip = literal(looping.trip), *condition = literal(looping.condition);
    if (trip == nullptr || condition == nullptr)
      return run_rest_of_loop(node, std::move(looping), values);
    if (looping.first >= trip->toInt() || !truth(*condition)) break;
    set(block.inputs()[0], c10::IValue(looping.first), values);
    for (std::size_t i = 0; i < looping.carried.size(); ++i)
      set(block.inputs()[i + 1], looping.carried[i], values);
    run_block(block, values);
    looping.condition = get(block.outputs()[0], values);
    for (std::size_t i = 0; i < looping.carried.size(); ++i)
      looping.carried[i] = get(block.outputs()[i + 1], values);
  }
  for (std::size_t i = 0; i < looping.carried.size(); ++i)
    set(node.outputs()[i], looping.carried[i], values);
}

Interpreter::LoopBody Interpreter::loop_body(const jit::Node& node, const Looping& looping,
                                             const std::vector<bool>& varying, Values& values) {
  const jit::Block& block = *node.blocks()[0];
  Scope scope(&recorder_.scope());
  const Inside inside(recorder_, scope);
  const auto numbers = [&](const c10::IValue& value) {
    return Symbol{.is_tensor = false,
                  .sized_by_content = true,
                  .examples = std::vector<c10::IValue>(recorder_.examples(), value)};
  };
  Item round = recorder_.body_input("round", numbers(c10::IValue(std::int64_t{0})), true);
  recorder_.body_input("goes_on", numbers(c10::IValue(true)), true);
  if (looping.first > 0) round = recorder_.number("add", {round, c10::IValue(looping.first)}, {});
  set(block.inputs()[0], round, values);
  LoopBody body{.graph = {}, .captured = {}, .results = {}, .varying = varying};
  for (std::size_t i = 0; i < looping.carried.size(); ++i) {
    const Item& item = looping.carried[i];
    Symbol like;
    if (const Symbol* known = symbol(item)) {
      like = *known;
    } else if (is_number(item)) {
      like = numbers(*literal(item));
    } else {
      throw Unsupported{model_error("a loop whose rounds an input decides carries " +
                                    kind_of(item) + " from round to round")
                            .hint("carry tensors and numbers only")};
    }
    set(block.inputs()[i + 1], recorder_.body_input("carried", like, varying[i]), values);
    body.results.push_back(std::move(like));
  }
  run_block(block, values);
  std::vector<Item> outputs = {get(block.outputs()[0], values)};
  for (std::size_t i = 0; i < looping.carried.size(); ++i) {
    outputs.push_back(get(block.outputs()[i + 1], values));
    const Item& after = outputs.back();
    const Symbol& before = body.results[i];
    if (is_tensor(after) != before.is_tensor || (!is_tensor(after) && !is_number(after)))
      throw Unsupported{model_error("a loop turns " +
                                    std::string(before.is_tensor ? "a tensor" : "a number") +
                                    " into " + kind_of(after))};
    if (!before.is_tensor) continue;
    std::vector<c10::IValue> later;
    for (std::size_t e = 0; e < recorder_.examples(); ++e) later.push_back(at_example(after, e));
    body.varying[i] = varying[i] || symbol(after)->sized_by_content ||
                      result_of(before.examples, later).sized_by_content;
  }
  body.graph = body_of(scope, recorder_, outputs);
  body.captured = scope.captured();
  return body;
}

void Interpreter::run_rest_of_loop(const jit::Node& node, Looping looping, Values& values) {
  const Origin origin = origin_of(node);
  std::vector<bool> varying;
  for (const Item& item : looping.carried)
    varying.push_back(symbol(item) != nullptr && symbol(item)->sized_by_content);
  LoopBody body = loop_body(node, looping, varying, values);
  // Sizes that a round changes are no constants in it.
  if (body.varying != varying) body = loop_body(node, looping, body.varying, values);

  Item trip = looping.trip;
  if (const c10::IValue* most = literal(trip))
    trip = most->toInt() == std::numeric_limits<std::int64_t>::max()
               ? c10::IValue()
               : c10::IValue(most->toInt() - looping.first);
  else if (looping.first > 0)
    trip = recorder_.number("sub", {trip, c10::IValue(looping.first)}, origin);
  std::vector<Item> given = {trip, looping.condition,
                             c10::IValue(static_cast<std::int64_t>(looping.carried.size()))};
  given.insert(given.end(), looping.carried.begin(), looping.carried.end());
  std::vector<Operand> operands;
  for (const Item& item : given) operands.push_back(recorder_.operand(item));
  for (const Symbol& known : body.captured) operands.push_back({recorder_.scope().id_of(known)});

  // The loop itself says what its results are for the examples.
  std::vector<std::vector<c10::IValue>> examples(looping.carried.size());
  for (std::size_t e = 0; e < recorder_.examples(); ++e) {
    Node once;
    once.kind = NodeKind::block;
    once.name = "loop";
    once.op = "block::loop";
    for (const Item& item : given) once.operands.push_back({at_example(item, e)});
    for (const Symbol& known : body.captured) once.operands.push_back({known.examples[e]});
    for (std::size_t i = 0; i < looping.carried.size(); ++i)
      once.results.push_back({{static_cast<ValueId>(i)}, false});
    once.bodies = {body.graph};
    Frame frame(looping.carried.size());
    const at::NoGradGuard no_gradient;
    evaluate(*body.graph, once, frame, {});
    for (std::size_t i = 0; i < frame.size(); ++i) examples[i].push_back(frame[i]);
  }
  for (std::size_t i = 0; i < body.results.size(); ++i) {
    Symbol& result = body.results[i];
    result.examples = std::move(examples[i]);
    result.depends = true;
    result.sized_by_content = !result.is_tensor || body.varying[i];
  }
  const std::vector<Item> made = recorder_.block(
      "block::loop", std::move(operands), {std::move(body.graph)}, std::move(body.results), origin);
  for (std::size_t i = 0; i < made.size(); ++i) set(node.outputs()[i], made[i], values);
}

}  // namespace pellucid::script

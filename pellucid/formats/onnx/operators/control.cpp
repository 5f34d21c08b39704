// If and Loop. What can be decided while reading is; the rest becomes a block that decides when the
// model runs.
#include <ATen/ops/scalar_tensor.h>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {
namespace {

// What the graphs of a node use of those around, in one order for all of them.
Refs captures(Call& call, std::initializer_list<const GraphRecord*> graphs) {
  std::map<std::string_view, Ref> found;
  for (const GraphRecord* graph : graphs) {
    for (const std::string_view name : free_names(*graph)) {
      if (const Ref term = call.scope.find(name)) found.emplace(name, term);
    }
  }
  Refs terms;
  for (const auto& [name, term] : found) {
    if (std::ranges::find(terms, term) == terms.end()) terms.push_back(term);
  }
  return terms;
}

void reserve_names(Body& body, const GraphRecord& graph) {
  for (const NodeRecord& node : graph.nodes) {
    for (const std::string_view name : node.outputs) body.reserve(name);
  }
}

// What two ways of making a value have in common.
void merge(const Ref& into, const Ref& a, const Ref& b) {
  if (!is_known(a) || !is_known(b) || rank_of(a) != rank_of(b) || dtype_of(a) != dtype_of(b))
    return;
  into->seen = {a->seen[0], b->seen[1]};
}

Refs branch(Call& call) {
  const GraphRecord &yes = call.graph("then_branch"), &no = call.graph("else_branch");
  const Ref condition = call.in(0);
  if (condition->data.defined()) {
    if (condition->data.numel() != 1) throw call.refuse("wants one truth value");
    return call.program.inlined(call.body, call.scope, condition->data.item<bool>() ? yes : no, {});
  }
  const Refs captured = captures(call, {&yes, &no});
  std::vector<std::shared_ptr<const Graph>> bodies;
  std::vector<Refs> outputs;
  Refs handed;
  for (const GraphRecord* graph : {&yes, &no}) {
    Body body(&call.body);
    reserve_names(body, *graph);
    for (const Ref& each : captured) body.capture(each);
    const Refs made = call.program.inlined(body, call.scope, *graph, {});
    for (std::size_t i = 0; i < made.size(); ++i) body.add_output(std::to_string(i), made[i]);
    handed = body.captured();
    if (made.empty()) throw call.refuse("has a graph without outputs");
    bodies.push_back(body.build());
    outputs.push_back(made);
  }
  if (outputs[0].size() != outputs[1].size()) throw call.refuse("has graphs of unlike outputs");
  Refs results;
  for (std::size_t i = 0; i < outputs[0].size(); ++i) {
    results.push_back(std::make_shared<Term>());
    merge(results.back(), outputs[0][i], outputs[1][i]);
  }
  Args args = {condition};
  args.insert(args.end(), handed.begin(), handed.end());
  return call.body.block("block::cond", std::move(args), std::move(bodies), results);
}

constexpr std::int64_t most_unrolled = 32;

// A loop of few rounds that are counted while reading, and that nothing else ends, is written out.
std::optional<Refs> unrolled(Call& call, const GraphRecord& graph) {
  const Ref most = call.maybe(0), first = call.maybe(1);
  if (most == nullptr || !most->data.defined()) return std::nullopt;
  if (first != nullptr && !first->data.defined()) return std::nullopt;
  const std::int64_t rounds = call.constants(most, "rounds").at(0);
  if (rounds > most_unrolled) return std::nullopt;
  if (graph.inputs.size() < 2 || graph.inputs.size() != call.count() ||
      graph.outputs.size() < graph.inputs.size() - 1)
    throw call.refuse("has a graph of other inputs or outputs than its own");
  const std::size_t carried = graph.inputs.size() - 2, kept = graph.outputs.size() - 1 - carried;
  bool goes_on = first == nullptr || first->data.item<bool>();
  Refs values;
  for (std::size_t i = 0; i < carried; ++i) values.push_back(call.in(i + 2));
  std::vector<Refs> rows(kept);
  for (std::int64_t round = 0; round < rounds && goes_on; ++round) {
    Refs handed = {numbers_term({number(round)}, true, at::kLong),
                   numbers_term({number(c10::IValue(true))}, true, at::kBool)};
    handed.insert(handed.end(), values.begin(), values.end());
    const std::string prefix = call.scope.prefix;
    if (round > 0) call.scope.prefix += "round_" + std::to_string(round) + "/";
    const Refs made = call.program.inlined(call.body, call.scope, graph, handed);
    call.scope.prefix = prefix;
    if (!made[0]->data.defined()) return std::nullopt;  // data ends it
    goes_on = made[0]->data.item<bool>();
    for (std::size_t i = 0; i < carried; ++i) values[i] = made[i + 1];
    for (std::size_t i = 0; i < kept; ++i) rows[i].push_back(made[1 + carried + i]);
  }
  for (Refs& each : rows) {
    if (each.empty()) return std::nullopt;
    values.push_back(call.aten("aten::stack", {each, 0}, "rounds"));
  }
  return values;
}

Refs loop(Call& call) {
  const GraphRecord& graph = call.graph("body");
  if (graph.inputs.size() < 2 || graph.inputs.size() != std::max<std::size_t>(call.count(), 2) ||
      graph.outputs.size() < graph.inputs.size() - 1)
    throw call.refuse("has a graph of other inputs or outputs than its own");
  const std::size_t carried = graph.inputs.size() - 2, kept = graph.outputs.size() - 1 - carried;
  const Refs captured = captures(call, {&graph});

  Body body(&call.body);
  reserve_names(body, graph);
  Refs handed;
  const Ref round = body.add_number_input(std::string(graph.inputs[0].name));
  const Ref goes_on = body.add_number_input(std::string(graph.inputs[1].name));
  const auto as_tensor = [](const Ref& value, at::ScalarType type) {
    return numbers_term({Number{.constant = {}, .value = value, .seen = {}}}, true, type);
  };
  handed.push_back(as_tensor(round, at::kLong));
  handed.push_back(as_tensor(goes_on, at::kBool));
  Args args = {call.maybe(0), call.maybe(1), static_cast<std::int64_t>(carried)};
  for (std::size_t i = 0; i < carried; ++i) {
    const Ref first = call.in(i + 2);
    args.emplace_back(first);
    // Sizes may change from round to round: only those that the graph declares are taken for known.
    const ValueRecord& declared = graph.inputs[i + 2];
    std::array<at::Tensor, 2> seen = first->seen;
    bool fixed = declared.has_shape;
    for (const ValueRecord::Size& size : declared.sizes) fixed = fixed && size.number.has_value();
    Value value{.name = std::string(declared.name), .is_tensor = true, .dtype = {}, .shape = {}};
    if (is_known(first)) {
      value.dtype = dtype_of(first);
      if (!fixed && rank_of(first) > 0) {
        std::vector<std::int64_t> other = first->seen[1].sizes().vec();
        for (std::int64_t& size : other) ++size;
        const auto made = std::make_shared<Term>();
        set_seen(made, *value.dtype, 1, other);
        seen[1] = made->seen[1];
      }
    }
    handed.push_back(body.add_input(std::move(value), seen));
  }
  for (const Ref& each : captured) body.capture(each);
  const Refs made = call.program.inlined(body, call.scope, graph, handed);
  for (std::size_t i = 0; i < made.size(); ++i) body.add_output(std::to_string(i), made[i]);
  for (const Ref& each : body.captured()) args.emplace_back(each);

  Refs results;
  for (std::size_t i = 0; i < carried; ++i) {
    results.push_back(std::make_shared<Term>());
    merge(results.back(), call.in(i + 2), made[i + 1]);
  }
  for (std::size_t i = 0; i < kept; ++i) {
    results.push_back(std::make_shared<Term>());
    const Ref& each = made[1 + carried + i];
    for (std::size_t form = 0; form < 2 && is_known(each); ++form) {
      std::vector<std::int64_t> sizes = each->seen[form].sizes().vec();
      sizes.insert(sizes.begin(), 2 + static_cast<std::int64_t>(form));
      set_seen(results.back(), dtype_of(each), form, sizes);
    }
  }
  return call.body.block("block::loop", std::move(args), {body.build()}, results);
}

Refs loop_or_rounds(Call& call) {
  if (auto written_out = unrolled(call, call.graph("body"))) return std::move(*written_out);
  return loop(call);
}

// Every round takes one element of each scanned input; the number of rounds must be known.
Refs scan(Call& call) {
  const GraphRecord& graph = call.graph("body");
  if (call.opset < 9) throw call.refuse("of opset 8 is not read");
  const auto scanned =
      static_cast<std::size_t>(std::max<std::int64_t>(call.integer("num_scan_inputs", 0), 0));
  if (scanned == 0 || scanned > call.count()) throw call.refuse("scans nothing");
  const std::size_t states = call.count() - scanned;
  if (graph.outputs.size() < states) throw call.refuse("has too few outputs");
  const std::size_t kept = graph.outputs.size() - states;
  const auto all = [&](const char* name, std::size_t count) {
    return call.integers(name).value_or(std::vector<std::int64_t>(count, 0));
  };
  const auto in_axes = all("scan_input_axes", scanned), out_axes = all("scan_output_axes", kept),
             in_turned = all("scan_input_directions", scanned),
             out_turned = all("scan_output_directions", kept);
  if (in_axes.size() != scanned || in_turned.size() != scanned || out_axes.size() != kept ||
      out_turned.size() != kept)
    throw call.refuse("has attributes of wrong lengths");
  const auto length =
      known_size(call.in(states), call.axis(in_axes[0], call.rank(call.in(states))));
  if (!length || *length > 1024) throw call.refuse("scans a length that is not fixed");
  Refs values;
  for (std::size_t i = 0; i < states; ++i) values.push_back(call.in(i));
  std::vector<Refs> rows(kept);
  for (std::int64_t round = 0; round < *length; ++round) {
    Refs handed = values;
    for (std::size_t i = 0; i < scanned; ++i)
      handed.push_back(call.aten(
          "aten::select.int",
          {call.in(states + i), in_axes[i], in_turned[i] == 0 ? round : *length - 1 - round},
          "element"));
    const std::string prefix = call.scope.prefix;
    if (round > 0) call.scope.prefix += "round_" + std::to_string(round) + "/";
    const Refs made = call.program.inlined(call.body, call.scope, graph, handed);
    call.scope.prefix = prefix;
    for (std::size_t i = 0; i < states; ++i) values[i] = made[i];
    for (std::size_t i = 0; i < kept; ++i) rows[i].push_back(made[states + i]);
  }
  for (std::size_t i = 0; i < kept; ++i) {
    if (out_turned[i] != 0) std::ranges::reverse(rows[i]);
    values.push_back(call.aten("aten::stack", {rows[i], out_axes[i]}, "rounds"));
  }
  return values;
}

// An optional value here is one that is left out: what has a value is that value.
Refs is_there(Call& call) {
  return {constant_term(at::scalar_tensor(call.maybe(0) != nullptr, at::kBool))};
}
Refs value_of(Call& call) { return {call.in(0)}; }

constexpr Operator table[] = {
    {"If", branch},
    {"Loop", loop_or_rounds},
    {"OptionalGetElement", value_of},
    {"OptionalHasElement", is_there},
    {"Scan", scan},
};

}  // namespace

std::span<const Operator> control_operators() { return table; }

}  // namespace pellucid::from_onnx

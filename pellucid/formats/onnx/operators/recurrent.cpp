// LSTM, GRU and RNN: ATen's own where it has the same cell, else step by step.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

constexpr std::int64_t most_steps = 256;

// What the three have in common. Gates stand in the node's order.
struct Layers {
  Ref x, w, r, b, h, c, peepholes;
  std::int64_t directions = 1, hidden = 0, gates = 1;
  bool reverse = false, batch_first = false;
  std::vector<std::string> activations;
};

Ref block(Call& call, const Ref& of, std::int64_t direction, std::int64_t from,
          std::int64_t count) {
  const Ref one = call.aten("aten::select.int", {of, 0, direction}, "direction");
  return call.aten("aten::slice.Tensor", {one, 0, from, from + count}, "gates");
}

// The gates' rows in another order.
Ref ordered(Call& call, const Layers& l, const Ref& of, std::int64_t direction, std::int64_t first,
            std::initializer_list<std::int64_t> order) {
  Refs parts;
  for (const std::int64_t gate : order)
    parts.push_back(block(call, of, direction, (first + gate) * l.hidden, l.hidden));
  return parts.size() == 1 ? parts[0] : call.aten("aten::cat", {parts, 0}, "weights");
}

Layers layers_of(Call& call, std::int64_t gates, std::vector<std::string> usual) {
  Layers l;
  l.x = call.in(0);
  l.w = call.in(1);
  l.r = call.in(2);
  l.b = call.maybe(3);
  l.h = call.maybe(5);
  l.gates = gates;
  const std::string direction = call.text("direction", "forward");
  l.directions = direction == "bidirectional" ? 2 : 1;
  l.reverse = direction == "reverse";
  l.batch_first = call.integer("layout", 0) != 0;
  const auto width = known_size(l.r, 2);
  l.hidden = call.integer("hidden_size", width.value_or(0));
  if (l.hidden < 1 || known_size(l.w, 0) != l.directions)
    throw call.refuse("has weights of another number of directions");
  if (call.attribute("clip") != nullptr) throw call.refuse("clips its cells");
  l.activations = call.texts("activations");
  if (l.directions == 2) {
    const std::vector<std::string> once = usual;
    usual.insert(usual.end(), once.begin(), once.end());
  }
  if (l.activations.empty()) l.activations = usual;
  if (l.activations.size() != usual.size()) throw call.refuse("has a wrong number of activations");
  if (l.batch_first) {
    l.x = call.aten("aten::transpose.int", {l.x, 0, 1}, "steps_first");
    if (l.h != nullptr) l.h = call.aten("aten::transpose.int", {l.h, 0, 1}, "directions_first");
  }
  if (const Ref lengths = call.maybe(4)) {
    const auto steps = known_size(l.x, 0);
    if (!lengths->data.defined() || !steps || !lengths->data.eq(*steps).all().item<bool>())
      throw call.refuse("runs over sequences of unlike lengths");
  }
  return l;
}

Ref zeros(Call& call, const Layers& l) {
  return call.aten(
      "aten::new_zeros",
      {l.x, std::vector<Number>{number(l.directions), call.size(l.x, 1), number(l.hidden)}},
      "zeros");
}

// Y [S, directions, B, H], then the last states, as the node's layout wants them.
Refs laid_out(Call& call, const Layers& l, Ref all, Refs last) {
  if (l.batch_first) {
    all = call.aten("aten::permute", {all, std::vector<std::int64_t>{2, 0, 1, 3}}, "batch_first");
    for (Ref& each : last) each = call.aten("aten::transpose.int", {each, 0, 1}, "batch_first");
  }
  Refs results = {all};
  results.insert(results.end(), last.begin(), last.end());
  return results;
}

// By ATen's operator: `order` are the node's gates in ATen's order.
Refs by_aten(Call& call, const Layers& l, const char* op, std::initializer_list<std::int64_t> order,
             const std::vector<Ref>& states) {
  Refs parameters;
  for (std::int64_t d = 0; d < l.directions; ++d) {
    parameters.push_back(ordered(call, l, l.w, d, 0, order));
    parameters.push_back(ordered(call, l, l.r, d, 0, order));
    if (l.b == nullptr) continue;
    parameters.push_back(ordered(call, l, l.b, d, 0, order));
    parameters.push_back(ordered(call, l, l.b, d, l.gates, order));
  }
  const Ref x =
      l.reverse ? call.aten("aten::flip", {l.x, std::vector<std::int64_t>{0}}, "turned") : l.x;
  const Arg given = states.size() == 1 ? Arg(states[0]) : Arg(states);
  const Refs made =
      call.many(op, {x, given, parameters, l.b != nullptr, 1, 0.0, false, l.directions == 2, false},
                states.size() + 1, "sequence");
  for (std::size_t form = 0; form < 2 && is_known(l.x); ++form) {
    const at::Tensor& seen = l.x->seen[form];
    set_seen(made[0], seen.scalar_type(), form,
             {seen.size(0), seen.size(1), l.directions * l.hidden});
    for (std::size_t i = 1; i < made.size(); ++i)
      set_seen(made[i], seen.scalar_type(), form, {l.directions, seen.size(1), l.hidden});
  }
  Ref all = made[0];
  if (l.reverse) all = call.aten("aten::flip", {all, std::vector<std::int64_t>{0}}, "turned");
  all = call.reshape(all, std::vector<Number>{call.size(l.x, 0), call.size(l.x, 1),
                                              number(l.directions), number(l.hidden)});
  all = call.aten("aten::transpose.int", {all, 1, 2}, "directions");
  return laid_out(call, l, all, {made.begin() + 1, made.end()});
}

Ref activated(Call& call, const std::string& name, const Ref& x) {
  if (name == "Sigmoid") return call.aten("aten::sigmoid", {x});
  if (name == "Tanh") return call.aten("aten::tanh", {x});
  if (name == "Relu") return call.aten("aten::relu", {x});
  throw call.refuse("has the activation " + name + " in its cell");
}

// One cell's step: states in, states out; the first is what it shows.
using Step = std::function<Refs(std::int64_t direction, const Ref& x, const Refs& states)>;

Refs by_steps(Call& call, const Layers& l, const Refs& states, const Step& step) {
  const auto steps = known_size(l.x, 0);
  if (!steps || *steps > most_steps)
    throw call.refuse("runs a cell of its own over a length that is not fixed");
  Refs directions;
  std::vector<Refs> last(states.size());
  for (std::int64_t d = 0; d < l.directions; ++d) {
    const bool backwards = l.reverse || d == 1;
    Refs now, shown;
    for (const Ref& each : states)
      now.push_back(call.aten("aten::select.int", {each, 0, d}, "state"));
    for (std::int64_t i = 0; i < *steps; ++i) {
      now = step(d, call.aten("aten::select.int", {l.x, 0, backwards ? *steps - 1 - i : i}, "x"),
                 now);
      shown.push_back(now[0]);
    }
    if (backwards) std::ranges::reverse(shown);
    directions.push_back(call.aten("aten::stack", {shown, 0}, "steps"));
    for (std::size_t i = 0; i < now.size(); ++i) last[i].push_back(now[i]);
  }
  Refs ends;
  for (const Refs& each : last) ends.push_back(call.aten("aten::stack", {each, 0}, "last"));
  return laid_out(call, l, call.aten("aten::stack", {directions, 1}, "all"), ends);
}

// x Wᵀ + b of all gates, or of h with R.
Ref projected(Call& call, const Layers& l, std::int64_t d, const Ref& x, bool of_state,
              std::int64_t from, std::int64_t gates) {
  const Ref weight = block(call, of_state ? l.r : l.w, d, from * l.hidden, gates * l.hidden);
  const Ref bias =
      l.b == nullptr
          ? nullptr
          : block(call, l.b, d, ((of_state ? l.gates : 0) + from) * l.hidden, gates * l.hidden);
  return call.aten("aten::linear", {x, weight, bias}, "projected");
}

Ref gate(Call& call, const Layers& l, const Ref& all, std::int64_t index) {
  return call.aten("aten::slice.Tensor", {all, 1, index * l.hidden, (index + 1) * l.hidden},
                   "gate");
}

Refs lstm(Call& call) {
  Layers l = layers_of(call, 4, {"Sigmoid", "Tanh", "Tanh"});
  l.peepholes = call.maybe(7);
  Ref h = l.h != nullptr ? l.h : zeros(call, l), c = call.maybe(6);
  if (c != nullptr && l.batch_first)
    c = call.aten("aten::transpose.int", {c, 0, 1}, "directions_first");
  if (c == nullptr) c = zeros(call, l);
  bool plain = l.peepholes == nullptr && call.integer("input_forget", 0) == 0;
  for (std::size_t i = 0; i < l.activations.size(); ++i)
    plain = plain && l.activations[i] == (i % 3 == 0 ? "Sigmoid" : "Tanh");
  if (plain) return by_aten(call, l, "aten::lstm.input", {0, 2, 3, 1}, {h, c});
  if (call.integer("input_forget", 0) != 0) throw call.refuse("couples its input and forget gates");
  return by_steps(call, l, {h, c}, [&](std::int64_t d, const Ref& x, const Refs& states) -> Refs {
    const auto name = [&](std::size_t i) {
      return l.activations[static_cast<std::size_t>(d) * 3 + i];
    };
    const Ref all = call.add(projected(call, l, d, x, false, 0, 4),
                             projected(call, l, d, states[0], true, 0, 4));
    const auto peeped = [&](std::int64_t index, std::int64_t place, const Ref& cell) {
      const Ref plain_gate = gate(call, l, all, index);
      if (l.peepholes == nullptr) return plain_gate;
      return call.add(plain_gate,
                      call.mul(block(call, l.peepholes, d, place * l.hidden, l.hidden), cell));
    };
    const Ref input = activated(call, name(0), peeped(0, 0, states[1])),
              forget = activated(call, name(0), peeped(2, 2, states[1])),
              fresh = activated(call, name(1), gate(call, l, all, 3));
    const Ref cell = call.add(call.mul(forget, states[1]), call.mul(input, fresh));
    const Ref out = activated(call, name(0), peeped(1, 1, cell));
    return {call.mul(out, activated(call, name(2), cell)), cell};
  });
}

Refs gru(Call& call) {
  const Layers l = layers_of(call, 3, {"Sigmoid", "Tanh"});
  const Ref h = l.h != nullptr ? l.h : zeros(call, l);
  const bool after = call.integer("linear_before_reset", 0) != 0;
  bool plain = after;
  for (std::size_t i = 0; i < l.activations.size(); ++i)
    plain = plain && l.activations[i] == (i % 2 == 0 ? "Sigmoid" : "Tanh");
  if (plain) return by_aten(call, l, "aten::gru.input", {1, 0, 2}, {h});
  return by_steps(call, l, {h}, [&](std::int64_t d, const Ref& x, const Refs& states) -> Refs {
    const auto name = [&](std::size_t i) {
      return l.activations[static_cast<std::size_t>(d) * 2 + i];
    };
    const Ref own = projected(call, l, d, x, false, 0, 3);
    const Ref both = projected(call, l, d, states[0], true, 0, 2);
    const Ref update =
                  activated(call, name(0), call.add(gate(call, l, own, 0), gate(call, l, both, 0))),
              reset =
                  activated(call, name(0), call.add(gate(call, l, own, 1), gate(call, l, both, 1)));
    const Ref kept = after ? call.mul(reset, projected(call, l, d, states[0], true, 2, 1))
                           : projected(call, l, d, call.mul(reset, states[0]), true, 2, 1);
    const Ref fresh = activated(call, name(1), call.add(gate(call, l, own, 2), kept));
    return {call.add(fresh, call.mul(update, call.sub(states[0], fresh)))};
  });
}

Refs rnn(Call& call) {
  const Layers l = layers_of(call, 1, {"Tanh"});
  const Ref h = l.h != nullptr ? l.h : zeros(call, l);
  const std::string& first = l.activations.at(0);
  if (std::ranges::all_of(l.activations, [&](const std::string& each) { return each == first; }) &&
      (first == "Tanh" || first == "Relu"))
    return by_aten(call, l, first == "Tanh" ? "aten::rnn_tanh.input" : "aten::rnn_relu.input", {0},
                   {h});
  throw call.refuse("has the activation " + first + " in its cell");
}

constexpr Operator table[] = {{"GRU", gru}, {"LSTM", lstm}, {"RNN", rnn}};

}  // namespace

std::span<const Operator> recurrent_operators() { return table; }

}  // namespace pellucid::from_onnx

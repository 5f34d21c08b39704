// Attention of opsets 23 and later, and what goes with it.
#include <cmath>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// [B, S, H·D] → [B, H, S, D]
Ref heads_apart(Call& call, const Ref& x, std::int64_t heads) {
  if (heads < 1) throw call.refuse("wants numbers of heads");
  const Ref parts = call.reshape(
      x, std::vector<Number>{call.size(x, 0), call.size(x, 1), number(heads), number(-1)});
  return call.aten("aten::transpose.int", {parts, 1, 2}, "heads");
}

Ref heads_together(Call& call, const Ref& x) {
  const Ref turned = call.aten("aten::transpose.int", {x, 1, 2}, "turned");
  return call.reshape(turned,
                      std::vector<Number>{call.size(turned, 0), call.size(turned, 1), number(-1)});
}

struct Operands {
  Ref q, k, v;
  Number queries, keys, past;  // lengths
  Ref lengths;                 // [B]: how many keys count; nullptr: all
};

Ref as_bias(Call& call, const Ref& allowed, at::ScalarType type) {
  const Ref zero = call.aten("aten::zeros_like", {allowed, type}, "zero");
  return call.aten("aten::masked_fill.Scalar",
                   {zero, call.aten("aten::logical_not", {allowed}), minus_infinity}, "bias");
}

// How far each key lies before each query: [.., Q, K].
Ref distance(Call& call, const Operands& o) {
  const Ref keys = call.along(call.aten("aten::arange", {o.keys, at::kLong}, "keys"), 1, 2);
  Ref queries = call.along(call.aten("aten::arange", {o.queries, at::kLong}, "queries"), 0, 2);
  if (o.lengths != nullptr)
    queries = call.add(queries, call.sub(call.along(o.lengths, 0, 4), o.queries));
  else
    queries = call.add(queries, o.past);
  return call.sub(queries, keys);
}

// All that is added to the products, or nullptr.
Ref bias_of(Call& call, const Operands& o, at::ScalarType type) {
  Ref bias;
  const auto with = [&](const Ref& more) { bias = bias == nullptr ? more : call.add(bias, more); };
  if (Ref mask = call.maybe(3)) {
    const bool truth = dtype_of(mask) == at::kBool;
    const auto length = known_size(mask, call.rank(mask) - 1);
    if (!o.keys.known() || !length || *length < o.keys.constant.toInt()) {
      const Number missing =
          call.body.arithmetic("sub", {o.keys, call.size(mask, call.rank(mask) - 1)});
      mask = call.aten("aten::constant_pad_nd",
                       {mask, std::vector<Number>{number(0), missing},
                        truth ? Arg(c10::IValue(false)) : Arg(minus_infinity)},
                       "mask");
    }
    with(truth ? as_bias(call, mask, type) : mask);
  }
  const std::int64_t left = call.integer("left_window_size", -1),
                     right = call.integer("right_window_size", -1);
  if (call.integer("is_causal", 0) != 0)
    with(as_bias(call, call.aten("aten::ge.Scalar", {distance(call, o), 0}, "allowed"), type));
  if (left >= 0)
    with(as_bias(call, call.aten("aten::le.Scalar", {distance(call, o), left}, "allowed"), type));
  if (right >= 0)
    with(as_bias(call, call.aten("aten::ge.Scalar", {distance(call, o), -right}, "allowed"), type));
  if (o.lengths != nullptr) {
    const Ref keys = call.along(call.aten("aten::arange", {o.keys, at::kLong}, "keys"), 3, 4);
    with(as_bias(call, call.aten("aten::lt.Tensor", {keys, call.along(o.lengths, 0, 4)}, "allowed"),
                 type));
  }
  return bias;
}

Refs attention(Call& call) {
  Operands o{call.in(0), call.in(1), call.in(2), {}, {}, number(0), call.maybe(6)};
  const bool flat = call.rank(o.q) == 3;
  const std::int64_t q_heads = call.integer("q_num_heads", 0),
                     kv_heads = call.integer("kv_num_heads", 0);
  if (flat) {
    o.q = heads_apart(call, o.q, q_heads);
    o.k = heads_apart(call, o.k, kv_heads);
    o.v = heads_apart(call, o.v, kv_heads);
  }
  if (const Ref past = call.maybe(4)) {
    o.past = call.size(past, 2);
    o.k = call.aten("aten::cat", {Refs{past, o.k}, 2}, "keys");
    o.v = call.aten("aten::cat", {Refs{call.in(5), o.v}, 2}, "values");
  }
  const Ref present_key = o.k, present_value = o.v;
  o.queries = call.size(o.q, 2);
  o.keys = call.size(o.k, 2);
  const auto groups = known_size(o.q, 1), shared = known_size(o.k, 1);
  if (groups && shared && *shared > 0 && *groups != *shared) {
    const std::int64_t times = *groups / *shared;
    o.k = call.aten("aten::repeat_interleave.self_int", {o.k, times, 1}, "keys");
    o.v = call.aten("aten::repeat_interleave.self_int", {o.v, times, 1}, "values");
  }
  double scale = call.real("scale", 0.0);
  if (scale == 0.0) {
    const auto width = known_size(o.q, 3);
    if (!width) throw call.refuse("has heads of no fixed size");
    scale = 1.0 / std::sqrt(static_cast<double>(*width));
  }
  const at::ScalarType type = dtype_of(o.q);
  const Ref turned = call.aten("aten::transpose.int", {o.k, -2, -1}, "turned");
  // Both sides take the scale's root, so that half precision does not overflow.
  Ref products =
      call.aten("aten::matmul",
                {call.mul(o.q, std::sqrt(scale)), call.mul(turned, std::sqrt(scale))}, "products");
  if (const double cap = call.real("softcap", 0.0); cap > 0.0)
    products = call.mul(call.aten("aten::tanh", {call.div(products, cap)}), cap);
  const std::int64_t mode = call.integer("qk_matmul_output_mode", 0);
  Ref shown = products;
  Ref logits = products, empty;
  if (const Ref bias = bias_of(call, o, type)) {
    logits = call.add(products, bias);
    if (mode == 2) shown = logits;
    // A query that may look at nothing answers nothing.
    empty = call.aten(
        "aten::eq.Scalar",
        {call.aten("aten::amax", {bias, std::vector<std::int64_t>{-1}, true}), minus_infinity},
        "empty");
    logits = call.aten("aten::masked_fill.Scalar", {logits, empty, 0.0}, "logits");
  }
  if (const auto precision = call.integer("softmax_precision")) {
    if (const auto wide = scalar_type(*precision)) logits = call.cast(logits, *wide);
  }
  Ref weights = call.aten("aten::softmax.int", {logits, -1}, "weights");
  weights = call.cast(weights, type);
  if (empty != nullptr)
    weights = call.aten("aten::masked_fill.Scalar", {weights, empty, 0.0}, "weights");
  if (mode == 3) shown = weights;
  Ref answer = call.aten("aten::matmul", {weights, o.v}, "answer");
  if (flat) answer = heads_together(call, answer);
  return {answer, present_key, present_value, shown};
}

// Attention whose products and weights go through graphs of the file's own.
Refs flex_attention(Call& call) {
  const Ref q = call.in(0);
  Ref k = call.in(1), v = call.in(2);
  const auto heads = known_size(q, 1), shared = known_size(k, 1), width = known_size(q, 3);
  if (!width) throw call.refuse("has heads of no fixed size");
  if (heads && shared && *shared > 0 && *heads != *shared) {
    k = call.aten("aten::repeat_interleave.self_int", {k, *heads / *shared, 1}, "keys");
    v = call.aten("aten::repeat_interleave.self_int", {v, *heads / *shared, 1}, "values");
  }
  const at::ScalarType type = dtype_of(q);
  const double scale = call.real("scale", 1.0 / std::sqrt(static_cast<double>(*width)));
  at::ScalarType precision = type == at::kDouble ? at::kDouble : at::kFloat;
  if (const auto given = call.integer("softmax_precision"))
    precision = scalar_type(*given).value_or(precision);
  const auto changed = [&](const char* graph, const Ref& x) {
    if (call.attribute(graph) == nullptr) return x;
    const Refs made = call.program.inlined(call.body, call.scope, call.graph(graph), {x});
    if (made.size() != 1) throw call.refuse("has a graph of several results");
    return made[0];
  };
  const Ref turned = call.aten("aten::transpose.int", {k, -2, -1}, "turned");
  const Ref products =
      call.aten("aten::matmul", {call.mul(q, std::sqrt(scale)), call.mul(turned, std::sqrt(scale))},
                "products");
  const Ref logits = changed("score_mod", call.cast(products, precision));
  const Ref weights = changed("prob_mod", call.aten("aten::softmax.int", {logits, -1}, "weights"));
  return {call.cast(call.aten("aten::matmul", {weights, call.cast(v, precision)}), type)};
}

Refs rotary_embedding(Call& call) {
  Ref x = call.in(0), cosine = call.in(1), sine = call.in(2);
  const bool flat = call.rank(x) == 3;
  if (flat) x = heads_apart(call, x, call.integer("num_heads", 0));  // [B, H, S, D]
  if (const Ref places = call.maybe(3)) {
    cosine = call.aten("aten::embedding", {cosine, places}, "cosine");
    sine = call.aten("aten::embedding", {sine, places}, "sine");
  }
  cosine = call.aten("aten::unsqueeze", {cosine, 1});
  sine = call.aten("aten::unsqueeze", {sine, 1});
  std::int64_t turned = call.integer("rotary_embedding_dim", 0);
  const auto width = known_size(x, 3);
  if (!width) throw call.refuse("has heads of no fixed size");
  if (turned == 0) turned = *width;
  const bool interleaved = call.integer("interleaved", 0) != 0;
  const auto part = [&](std::int64_t from, std::int64_t to, std::int64_t step) {
    return call.aten("aten::slice.Tensor", {x, 3, from, to, step}, "part");
  };
  const Ref a = interleaved ? part(0, turned, 2) : part(0, turned / 2, 1),
            b = interleaved ? part(1, turned, 2) : part(turned / 2, turned, 1);
  const Ref real = call.sub(call.mul(a, cosine), call.mul(b, sine)),
            imaginary = call.add(call.mul(a, sine), call.mul(b, cosine));
  Ref made = interleaved
                 ? call.aten("aten::flatten.using_ints",
                             {call.aten("aten::stack", {Refs{real, imaginary}, -1}), -2, -1})
                 : call.aten("aten::cat", {Refs{real, imaginary}, -1});
  if (turned < *width) made = call.aten("aten::cat", {Refs{made, part(turned, *width, 1)}, -1});
  return {flat ? heads_together(call, made) : made};
}

Refs causal_convolution(Call& call) {
  const Ref x = call.in(0), weight = call.in(1);
  const auto kernel = known_size(weight, 2), channels = known_size(weight, 0);
  if (!kernel || !channels) throw call.refuse("has weights of no fixed size");
  Ref before = call.maybe(3);
  if (before == nullptr)
    before = call.aten(
        "aten::new_zeros",
        {x, std::vector<Number>{call.size(x, 0), call.size(x, 1), number(*kernel - 1)}}, "before");
  const Ref wide = call.aten("aten::cat", {Refs{before, x}, 2}, "wide");
  const std::vector<std::int64_t> one{1}, none{0};
  Ref y = call.aten("aten::conv1d", {wide, weight, call.maybe(2), one, none, one, *channels});
  if (!is_known(y)) y->seen = x->seen;
  if (call.text("activation", "none") != "none") y = call.aten("aten::silu", {y});
  const Ref rest = call.aten(
      "aten::slice.Tensor",
      {wide, 2, call.body.arithmetic("sub", {call.size(wide, 2), number(*kernel - 1)})}, "state");
  return {y, rest};
}

constexpr std::int64_t most_steps = 256;

// One step after another; each reads and writes a state per head.
Refs linear_attention(Call& call) {
  const std::int64_t q_heads = call.integer("q_num_heads", 0),
                     kv_heads = call.integer("kv_num_heads", 0);
  if (kv_heads < 1 || q_heads % std::max<std::int64_t>(kv_heads, 1) != 0)
    throw call.refuse("wants numbers of heads");
  const std::string rule = call.text("update_rule", "gated_delta");
  const bool gated = rule.starts_with("gated"), corrected = rule.ends_with("delta");
  const at::ScalarType type = dtype_of(call.in(0));
  const auto wide = [&](const Ref& x) { return call.cast(x, at::kFloat); };
  const Ref q = wide(heads_apart(call, call.in(0), q_heads)),
            k = wide(heads_apart(call, call.in(1), kv_heads)),
            v = wide(heads_apart(call, call.in(2), kv_heads));
  const auto steps = known_size(q, 2), width = known_size(q, 3);
  if (!steps || *steps > most_steps || !width) throw call.refuse("has a length that is not fixed");
  const Ref decay = gated ? wide(heads_apart(call, call.in(4), kv_heads)) : nullptr;
  Ref beta;
  if (corrected)
    beta = wide(
        call.aten("aten::unsqueeze", {call.aten("aten::transpose.int", {call.in(5), 1, 2}), -1}));
  const Ref past = call.maybe(3);
  Ref state = past != nullptr
                  ? wide(past)
                  : call.aten("aten::new_zeros",
                              {k, std::vector<Number>{call.size(k, 0), number(kv_heads),
                                                      call.size(k, 3), call.size(v, 3)}});
  double scale = call.real("scale", 0.0);
  if (scale == 0.0) scale = 1.0 / std::sqrt(static_cast<double>(*width));
  Refs answers;
  for (std::int64_t i = 0; i < *steps; ++i) {
    // A head's vectors as columns and rows.
    const auto row = [&](const Ref& x) {
      return call.aten("aten::slice.Tensor", {x, 2, i, i + 1}, "step");
    };
    const auto column = [&](const Ref& x) {
      return call.aten("aten::transpose.int", {row(x), 2, 3}, "step");
    };
    Ref value = row(v);
    if (gated) state = call.mul(state, call.aten("aten::exp", {column(decay)}));
    if (corrected)
      value = call.mul(call.sub(value, call.aten("aten::matmul", {row(k), state})), row(beta));
    state = call.add(state, call.aten("aten::matmul", {column(k), value}));
    const Ref read = q_heads == kv_heads ? state
                                         : call.aten("aten::repeat_interleave.self_int",
                                                     {state, q_heads / kv_heads, 1});
    answers.push_back(call.mul(call.aten("aten::matmul", {row(q), read}), scale));
  }
  const Ref all = call.aten("aten::cat", {answers, 2}, "answers");
  return {call.cast(heads_together(call, all), type),
          call.cast(state, past != nullptr ? dtype_of(past) : type)};
}

constexpr Operator table[] = {
    {"Attention", attention},
    {"CausalConvWithState", causal_convolution},
    {"LinearAttention", linear_attention},
    {"RotaryEmbedding", rotary_embedding},
    {"ai.onnx.preview.FlexAttention", flex_attention},
};

}  // namespace

std::span<const Operator> attention_operators() { return table; }

}  // namespace pellucid::from_onnx

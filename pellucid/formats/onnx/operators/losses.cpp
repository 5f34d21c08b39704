// Losses, as models exported for training have them.
#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {
namespace {

// `logs` is [N, C, ...], the targets [N, ...].
Ref likelihood_loss(Call& call, const Ref& logs, Ref target, const Ref& weight) {
  target = call.cast(target, at::kLong);
  const auto ignored = call.integer("ignore_index");
  Ref counts, safe = target;
  if (ignored) {
    const Ref out = call.aten("aten::eq.Scalar", {target, *ignored}, "ignored");
    safe = call.aten("aten::masked_fill.Scalar", {target, out, 0}, "target");
    counts = call.cast(call.aten("aten::logical_not", {out}), dtype_of(logs));
  }
  Ref loss = call.aten(
      "aten::neg",
      {call.aten(
          "aten::squeeze.dim",
          {call.aten("aten::gather", {logs, 1, call.aten("aten::unsqueeze", {safe, 1})}), 1})});
  Ref weights = counts;
  if (weight != nullptr) {
    const Ref chosen =
        call.reshape(call.aten("aten::index_select",
                               {weight, 0, call.reshape(safe, std::vector<std::int64_t>{-1})}),
                     call.sizes(safe));
    weights = counts == nullptr ? chosen : call.mul(counts, chosen);
  }
  if (weights != nullptr) loss = call.mul(loss, weights);
  const std::string how = call.text("reduction", "mean");
  if (how == "none") return loss;
  const Ref total = call.aten("aten::sum", {loss});
  if (how == "sum") return total;
  if (weights == nullptr) return call.aten("aten::mean", {loss});
  return call.div(total, call.aten("aten::sum", {weights}));
}

Refs negative_log_likelihood(Call& call) {
  return {likelihood_loss(call, call.in(0), call.in(1), call.maybe(2))};
}

Refs softmax_cross_entropy(Call& call) {
  const Ref logs = call.aten("aten::log_softmax.int", {call.in(0), 1}, "log_probabilities");
  return {likelihood_loss(call, logs, call.in(1), call.maybe(2)), logs};
}

constexpr Operator table[] = {
    {"NegativeLogLikelihoodLoss", negative_log_likelihood},
    {"SoftmaxCrossEntropyLoss", softmax_cross_entropy},
};

}  // namespace

std::span<const Operator> loss_operators() { return table; }

}  // namespace pellucid::from_onnx

#include "pellucid/explain/cost.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <string_view>

namespace pellucid {
namespace {

std::int64_t bytes_of(const Value& value, std::optional<std::int64_t> batch) {
  if (!value.is_tensor || !value.dtype) return 0;
  double bytes = static_cast<double>(c10::elementSize(*value.dtype));
  for (const auto& size : value.shape) bytes *= static_cast<double>(size.value_or(1));
  // A fixed batch of several samples is shared among them.
  if (batch && *batch > 1) bytes /= static_cast<double>(*batch);
  return static_cast<std::int64_t>(std::min(bytes, 9e17));
}

}  // namespace

Cost cost_per_sample(const Graph& graph) {
  std::optional<std::int64_t> batch;
  for (const ValueId id : graph.inputs()) {
    if (!graph.value(id).shape.empty()) batch = graph.value(id).shape[0];
  }
  const int end = static_cast<int>(graph.nodes().size());
  std::vector<std::int64_t> released(static_cast<std::size_t>(end) + 1, 0);
  Cost cost;
  std::int64_t alive = 0, all = 0;
  for (int n = 0; n < end; ++n) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    for_each_result(node, [&](ValueId id) {
      const std::int64_t bytes = bytes_of(graph.value(id), batch);
      alive += bytes;
      all += bytes;
      const auto users = graph.users(id);
      released[static_cast<std::size_t>(users.empty() ? n : users.back())] += bytes;
    });
    cost.forward_bytes = std::max(cost.forward_bytes, alive);
    alive -= released[static_cast<std::size_t>(n)];
  }
  // Convolutions unfold into scratch of about their output's size.
  cost.forward_bytes *= 2;
  cost.gradient_bytes = all;

  // Gradients, measured on two cores: convolutions gain little beyond ten; the matrix products of
  // attention do.
  bool attends = false;
  for (const Node& node : graph.nodes()) {
    attends = attends || node.op.starts_with("aten::scaled_dot_product_attention") ||
              node.op.starts_with("aten::softmax");
  }
  constexpr std::int64_t at_ease = std::int64_t{2} << 30;  // bytes that any machine can spare
  const std::int64_t fit = at_ease / std::max<std::int64_t>(cost.gradient_bytes, 1);
  // Forwards of eight networks were quickest in fours to eights on two cores, a quarter quicker
  // than in sixteens where their activations no longer fit the cache; more cores share more
  // samples.
  cost.forward_chunk = std::clamp<std::int64_t>(3 * std::int64_t{at::get_num_threads()}, 4, 32);
  cost.gradient_chunk = std::clamp<std::int64_t>(fit, 1, attends ? 20 : 10);
  return cost;
}

}  // namespace pellucid

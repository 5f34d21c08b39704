// Operations are counted by the operators, sizes taken as values come by; memory follows from both.
#include "pellucid/explain/effort.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "pellucid/explain/grid.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/model/trial_inputs.h"
#include "pellucid/run/count_operations.h"
#include "pellucid/run/executor.h"
#include "pellucid/run/lift_batch.h"

namespace pellucid {
namespace {

// Values that may share storage count once, as long as any of them is needed; what belongs to the
// model is there in any case.
void count_memory(const Graph& graph, const std::vector<double>& bytes, Effort& effort) {
  const Aliases aliases(graph);
  const int end = static_cast<int>(graph.nodes().size());
  struct Storage {
    double bytes = 0;
    int first = -1, last = -1;
  };
  std::vector<Storage> storages(graph.values().size());
  const auto see = [&](ValueId id, int n) {
    Storage& storage = storages[static_cast<std::size_t>(aliases.set_of(id))];
    storage.bytes = std::max(storage.bytes, bytes[static_cast<std::size_t>(id)]);
    if (storage.first < 0) storage.first = n;
    storage.last = std::max(storage.last, n);
  };
  for (const ValueId id : graph.inputs()) see(id, 0);
  for (int n = 0; n < end; ++n) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    for_each_operand_value(node, [&](ValueId id) { see(id, n); });
    for_each_result(node, [&](ValueId id) { see(id, n); });
  }
  for (const Output& output : graph.outputs())
    for_each_value(output.operand, [&](ValueId id) { see(id, end); });
  for (const Constant& constant : graph.constants())
    storages[static_cast<std::size_t>(aliases.set_of(constant.value))].bytes = 0;

  std::vector<double> change(static_cast<std::size_t>(end) + 2, 0);
  for (const Storage& storage : storages) {
    if (storage.first < 0) continue;
    change[static_cast<std::size_t>(storage.first)] += storage.bytes;
    change[static_cast<std::size_t>(storage.last) + 1] -= storage.bytes;
    effort.gradient_bytes += storage.bytes;
  }
  double alive = 0;
  for (const double by : change) {
    alive += by;
    effort.forward_bytes = std::max(effort.forward_bytes, alive);
  }
}

void find_attention(const Graph& graph, Effort& effort) {
  const auto sizes = [&](const Operand& operand) {
    return operand.is_value() ? effort.sizes[static_cast<std::size_t>(operand.value())]
                              : std::vector<std::int64_t>{};
  };
  for (const int n : attention_nodes(graph)) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    // [samples, heads, tokens, ...]: of the queries, which a softmax over the keys keeps.
    const std::vector<std::int64_t> looked = sizes(node.operands.at(0));
    if (looked.size() < 3) continue;  // it weighs something else than tokens
    effort.attention.push_back(
        {.layer = node.origin.module_path.empty() ? node.name : node.origin.module_path,
         .heads = looked.size() == 4 ? looked[1] : 0,
         .tokens = looked[looked.size() - 2]});
  }
}

}  // namespace

double Effort::total() const {
  double sum = 0;
  for (const auto& [kind, of_kind] : operations) sum += of_kind;
  return sum;
}

Effort measure_effort(const Model& model, const Cancellation* cancellation) {
  const Graph& graph = *model.graph;
  const std::vector<at::Tensor> inputs = trial_inputs(model);
  const bool batched = declared_batch(graph).shared && !inputs.empty() && inputs[0].dim() > 0;
  const auto samples =
      static_cast<double>(batched ? std::max<std::int64_t>(inputs[0].size(0), 1) : 1);
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({graph.inputs()[i], inputs[i]});
  std::vector<ValueId> wanted;
  for (const Output& output : graph.outputs())
    for_each_value(output.operand, [&](ValueId id) { wanted.push_back(id); });

  Effort effort;
  effort.sizes.resize(graph.values().size());
  effort.of_node.resize(graph.nodes().size());
  std::vector<double> bytes(graph.values().size(), 0);
  OperationCount counter;
  int latest = 0;  // the node whose values came by last
  const auto note_operations = [&] {
    for (const auto& [kind, operations] : counter.take()) {
      effort.operations[kind] += operations / samples;
      effort.of_node[static_cast<std::size_t>(latest)] += operations / samples;
    }
  };
  Observer observer;
  observer.see = [&](ValueId id, const at::Tensor& tensor) {
    effort.sizes[static_cast<std::size_t>(id)] = tensor.sizes().vec();
    bytes[static_cast<std::size_t>(id)] = static_cast<double>(tensor.nbytes()) / samples;
    latest = std::max(graph.producer(id), 0);
    note_operations();
    return tensor;
  };
  RunSettings settings;
  settings.observer = &observer;
  settings.cancellation = cancellation;
  Executor(model.graph).run(feeds, wanted, settings);
  if (!effort.of_node.empty()) note_operations();
  count_memory(graph, bytes, effort);
  find_attention(graph, effort);
  return effort;
}

}  // namespace pellucid

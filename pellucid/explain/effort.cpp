// Operations are counted by the operators, sizes taken as values come by; memory follows from both.
#include "pellucid/explain/effort.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "pellucid/explain/grid.h"
#include "pellucid/model/trial_inputs.h"
#include "pellucid/run/count_operations.h"
#include "pellucid/run/executor.h"
#include "pellucid/run/lift_batch.h"

namespace pellucid {
namespace {

// Which memory each value lies in: views count once, as long as any of them is needed, and what
// belongs to the model is there in any case.
class Storages {
 public:
  explicit Storages(const Graph& graph) : graph_(graph), of_(graph.values().size(), none) {
    for (const Constant& constant : graph.constants()) {
      if (constant.data.has_storage()) see(constant.value, constant.data);
    }
    for (Storage& storage : storages_) storage.bytes = 0;
  }

  void see(ValueId id, const at::Tensor& tensor) {
    if (!tensor.has_storage()) return;
    const c10::Storage& memory = tensor.storage();
    const auto [known, fresh] = known_.try_emplace(memory.unsafeGetStorageImpl(), storages_.size());
    if (fresh) {
      // Held weakly: the numbers may go, but no other memory is taken for this one.
      storages_.push_back({static_cast<double>(memory.nbytes())});
      held_.push_back(memory.getWeakStorageImpl());
    }
    of_[static_cast<std::size_t>(id)] = known->second;
  }

  void count(double samples, Effort& effort) {
    const int end = static_cast<int>(graph_.nodes().size());
    for (const ValueId id : graph_.inputs()) use(id, 0);
    for (int n = 0; n < end; ++n) {
      const Node& node = graph_.nodes()[static_cast<std::size_t>(n)];
      for_each_operand_value(node, [&](ValueId id) { use(id, n); });
      for_each_result(node, [&](ValueId id) { use(id, n); });
    }
    for (const Output& output : graph_.outputs())
      for_each_value(output.operand, [&](ValueId id) { use(id, end); });
    std::vector<double> change(static_cast<std::size_t>(end) + 2, 0);
    for (const Storage& storage : storages_) {
      if (storage.first < 0) continue;
      change[static_cast<std::size_t>(storage.first)] += storage.bytes / samples;
      change[static_cast<std::size_t>(storage.last) + 1] -= storage.bytes / samples;
      effort.gradient_bytes += storage.bytes / samples;
    }
    double alive = 0;
    for (const double by : change) {
      alive += by;
      effort.forward_bytes = std::max(effort.forward_bytes, alive);
    }
  }

 private:
  struct Storage {
    double bytes = 0;
    int first = -1, last = -1;
  };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void use(ValueId id, int n) {
    const std::size_t place = of_[static_cast<std::size_t>(id)];
    if (place == none) return;
    Storage& storage = storages_[place];
    if (storage.first < 0) storage.first = n;
    storage.last = std::max(storage.last, n);
  }

  const Graph& graph_;
  std::vector<std::size_t> of_;  // by value
  std::vector<Storage> storages_;
  std::map<const c10::StorageImpl*, std::size_t> known_;
  std::vector<c10::weak_intrusive_ptr<c10::StorageImpl>> held_;
};

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
  Storages storages(graph);
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
    storages.see(id, tensor);
    latest = std::max(graph.producer(id), 0);
    note_operations();
    return tensor;
  };
  RunSettings settings;
  settings.observer = &observer;
  settings.cancellation = cancellation;
  Executor(model.graph).run(feeds, wanted, settings);
  if (!effort.of_node.empty()) note_operations();
  storages.count(samples, effort);
  find_attention(graph, effort);
  return effort;
}

}  // namespace pellucid

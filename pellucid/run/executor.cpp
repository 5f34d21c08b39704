// Runs the nodes that the wanted values need, in program order, and frees each value after its last
// use.
#include "pellucid/run/executor.h"

#include <ATen/ops/clone.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/run/evaluator.h"

namespace pellucid {

struct Executor::Analysis {
  explicit Analysis(const Graph& graph) : aliases(graph) {}
  Aliases aliases;
};

struct Executor::Plan {
  std::vector<int> nodes;                      // to run, ascending
  std::vector<std::vector<ValueId>> released;  // after each of them
  std::vector<const Constant*> constants;      // that they use
  std::vector<ValueId> inputs;                 // graph inputs they need
};

Executor::Executor(std::shared_ptr<const Graph> graph)
    : graph_(std::move(graph)), analysis_(std::make_unique<Analysis>(*graph_)) {}
Executor::~Executor() = default;

std::shared_ptr<const Executor::Plan> Executor::plan_for(std::span<const Feed> feeds,
                                                         std::span<const ValueId> wanted) const {
  std::vector<ValueId> key;
  for (const Feed& feed : feeds) key.push_back(feed.value);
  key.push_back(no_value);
  key.insert(key.end(), wanted.begin(), wanted.end());
  const std::lock_guard lock(mutex_);
  if (const auto found = plans_.find(key); found != plans_.end()) return found->second;

  const std::size_t count = graph_->values().size();
  std::vector<bool> fed(count, false), seen(count, false), runs(graph_->nodes().size(), false);
  for (const Feed& feed : feeds) fed[static_cast<std::size_t>(feed.value)] = true;

  // A value is read by a node (or at the end): whatever writes into its storage before that must
  // have run.
  std::vector<std::pair<ValueId, int>> open;
  const int end = static_cast<int>(graph_->nodes().size());
  for (const ValueId id : wanted) open.emplace_back(id, end);
  std::vector<int> read_before(count, -1);
  auto plan = std::make_shared<Plan>();
  const auto take = [&](int n) {
    if (runs[static_cast<std::size_t>(n)]) return;
    runs[static_cast<std::size_t>(n)] = true;
    for_each_operand_value(graph_->nodes()[static_cast<std::size_t>(n)],
                           [&](ValueId id) { open.emplace_back(id, n); });
  };
  const auto writes_through = [&](int n, ValueId id) {
    if (n <= graph_->producer(id)) return false;
    std::vector<ValueId> written = written_by(graph_->nodes()[static_cast<std::size_t>(n)]);
    std::vector<bool> visited(count, false);
    while (!written.empty()) {
      const ValueId now = written.back();
      written.pop_back();
      if (now == id) return true;
      if (visited[static_cast<std::size_t>(now)] || !analysis_->aliases.share(now, id)) continue;
      visited[static_cast<std::size_t>(now)] = true;
      if (const int producer = graph_->producer(now); producer >= 0) {
        for_each_operand_value(graph_->nodes()[static_cast<std::size_t>(producer)],
                               [&](ValueId source) { written.push_back(source); });
      }
    }
    return false;
  };
  while (!open.empty()) {
    const auto [id, before] = open.back();
    open.pop_back();
    const auto slot = static_cast<std::size_t>(id);
    if (before <= read_before[slot]) continue;
    read_before[slot] = before;
    for (const int n : analysis_->aliases.writers(id)) {
      // What is fed is the value as it was defined: of the later writes only those that go through
      // it are its own.
      if (n < before && (!fed[slot] || writes_through(n, id))) take(n);
    }
    if (fed[slot] || seen[slot]) continue;
    seen[slot] = true;
    if (graph_->producer(id) >= 0) {
      take(graph_->producer(id));
    } else if (const Constant* constant = graph_->constant(id)) {
      plan->constants.push_back(constant);
    } else {
      plan->inputs.push_back(id);
    }
  }

  std::vector<int> last_use(count, -1);
  for (int n = 0; n < end; ++n) {
    if (!runs[static_cast<std::size_t>(n)]) continue;
    plan->nodes.push_back(n);
    const Node& node = graph_->nodes()[static_cast<std::size_t>(n)];
    for_each_result(node, [&](ValueId id) { last_use[static_cast<std::size_t>(id)] = n; });
    for_each_operand_value(node, [&](ValueId id) { last_use[static_cast<std::size_t>(id)] = n; });
  }
  for (const ValueId id : wanted) last_use[static_cast<std::size_t>(id)] = end;
  std::vector<std::vector<ValueId>> released_at(graph_->nodes().size());
  for (std::size_t id = 0; id < count; ++id) {
    if (last_use[id] >= 0 && last_use[id] < end) {
      released_at[static_cast<std::size_t>(last_use[id])].push_back(static_cast<ValueId>(id));
    }
  }
  for (const int n : plan->nodes)
    plan->released.push_back(std::move(released_at[static_cast<std::size_t>(n)]));
  // Callers ask few kinds of run; a bound keeps a long-lived server from growing.
  if (plans_.size() >= 256) plans_.clear();
  plans_[key] = plan;
  return plan;
}

std::vector<c10::IValue> Executor::run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                                       const RunSettings& settings) const {
  const auto plan = plan_for(feeds, wanted);
  // Without a gradient nothing may record: inference mode skips all of autograd's bookkeeping.
  const c10::InferenceMode inference(!settings.gradient);
  const at::AutoGradMode recording(settings.gradient);

  Frame frame(graph_->values().size());
  // What the graph writes into must not be the caller's tensor nor the model's weights.
  const auto own = [&](ValueId id, const c10::IValue& value) {
    return value.isTensor() && analysis_->aliases.mutated(id)
               ? c10::IValue(at::clone(value.toTensor()))
               : value;
  };
  std::vector<bool> observed;
  if (settings.observer != nullptr) {
    observed.assign(graph_->values().size(), settings.observer->values.empty());
    for (const ValueId id : settings.observer->values)
      observed[static_cast<std::size_t>(id)] = true;
  }
  const auto show = [&](ValueId id) {
    if (settings.observer == nullptr || !observed[static_cast<std::size_t>(id)]) return;
    c10::IValue& slot = frame[static_cast<std::size_t>(id)];
    if (!slot.isTensor() || !slot.toTensor().defined()) return;
    const bool mutated = analysis_->aliases.mutated(id);
    const at::Tensor shown = mutated ? at::clone(slot.toTensor()) : slot.toTensor();
    at::Tensor answer = settings.observer->see(id, shown);
    if (!answer.is_same(shown)) slot = mutated ? at::clone(answer) : std::move(answer);
  };

  for (const Feed& feed : feeds) {
    frame[static_cast<std::size_t>(feed.value)] = own(feed.value, feed.data);
    show(feed.value);
  }
  for (const ValueId id : plan->inputs) {
    throw usage_error("the model's input \"" + graph_->value(id).name + "\" is missing");
  }
  for (const Constant* constant : plan->constants) {
    frame[static_cast<std::size_t>(constant->value)] = own(constant->value, constant->data);
  }
  for (std::size_t i = 0; i < plan->nodes.size(); ++i) {
    const Node& node = graph_->nodes()[static_cast<std::size_t>(plan->nodes[i])];
    evaluate(*graph_, node, frame, settings);
    if (settings.observer != nullptr) for_each_result(node, show);
    for (const ValueId id : plan->released[i]) frame[static_cast<std::size_t>(id)] = c10::IValue();
  }
  std::vector<c10::IValue> answers;
  answers.reserve(wanted.size());
  for (const ValueId id : wanted) answers.push_back(frame[static_cast<std::size_t>(id)]);
  return answers;
}

}  // namespace pellucid

// Runs a graph, or any part of it, node by node through PyTorch's dispatcher.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "pellucid/base/progress.h"
#include "pellucid/graph/graph.h"

namespace pellucid {

// A value handed to a run: an input, or any value in the middle of the graph.
struct Feed {
  ValueId value = no_value;
  c10::IValue data;
};

// Sees the tensors of chosen values as they are computed and may put another in their place: what
// it returns is what the rest of the run uses. A value whose storage is mutated later is copied
// before it is shown.
struct Observer {
  std::vector<ValueId> values;  // empty: every tensor value of the graph (not those inside blocks)
  std::function<at::Tensor(ValueId, const at::Tensor&)> see;
};

struct RunSettings {
  const Observer* observer = nullptr;
  const Cancellation* cancellation = nullptr;
  bool gradient = false;  // record for autograd; off: inference mode
  int segments = 1;       // above one: values between the cuts are computed twice instead of kept
};

// How a batch other than the one a graph was exported with is run (run/lift_batch.h).
enum class BatchMode { as_is, verified, vmap, loop };
std::string_view to_string(BatchMode mode);  // "as it is", "verified", "vmap", "one by one"

// One graph that answers: the plain executor, or a decorator around others.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual const Graph& graph() const = 0;
  // The wanted values, computed from the feeds. Nodes that the wanted values don't need, or that
  // the feeds make unnecessary, are not run. Throws Error (Fault::usage) when an input is needed
  // and not fed, (Fault::model) naming the node where an operator fails.
  virtual std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                                       const RunSettings& settings) const = 0;
  virtual BatchMode batch_mode() const { return BatchMode::as_is; }
};

class Executor final : public Runner {
 public:
  explicit Executor(std::shared_ptr<const Graph> graph);
  ~Executor() override;

  const Graph& graph() const override { return *graph_; }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_for(std::span<const Feed> feeds,
                                       std::span<const ValueId> wanted) const;

  std::shared_ptr<const Graph> graph_;
  struct Analysis;
  std::unique_ptr<const Analysis> analysis_;
  mutable std::mutex mutex_;  // of the plans
  mutable std::map<std::vector<ValueId>, std::shared_ptr<const Plan>> plans_;
};

// Runs two runners and compares every value they have in common by name: how a rewritten graph is
// proved equal to the plain one. Throws Error (Fault::internal) naming the first value whose
// difference exceeds tolerance · (1 + largest magnitude).
class CheckedRunner final : public Runner {
 public:
  CheckedRunner(std::shared_ptr<const Runner> plain, std::shared_ptr<const Runner> rewritten,
                double tolerance);
  const Graph& graph() const override { return plain_->graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;

 private:
  std::shared_ptr<const Runner> plain_, rewritten_;
  double tolerance_;
};

}  // namespace pellucid

// Runs a graph that was exported with a fixed batch at other batch sizes.
//
// In this order, and the answer says which: as it is (the batch is dynamic, or it was verified on
// distinct samples that a batch equals its samples run one by one); under a functorch vmap level;
// one sample after another. Where data decides which way the graph goes (graph/blocks.h), samples
// run one after another whatever the batch: each goes its own way.
#pragma once

#include <memory>

#include "pellucid/run/executor.h"

namespace pellucid {

// The leading size every input declares: nullopt when it is symbolic (a dynamic batch). Inputs
// without dimensions don't count. Throws nothing; a graph whose inputs disagree has no batch and
// gives 1 for `shared` = false.
struct DeclaredBatch {
  std::optional<std::int64_t> size;
  bool shared = true;
};
DeclaredBatch declared_batch(const Graph& graph);

class BatchRunner final : public Runner {
 public:
  // The mode is found at the first run whose batch is not the declared one, with that run's own
  // inputs.
  explicit BatchRunner(std::shared_ptr<const Runner> inner);
  const Graph& graph() const override { return inner_->graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;
  // as_is until a run needed another batch.
  BatchMode batch_mode() const override;

 private:
  BatchMode find_mode(std::span<const Feed> feeds, std::int64_t declared) const;

  std::shared_ptr<const Runner> inner_;
  bool branches_;  // data decides which way it goes
  mutable std::mutex mutex_;
  mutable std::optional<BatchMode> mode_;
};

}  // namespace pellucid

// Gradients in less memory: the values between a few cuts are computed again instead of kept.
#pragma once

#include <memory>

#include "pellucid/run/executor.h"

namespace pellucid {

// With RunSettings::segments above one, a run for a gradient keeps only the values at the cuts
// between that many parts of the graph; the backward pass runs each part once more (Chen, Xu,
// Zhang, Guestrin 2016, arXiv 1604.06174). Answers are the same; gradients can be taken once. A
// graph whose second run might differ (random operators, storage written to) runs whole, as does a
// run whose observer sees everything.
class RecomputingRunner final : public Runner {
 public:
  explicit RecomputingRunner(std::shared_ptr<const Runner> inner);
  const Graph& graph() const override { return inner_->graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;

 private:
  std::shared_ptr<const Runner> inner_;
};

}  // namespace pellucid

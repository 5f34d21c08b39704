// A quick rewrite of a graph behind the plain graph's names.
#pragma once

#include <memory>

#include "pellucid/run/executor.h"

namespace pellucid {

// Runs `quick` whenever it has every value that is fed, wanted or observed, by name; else `plain`.
// To its callers it is the plain graph: a value that the rewrite made disappear is still there for
// who asks for it.
class PreferredRunner final : public Runner {
 public:
  PreferredRunner(std::shared_ptr<const Runner> plain, std::shared_ptr<const Runner> quick);
  const Graph& graph() const override { return plain_->graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;

 private:
  std::shared_ptr<const Runner> plain_, quick_;
  std::vector<ValueId> there_;  // plain id → quick id, or no_value
  std::vector<ValueId> here_;   // quick id → plain id, or no_value
};

}  // namespace pellucid

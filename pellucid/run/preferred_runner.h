// A quick rewrite of a graph behind the plain graph's names.
#pragma once

#include <memory>

#include "pellucid/run/executor.h"

namespace pellucid {

// Runs `quick` as far as it has, by name, what is fed, wanted or observed; `plain` from there on,
// where a value is asked for that the rewrite made disappear. To its callers it is the plain graph.
class PreferredRunner final : public Runner {
 public:
  PreferredRunner(std::shared_ptr<const Runner> plain, std::shared_ptr<const Runner> quick);
  const Graph& graph() const override { return plain_->graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override;

 private:
  // How a run is shared: what `plain` computes, and what `quick` hands it for that.
  struct Share {
    std::vector<bool> plain;  // by value
    std::vector<ValueId> handed;
  };
  ValueId there(ValueId id) const { return there_[static_cast<std::size_t>(id)]; }
  Share share(std::span<const Feed> feeds, std::span<const ValueId> asked) const;

  std::shared_ptr<const Runner> plain_, quick_;
  std::vector<ValueId> there_;  // plain id → quick id, or no_value
  std::vector<ValueId> here_;   // quick id → plain id, or no_value
  bool can_share_ = true;
};

}  // namespace pellucid

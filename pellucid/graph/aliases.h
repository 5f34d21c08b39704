// Which values may share storage, and which nodes write into storage: from the operators' schemas.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// Values in one set may share storage: views, in-place results, and the results of composite operators whose schema
// does not say (dropout returns its input in evaluation mode). Conservative: sharing is assumed where it is possible.
class Aliases {
 public:
  explicit Aliases(const Graph& graph);

  ValueId set_of(ValueId id) const { return set_[static_cast<std::size_t>(id)]; }
  bool share(ValueId a, ValueId b) const { return set_of(a) == set_of(b); }
  // True when some node writes into the storage of the value.
  bool mutated(ValueId id) const { return mutated_[static_cast<std::size_t>(set_of(id))]; }
  // All values of the set.
  std::span<const ValueId> members(ValueId set) const { return members_[static_cast<std::size_t>(set)]; }

 private:
  std::vector<ValueId> set_;
  std::vector<bool> mutated_;
  std::vector<std::vector<ValueId>> members_;
};

// The values that the node writes into (in-place and out= operators; blocks through their bodies).
std::vector<ValueId> written_by(const Node& node);

// True when the node's only effect is to write into its operands or it has randomness that running twice would show.
bool is_random(const Node& node);

// In-place operators on values nobody else aliases become their functional twins; later uses follow. Mutation through
// views stays as it is and runs as written.
std::shared_ptr<const Graph> functionalise(const Graph& graph);

}  // namespace pellucid

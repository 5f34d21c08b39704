// Which values may share storage, and which nodes write into storage: from the operators' schemas.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// True when a result of the node may share storage with one of its operands: views, in-place
// operators, and composite operators whose schema does not say (dropout returns its input in
// evaluation mode). Assumed where it is possible.
bool may_share_storage(const Node& node);

// The values whose storage the node writes into (in-place and out= operators; blocks through their
// bodies).
std::vector<ValueId> written_by(const Node& node);

// True when two runs of the node may differ (dropout in training mode, rand).
bool is_random(const Node& node);

// The values of a graph in sets that may share storage.
class Aliases {
 public:
  explicit Aliases(const Graph& graph);

  ValueId set_of(ValueId id) const { return set_[static_cast<std::size_t>(id)]; }
  bool share(ValueId a, ValueId b) const { return set_of(a) == set_of(b); }
  // Indices of the nodes that write into the storage of the value, ascending.
  std::span<const int> writers(ValueId id) const {
    return writers_[static_cast<std::size_t>(set_of(id))];
  }
  bool mutated(ValueId id) const { return !writers(id).empty(); }

 private:
  std::vector<ValueId> set_;
  std::vector<std::vector<int>> writers_;  // by set
};

// Blocks that always run their one body (torch.no_grad(), torch.autocast()) become the nodes of it,
// so that what lies in them has names and layers like all the rest.
std::shared_ptr<const Graph> inline_blocks(const std::shared_ptr<const Graph>& graph);

// In-place operators on values nobody else needs under the old content become their functional
// twins; later uses follow. Mutation through views stays as it is and runs as written.
std::shared_ptr<const Graph> functionalise(const Graph& graph);

}  // namespace pellucid

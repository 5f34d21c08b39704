// Union-find over value ids.
#pragma once

#include <numeric>
#include <vector>

#include "pellucid/graph/graph.h"

namespace pellucid {

class DisjointSets {
 public:
  explicit DisjointSets(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  ValueId root(ValueId id) {
    while (at(id) != id) id = at(id) = at(at(id));
    return id;
  }
  void unite(ValueId a, ValueId b) { at(root(a)) = root(b); }
  // A new set of its own, for a value made later.
  ValueId add() {
    parent_.push_back(static_cast<ValueId>(parent_.size()));
    return parent_.back();
  }

 private:
  ValueId& at(ValueId id) { return parent_[static_cast<std::size_t>(id)]; }
  std::vector<ValueId> parent_;
};

}  // namespace pellucid

// How much a model holds.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "pellucid/graph/graph.h"

namespace pellucid {

struct WeightCount {
  std::int64_t tensors = 0, numbers = 0;
  double bytes = 0;
};

// Of the constants of those kinds; what several share counts once.
WeightCount count_weights(const Graph& graph, std::initializer_list<ConstantKind> kinds);

}  // namespace pellucid

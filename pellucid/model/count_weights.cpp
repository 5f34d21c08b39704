#include "pellucid/model/count_weights.h"

#include <algorithm>
#include <set>

namespace pellucid {

WeightCount count_weights(const Graph& graph, std::initializer_list<ConstantKind> kinds) {
  WeightCount count;
  std::set<const void*> seen;
  for (const Constant& constant : graph.constants()) {
    if (std::ranges::find(kinds, constant.kind) == kinds.end() || !constant.data.defined())
      continue;
    const void* storage = constant.data.unsafeGetTensorImpl()->has_storage()
                              ? constant.data.const_data_ptr()
                              : &constant;
    if (!seen.insert(storage).second) continue;
    ++count.tensors;
    count.numbers += constant.data.numel();
    count.bytes += static_cast<double>(constant.data.nbytes());
  }
  return count;
}

}  // namespace pellucid

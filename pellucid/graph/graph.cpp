#include "pellucid/graph/graph.h"

namespace pellucid {

ValueId Graph::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? no_value : found->second;
}

bool Graph::is_output(ValueId id) const {
  bool found = false;
  for (const Output& output : outputs_)
    for_each_value(output.operand, [&](ValueId other) { found = found || other == id; });
  return found;
}

const Constant* Graph::constant(ValueId id) const {
  const auto found = constant_of_.find(id);
  return found == constant_of_.end() ? nullptr : &constants_[found->second];
}

}  // namespace pellucid

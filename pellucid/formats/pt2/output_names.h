// The names of a model's outputs, from the tree that its forward returns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pellucid/formats/reading/json_tree.h"

namespace pellucid::pt2 {

// The leaves of a serialised treespec in order: "" when the answer is a single tensor, else "out",
// "aux.0", ... `named_tuples` maps a type's name to its fields ({"T": {"field_names": [...]}}), or
// is nullptr. A tree that can't be read, or that has another number of leaves, gives "0", "1", ...
// ("" for one).
std::vector<std::string> output_names(std::string_view treespec, const JsonItem* named_tuples,
                                      std::size_t count);

}  // namespace pellucid::pt2

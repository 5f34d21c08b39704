// The tree of a model's answer, as torch describes it.
#pragma once

#include <span>
#include <string>

namespace pellucid::pt2 {

// A treespec of dictionaries and tuples whose leaves have these paths ("out", "aux.0"); where they
// are no paths of one tree, a dictionary of them all. The only leaf of no name is the answer
// itself.
std::string treespec_of(std::span<const std::string> names);
// The arguments of a model of so many inputs.
std::string arguments_treespec(std::size_t inputs);

}  // namespace pellucid::pt2

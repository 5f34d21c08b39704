// The program of a PT2 archive (models/NAME.json) as a graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/formats/reading/json_tree.h"
#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// The weight of a fully qualified name.
using TensorSource = std::function<at::Tensor(std::string_view fqn)>;

// What keeps the program from being read, all of it, one line each: its version, unknown operators,
// dtypes, kinds of argument, custom objects, effects. Throws Error (Fault::model) where the
// document itself is malformed.
std::vector<std::string> problems_of(const JsonItem& program);

// The weights that the program names, in its order.
std::vector<std::string_view> weights_of(const JsonItem& program);

// Throws Error (Fault::model) naming the node.
std::shared_ptr<const Graph> read_program(const JsonItem& program, const TensorSource& weights);

}  // namespace pellucid::pt2

// Module paths as people write them, and the values they stand for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/graph/graph.h"

namespace pellucid {

struct Layer {
  std::string name;          // "layer4.2.conv3": a module path, or a value's own name
  ValueId value = no_value;  // what the module returns
  std::string module_class;
};

// Every module of the graph in execution order (the value that leaves it last), and its own path
// first of all.
std::vector<Layer> layers(const Graph& graph);

// "layer4[-1].conv3", "model.layer4.2.conv3", a value's name. Throws Error (Fault::usage) with the
// nearest names.
Layer find_layer(const Graph& graph, std::string_view words);

// What people call a value: the shortest module path that returns it, else its own name.
std::string layer_name(const Graph& graph, ValueId value);

}  // namespace pellucid

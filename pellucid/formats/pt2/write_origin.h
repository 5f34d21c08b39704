// Where a node comes from, as torch writes it beside the node.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

class OriginWriter {
 public:
  explicit OriginWriter(const Graph& graph);
  // "nn_module_stack" and "stack_trace", from which origin_of() reads the same origin.
  Json metadata(const Origin& origin) const;

 private:
  std::string class_of(const std::string& path) const;
  std::map<std::string, std::string, std::less<>> classes_;  // by module path
};

// Every module of the graph and those around it, in the order in which they run first.
std::vector<std::string> module_paths(const Graph& graph);

}  // namespace pellucid::pt2

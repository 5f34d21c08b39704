// Where an ONNX node comes from in the user's own network.
#pragma once

#include <string_view>

#include "pellucid/formats/onnx/records.h"
#include "pellucid/graph/graph.h"

namespace pellucid::from_onnx {

// Of what exporters leave: torch's dynamo exporter writes the modules' names and classes into the
// node's properties, all others name the node by its place ("/layer4/layer4.2/conv3/Conv").
Origin origin_of(const NodeRecord& node);

// "layer4.2.conv3" of "/layer4/layer4.2/conv3/Conv".
std::string path_of(std::string_view node_name);

}  // namespace pellucid::from_onnx

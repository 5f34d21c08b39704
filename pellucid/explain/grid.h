// Where a value of the graph has places in the picture: its spatial grid, and the layer that class
// activation maps should look at. Found from the graph, for convolutional and for token models.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pellucid/graph/graph.h"

namespace pellucid {

// How [N, ...] of a value is laid out over the picture.
struct Grid {
  enum class Layout { channels_first, channels_last, tokens } layout = Layout::channels_first;
  std::int64_t height = 0, width = 0;
  std::int64_t extra_tokens = 0;  // class and register tokens before the patches
};

// The grid of a value, from the shapes that the file declares and the operators around it; nullopt
// when it has none.
std::optional<Grid> grid_of(const Graph& graph, ValueId value);

// [N, ...] in the grid's layout → [N, C, height, width]; the extra tokens are left out.
at::Tensor as_channels_first(const at::Tensor& activation, const Grid& grid);

// The layer for class activation maps of a target that reads `target`: the last spatial value
// before the pooling or, where patches become tokens, the input of the last attention. nullopt when
// nothing spatial leads to the target.
struct CamLayer {
  ValueId value = no_value;
  std::string why;  // "last spatial value before the pooling"
};
std::optional<CamLayer> find_cam_layer(const Graph& graph, ValueId target);

// The layers that a class activation map can look at: they lead to an output, and have 2 x 2 places
// or more. In the order of the graph; of several names for one value the one people use.
struct SpatialLayer {
  std::string name;
  ValueId value = no_value;
  Grid grid;
};
std::vector<SpatialLayer> spatial_layers(const Graph& graph);

// The nodes where tokens look at each other: fused attention, or a softmax whose result multiplies
// values.
std::vector<int> attention_nodes(const Graph& graph);

}  // namespace pellucid

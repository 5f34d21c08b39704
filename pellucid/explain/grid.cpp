#include "pellucid/explain/grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "pellucid/model/layers.h"

namespace pellucid {
namespace {

std::string_view operator_name(const Node& node) {
  return node.kind == NodeKind::aten ? std::string_view(node.handle->schema().name())
                                     : std::string_view(node.op);
}

template <std::size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Operators whose 4-D operand is [N, C, H, W].
constexpr std::array<std::string_view, 14> channels_first = {"aten::conv2d",
                                                             "aten::convolution",
                                                             "aten::batch_norm",
                                                             "aten::max_pool2d",
                                                             "aten::max_pool2d_with_indices",
                                                             "aten::avg_pool2d",
                                                             "aten::adaptive_avg_pool2d",
                                                             "aten::_adaptive_avg_pool2d",
                                                             "aten::adaptive_max_pool2d",
                                                             "aten::group_norm",
                                                             "aten::instance_norm",
                                                             "aten::upsample_bilinear2d",
                                                             "aten::pixel_shuffle",
                                                             "aten::upsample_nearest2d"};
// Operators that work along the last dimension, so that a 4-D operand is [N, H, W, C].
constexpr std::array<std::string_view, 4> channels_last = {
    "aten::linear", "aten::layer_norm", "aten::native_layer_norm", "aten::addmm"};
constexpr std::array<std::string_view, 6> poolings = {"aten::adaptive_avg_pool2d",
                                                      "aten::_adaptive_avg_pool2d",
                                                      "aten::adaptive_max_pool2d",
                                                      "aten::avg_pool2d",
                                                      "aten::mean",
                                                      "aten::amax"};
constexpr std::array<std::string_view, 4> attentions = {
    "aten::scaled_dot_product_attention", "aten::_scaled_dot_product_flash_attention_for_cpu",
    "aten::_scaled_dot_product_efficient_attention", "aten::multi_head_attention_forward"};

std::optional<std::int64_t> size(const Graph& graph, ValueId id, std::size_t dimension) {
  const auto& shape = graph.value(id).shape;
  return dimension < shape.size() ? shape[dimension] : std::nullopt;
}

// A mean (or another reduction) over the two dimensions of a picture says which they are.
std::optional<Grid::Layout> reduced_layout(const Node& node, std::string_view name) {
  if (name != "aten::mean" && name != "aten::amax" && name != "aten::sum") return std::nullopt;
  if (node.operands.size() < 2 || node.operands[1].is_value() || node.operands[1].is_list())
    return std::nullopt;
  const c10::IValue& given = node.operands[1].constant();
  if (!given.isIntList()) return std::nullopt;
  std::vector<std::int64_t> axes = given.toIntVector();
  for (std::int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
  std::ranges::sort(axes);
  if (axes == std::vector<std::int64_t>{2, 3}) return Grid::Layout::channels_first;
  if (axes == std::vector<std::int64_t>{1, 2}) return Grid::Layout::channels_last;
  return std::nullopt;
}

// The layout that the nearest telling operator before or after the value gives it; element-wise
// ones tell nothing.
std::optional<Grid::Layout> told_layout(const Graph& graph, ValueId value) {
  std::vector<ValueId> open = {value};
  std::vector<bool> seen(graph.values().size(), false);
  const std::size_t rank = graph.value(value).shape.size();
  for (std::size_t i = 0; i < open.size() && i < 64; ++i) {
    const ValueId id = open[i];
    if (seen[static_cast<std::size_t>(id)]) continue;
    seen[static_cast<std::size_t>(id)] = true;
    const auto ask = [&](const Node& node) -> std::optional<Grid::Layout> {
      const std::string_view name = operator_name(node);
      if (among(name, channels_first)) return Grid::Layout::channels_first;
      if (name ==
          "aten::matmul") {  // of two activations it is an attention's, whose operands have heads
        const bool by_weights =
            node.operands[1].is_value() && graph.value(node.operands[1].value()).shape.size() == 2;
        return by_weights ? std::optional(Grid::Layout::channels_last) : std::nullopt;
      }
      if (among(name, channels_last)) return Grid::Layout::channels_last;
      return std::nullopt;
    };
    // Only through operators that leave the layout alone: same rank, same sizes but along a join.
    const auto same_layout = [&](const Node& node, ValueId other) {
      return graph.value(other).is_tensor && graph.value(other).shape.size() == rank &&
             (graph.value(other).shape == graph.value(id).shape ||
              operator_name(node) == "aten::cat");
    };
    if (const int producer = graph.producer(id); producer >= 0) {
      const Node& node = graph.nodes()[static_cast<std::size_t>(producer)];
      if (const auto told = ask(node)) return told;
      if (operator_name(node) != "aten::permute" && operator_name(node) != "aten::transpose") {
        for_each_operand_value(node, [&](ValueId other) {
          if (same_layout(node, other)) open.push_back(other);
        });
      }
    }
    for (const int user : graph.users(id)) {
      const Node& node = graph.nodes()[static_cast<std::size_t>(user)];
      if (!node.operands.empty() && node.operands[0].is_value() && node.operands[0].value() == id) {
        if (const auto told = ask(node)) return told;
        if (const auto told = reduced_layout(node, operator_name(node))) return told;
      }
      if (operator_name(node) != "aten::permute" && operator_name(node) != "aten::transpose") {
        for_each_result(node, [&](ValueId other) {
          if (same_layout(node, other)) open.push_back(other);
        });
      }
    }
  }
  return std::nullopt;
}

// Every value that `target` depends on, and is computed from an input.
std::vector<bool> leads_to(const Graph& graph, ValueId target) {
  std::vector<bool> after_input(graph.values().size(), false),
      before_target(graph.values().size(), false);
  for (const ValueId id : graph.inputs()) after_input[static_cast<std::size_t>(id)] = true;
  for (const Node& node : graph.nodes()) {
    bool depends = false;
    for_each_operand_value(node, [&](ValueId id) {
      depends = depends || (after_input[static_cast<std::size_t>(id)] && graph.value(id).is_tensor);
    });
    if (depends)
      for_each_result(node, [&](ValueId id) { after_input[static_cast<std::size_t>(id)] = true; });
  }
  before_target[static_cast<std::size_t>(target)] = true;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    bool wanted = false;
    for_each_result(
        *node, [&](ValueId id) { wanted = wanted || before_target[static_cast<std::size_t>(id)]; });
    if (wanted)
      for_each_operand_value(
          *node, [&](ValueId id) { before_target[static_cast<std::size_t>(id)] = true; });
  }
  for (std::size_t i = 0; i < after_input.size(); ++i)
    before_target[i] = before_target[i] && after_input[i];
  return before_target;
}

bool adds_activations(const Graph& graph, const Node& node, const std::vector<bool>& on_path) {
  int count = 0;
  for_each_operand_value(node, [&](ValueId id) {
    count += on_path[static_cast<std::size_t>(id)] && graph.value(id).is_tensor;
  });
  return count == 2;
}

// The patch grid that tokens came from: the last spatial 4-D value before `value` in the order of
// the graph whose number of places is the number of tokens, with up to 16 extra tokens.
std::optional<Grid> token_grid(const Graph& graph, ValueId value) {
  const auto tokens = size(graph, value, 1);
  if (!tokens || *tokens < 4) return std::nullopt;
  const int end = graph.producer(value);
  for (int n = end; n >= 0; --n) {
    std::optional<Grid> found;
    for_each_result(graph.nodes()[static_cast<std::size_t>(n)], [&](ValueId id) {
      if (graph.value(id).shape.size() != 4 || found || !told_layout(graph, id))
        return;  // heads are 4-D, too
      const auto grid = grid_of(graph, id);
      if (!grid || grid->height * grid->width < 4) return;
      const std::int64_t extra = *tokens - grid->height * grid->width;
      if (extra >= 0 && extra <= 16)
        found = Grid{Grid::Layout::tokens, grid->height, grid->width, extra};
    });
    if (found) return found;
  }
  // Nothing spatial is left of the picture's patches: a square of them, with or without a class
  // token.
  if (std::ranges::none_of(graph.inputs(),
                           [&](ValueId id) { return graph.value(id).shape.size() == 4; }))
    return std::nullopt;
  for (const std::int64_t extra : {0, 1, 2, 5}) {
    const auto side =
        static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(*tokens - extra))));
    if (side > 1 && side * side == *tokens - extra)
      return Grid{Grid::Layout::tokens, side, side, extra};
  }
  return std::nullopt;
}

bool is_attention(const Graph& graph, int n) {
  const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
  if (among(operator_name(node), attentions)) return true;
  if (operator_name(node) != "aten::softmax" && operator_name(node) != "aten::_softmax")
    return false;
  // A softmax over tokens whose result multiplies values.
  bool multiplies = false;
  for_each_result(node, [&](ValueId id) {
    std::vector<ValueId> open = {id};
    for (std::size_t i = 0; i < open.size() && i < 8; ++i) {
      for (const int user : graph.users(open[i])) {
        const std::string_view name = operator_name(graph.nodes()[static_cast<std::size_t>(user)]);
        multiplies =
            multiplies || name == "aten::matmul" || name == "aten::bmm" || name == "aten::einsum";
        if (name == "aten::dropout" || name == "aten::view" || name == "aten::expand" ||
            name == "aten::to") {
          for_each_result(graph.nodes()[static_cast<std::size_t>(user)],
                          [&](ValueId next) { open.push_back(next); });
        }
      }
    }
  });
  return multiplies;
}

// What an attention was computed from: going back, the nearest token value that a norm made; else
// the nearest tokens.
ValueId attention_input(const Graph& graph, int attention, const std::vector<bool>& on_path) {
  ValueId nearest = no_value;
  std::vector<bool> seen(graph.values().size(), false);
  std::vector<ValueId> open;
  for_each_operand_value(graph.nodes()[static_cast<std::size_t>(attention)],
                         [&](ValueId id) { open.push_back(id); });
  while (!open.empty()) {
    const auto latest = std::max_element(open.begin(), open.end(), [&](ValueId a, ValueId b) {
      return graph.producer(a) < graph.producer(b);
    });
    const ValueId id = *latest;
    open.erase(latest);
    if (seen[static_cast<std::size_t>(id)] || !on_path[static_cast<std::size_t>(id)]) continue;
    seen[static_cast<std::size_t>(id)] = true;
    const int producer = graph.producer(id);
    if (producer < 0) break;
    const Node& node = graph.nodes()[static_cast<std::size_t>(producer)];
    const bool tokens = graph.value(id).shape.size() == 3 && grid_of(graph, id).has_value();
    if (tokens && among(operator_name(node), std::array<std::string_view, 2>{
                                                 "aten::layer_norm", "aten::native_layer_norm"}))
      return id;
    // A residual sum is where the previous block ends: going further back would leave this
    // attention. (The sum of a linear layer and its bias is none.)
    if (tokens && operator_name(node) == "aten::add" && adds_activations(graph, node, on_path))
      return nearest == no_value ? id : nearest;
    if (tokens && nearest == no_value && operator_name(node) != "aten::linear") nearest = id;
    for_each_operand_value(node, [&](ValueId other) { open.push_back(other); });
  }
  return nearest;
}

}  // namespace

std::optional<Grid> grid_of(const Graph& graph, ValueId value) {
  const auto& shape = graph.value(value).shape;
  if (!graph.value(value).is_tensor) return std::nullopt;
  if (shape.size() == 3) return token_grid(graph, value);
  if (shape.size() != 4) return std::nullopt;
  const auto layout = told_layout(graph, value).value_or(Grid::Layout::channels_first);
  const std::size_t rows = layout == Grid::Layout::channels_first ? 2 : 1;
  if (!shape[rows] || !shape[rows + 1]) return std::nullopt;
  return Grid{layout, *shape[rows], *shape[rows + 1], 0};
}

at::Tensor as_channels_first(const at::Tensor& activation, const Grid& grid) {
  switch (grid.layout) {
    case Grid::Layout::channels_first:
      return activation;
    case Grid::Layout::channels_last:
      return activation.permute({0, 3, 1, 2});
    case Grid::Layout::tokens:
      return activation.slice(1, grid.extra_tokens)
          .transpose(1, 2)
          .reshape({activation.size(0), activation.size(2), grid.height, grid.width});
  }
  return activation;
}

std::optional<CamLayer> find_cam_layer(const Graph& graph, ValueId target) {
  const std::vector<bool> on_path = leads_to(graph, target);
  // Places of a film or a volume are more than a picture's: what has four dimensions is a part.
  for (const ValueId id : graph.inputs()) {
    if (on_path[static_cast<std::size_t>(id)] && graph.value(id).shape.size() > 4)
      return std::nullopt;
  }
  ValueId spatial = no_value;
  int last_attention = -1;
  for (int n = 0; n < static_cast<int>(graph.nodes().size()); ++n) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    bool relevant = false;
    for_each_result(
        node, [&](ValueId id) { relevant = relevant || on_path[static_cast<std::size_t>(id)]; });
    if (!relevant) continue;
    if (is_attention(graph, n)) last_attention = n;
    if (among(operator_name(node), poolings)) continue;
    for_each_result(node, [&](ValueId id) {
      if (id == target || !on_path[static_cast<std::size_t>(id)] ||
          graph.value(id).shape.size() != 4)
        return;
      const auto told = told_layout(graph, id);
      if (!told) return;  // windows and heads of attention are 4-D, too
      const auto grid = grid_of(graph, id);
      if (grid && grid->height > 1 && grid->width > 1) spatial = id;
    });
  }
  if (last_attention >= 0 && (spatial == no_value || graph.producer(spatial) < last_attention)) {
    const ValueId tokens = attention_input(graph, last_attention, on_path);
    if (tokens != no_value) return CamLayer{tokens, "the input of the last attention"};
  }
  if (spatial == no_value) return std::nullopt;
  return CamLayer{spatial, "the last spatial value before the pooling"};
}

std::vector<SpatialLayer> spatial_layers(const Graph& graph) {
  std::vector<bool> leads(graph.values().size(), false);
  for (const Output& output : graph.outputs()) {
    if (!output.operand.is_value()) continue;
    const std::vector<bool> to_this = leads_to(graph, output.operand.value());
    for (std::size_t i = 0; i < leads.size(); ++i) leads[i] = leads[i] || to_this[i];
  }
  std::map<ValueId, std::string> names;  // the shortest of each value
  std::vector<ValueId> in_order;
  for (const Layer& layer : layers(graph)) {
    if (!leads[static_cast<std::size_t>(layer.value)]) continue;
    const auto [known, fresh] = names.try_emplace(layer.value, layer.name);
    if (fresh) in_order.push_back(layer.value);
    if (layer.name.size() < known->second.size()) known->second = layer.name;
  }
  std::vector<SpatialLayer> found;
  for (const ValueId id : in_order) {
    // Windows and heads of attention are 4-D, too.
    if (graph.value(id).shape.size() == 4 && !told_layout(graph, id)) continue;
    const auto grid = grid_of(graph, id);
    if (grid && grid->height > 1 && grid->width > 1) found.push_back({names.at(id), id, *grid});
  }
  return found;
}

std::vector<int> attention_nodes(const Graph& graph) {
  std::vector<int> nodes;
  for (int n = 0; n < static_cast<int>(graph.nodes().size()); ++n) {
    if (is_attention(graph, n)) nodes.push_back(n);
  }
  return nodes;
}

}  // namespace pellucid

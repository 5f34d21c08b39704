#include "pellucid/model/layers.h"

#include <charconv>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"

namespace pellucid {
namespace {

bool within(std::string_view path, std::string_view module) {
  return module.empty() || path == module ||
         (path.size() > module.size() && path.starts_with(module) && path[module.size()] == '.');
}

struct Span {
  std::size_t order = 0;  // of the module's first node
  int first = 0, last = 0;
  std::string module_class;
};

// What leaves the module last: the last tensor defined inside that is read outside.
ValueId leaving(const Graph& graph, const std::string& module, const Span& span) {
  std::vector<bool> is_output(graph.values().size(), false);
  for (const Output& output : graph.outputs()) {
    for_each_value(output.operand,
                   [&](ValueId id) { is_output[static_cast<std::size_t>(id)] = true; });
  }
  ValueId fallback = no_value;
  for (int n = span.last; n >= span.first; --n) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    if (!within(node.origin.module_path, module)) continue;
    ValueId found = no_value;
    for_each_result(node, [&](ValueId id) {
      if (!graph.value(id).is_tensor) return;
      if (fallback == no_value) fallback = id;
      bool outside = is_output[static_cast<std::size_t>(id)];
      for (const int user : graph.users(id)) {
        outside = outside ||
                  !within(graph.nodes()[static_cast<std::size_t>(user)].origin.module_path, module);
      }
      if (outside && found == no_value) found = id;
    });
    if (found != no_value) return found;
  }
  return fallback;
}

// Paths with [i] and [-i] spelled as .i; a negative index counts from the end of what the graph has
// there.
std::string spelled_out(std::string_view words, const std::vector<std::string>& paths) {
  std::string path;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] != '[') {
      path += words[i];
      continue;
    }
    const std::size_t close = words.find(']', i);
    if (close == std::string_view::npos)
      throw usage_error("a bracket is not closed").at("layer " + std::string(words));
    long index = 0;
    const std::string_view digits = words.substr(i + 1, close - i - 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      throw usage_error("\"" + std::string(digits) + "\" is no index")
          .at("layer " + std::string(words));
    }
    if (index < 0) {
      long count = 0;
      for (const std::string& known : paths) {
        if (!known.starts_with(path + ".")) continue;
        long child = 0;
        const char* begin = known.data() + path.size() + 1;
        if (std::from_chars(begin, known.data() + known.size(), child).ec == std::errc())
          count = std::max(count, child + 1);
      }
      index += count;
    }
    path += (path.empty() ? "" : ".") + std::to_string(index);
    i = close;
  }
  return path;
}

}  // namespace

std::vector<Layer> layers(const Graph& graph) {
  std::map<std::string, Span> spans;
  std::vector<std::string> in_order;
  for (int n = 0; n < static_cast<int>(graph.nodes().size()); ++n) {
    const Origin& origin = graph.nodes()[static_cast<std::size_t>(n)].origin;
    // The module itself and every module around it.
    for (std::size_t end = origin.module_path.size();
         end != std::string::npos && !origin.module_path.empty();) {
      const std::string path = origin.module_path.substr(0, end);
      auto [found, fresh] = spans.try_emplace(path, Span{in_order.size(), n, n, {}});
      if (fresh) in_order.push_back(path);
      found->second.last = n;
      if (end == origin.module_path.size() && found->second.module_class.empty()) {
        found->second.module_class = origin.module_class;
      }
      end = end == 0 ? std::string::npos : origin.module_path.rfind('.', end - 1);
    }
  }
  std::vector<Layer> found;
  for (const std::string& path : in_order) {
    const Span& span = spans.at(path);
    const ValueId value = leaving(graph, path, span);
    if (value != no_value) found.push_back({path, value, span.module_class});
  }
  return found;
}

std::string layer_name(const Graph& graph, ValueId value) {
  std::string name = graph.value(value).name;
  bool is_path = false;
  for (const Layer& layer : layers(graph)) {
    if (layer.value != value || (is_path && layer.name.size() >= name.size())) continue;
    name = layer.name;
    is_path = true;
  }
  return name;
}

Layer find_layer(const Graph& graph, std::string_view words) {
  const std::vector<Layer> known = layers(graph);
  std::vector<std::string> names;
  for (const Layer& layer : known) names.push_back(layer.name);
  const auto look_up = [&](std::string_view path) -> const Layer* {
    for (const Layer& layer : known) {
      if (layer.name == path) return &layer;
    }
    return nullptr;
  };
  std::string path = spelled_out(words, names);
  if (const Layer* layer = look_up(path)) return *layer;
  // `model.layer4` as Python writes it where the variable is called model.
  if (const auto dot = path.find('.'); dot != std::string::npos) {
    const std::string rest = spelled_out(words.substr(words.find('.') + 1), names);
    if (const Layer* layer = look_up(rest)) return *layer;
  }
  const ValueId value = graph.find(words);
  if (value != no_value && graph.value(value).is_tensor) return {std::string(words), value, {}};
  const std::string like = nearest(path, names);
  throw usage_error("the model has no layer \"" + std::string(words) + "\"")
      .hint((like.empty() ? "" : "the nearest are " + like + "; ") +
            "`pellucid inspect MODEL` lists all");
}

}  // namespace pellucid

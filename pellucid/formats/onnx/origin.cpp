// Module paths as named_modules() has them, so that layers are found under the names that the
// network's author gave them.
#include "pellucid/formats/onnx/origin.h"

#include <algorithm>

#include "pellucid/formats/pt2/origin.h"

namespace pellucid::from_onnx {
namespace {

constexpr std::size_t longest = 1000;

// The entries of a Python list of strings as repr() writes it: "['', 'layer1', 'conv']".
std::vector<std::string> entries(std::string_view list) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < list.size() && all.size() < 100; ++at) {
    const char quote = list[at];
    if (quote != '\'' && quote != '"') continue;
    const std::size_t end = list.find(quote, at + 1);
    if (end == std::string_view::npos) break;
    all.emplace_back(list.substr(at + 1, end - at - 1));
    at = end;
  }
  return all;
}

std::string_view property(const NodeRecord& node, std::string_view key) {
  for (const auto& [name, value] : node.properties) {
    if (name == key && value.size() <= 100 * longest) return value;
  }
  return {};
}

}  // namespace

std::string path_of(std::string_view name) {
  if (name.size() > longest) return {};
  // TensorFlow puts the whole network under the name of the call that runs it.
  for (const std::string_view call : {"StatefulPartitionedCall/", "PartitionedCall/"}) {
    if (name.starts_with(call)) name.remove_prefix(call.size());
  }
  std::string path, last;
  while (!name.empty()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) break;  // what remains is the operator itself
    const std::string part(name.substr(0, slash));
    name.remove_prefix(slash + 1);
    if (part.empty()) continue;
    // A container's children are named by the container's own name and their number.
    if (!last.empty() && part.starts_with(last + "."))
      path.replace(path.size() - last.size(), last.size(), part);
    else
      path += (path.empty() ? "" : ".") + part;
    last = part;
  }
  return path;
}

Origin origin_of(const NodeRecord& node) {
  Origin origin;
  const auto scopes = entries(property(node, "pkg.torch.onnx.name_scopes"));
  if (scopes.size() >= 2) {
    origin = pt2::origin_of({}, property(node, "pkg.torch.onnx.stack_trace"));
    origin.module_path = scopes[scopes.size() - 2];  // the last is the operator
    const auto classes = entries(property(node, "pkg.torch.onnx.class_hierarchy"));
    if (classes.size() == scopes.size()) origin.module_class = classes[classes.size() - 2];
  } else {
    origin.module_path = path_of(node.name);
  }
  if (origin.module_class.empty()) origin.module_class = node.type;
  return origin;
}

}  // namespace pellucid::from_onnx

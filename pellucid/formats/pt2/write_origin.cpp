// origin.cpp the other way round. A path's later use of a module ends in "@1"; torch has that in
// the key of the stack's last entry.
#include "pellucid/formats/pt2/write_origin.h"

#include <algorithm>
#include <set>

namespace pellucid::pt2 {
namespace {

constexpr const char* unknown_class = "torch.nn.modules.module.Module";

// What separates the entries of a stack, or parts of them, can't stand in one.
std::string plain(std::string_view text) {
  std::string safe(text);
  std::ranges::replace_if(
      safe, [](char c) { return std::string_view(",;()[]'\"").find(c) != std::string_view::npos; },
      '_');
  return safe;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string key_of(std::string_view path) {
  std::string key = "L__self__";
  for (const char c : path) key += c == '.' ? '_' : c;
  return key;
}

}  // namespace

OriginWriter::OriginWriter(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    std::string& known = classes_[node.origin.module_path];
    if (known.empty()) known = plain(node.origin.module_class);
  }
}

std::string OriginWriter::class_of(const std::string& path) const {
  const auto found = classes_.find(path);
  return found == classes_.end() || found->second.empty() ? unknown_class : found->second;
}

Json OriginWriter::metadata(const Origin& origin) const {
  Json metadata = Json::object();
  if (!origin.module_path.empty() || !origin.module_class.empty()) {
    std::string path = plain(origin.module_path), mark;
    if (const std::size_t at = path.rfind('@');
        at != path.npos && path.find('@') == at && is_digits(path.substr(at + 1))) {
      mark = path.substr(at);
      path.erase(at);
    }
    std::string stack = "L__self__,," + class_of("");
    for (std::size_t end = path.find('.'); end != path.npos; end = path.find('.', end + 1)) {
      const std::string outer = path.substr(0, end);
      stack += ";" + key_of(outer) + "," + outer + "," + class_of(outer);
    }
    if (!path.empty()) {
      stack += ";" + key_of(path) + mark + "," + path + "," + class_of(origin.module_path);
    }
    metadata["nn_module_stack"] = std::move(stack);
  }
  const std::size_t colon = origin.source.rfind(':');
  if (colon != std::string::npos && is_digits(origin.source.substr(colon + 1))) {
    metadata["stack_trace"] = "File \"" + origin.source.substr(0, colon) + "\", line " +
                              origin.source.substr(colon + 1) + ", in forward";
  }
  return metadata;
}

std::vector<std::string> module_paths(const Graph& graph) {
  std::vector<std::string> paths;
  std::set<std::string> seen;
  for (const Node& node : graph.nodes()) {
    const std::string path =
        plain(node.origin.module_path.substr(0, node.origin.module_path.find('@')));
    for (std::size_t end = path.find('.'); !path.empty(); end = path.find('.', end + 1)) {
      const std::string part = path.substr(0, end);
      if (seen.insert(part).second) paths.push_back(part);
      if (end == path.npos) break;
    }
  }
  return paths;
}

}  // namespace pellucid::pt2

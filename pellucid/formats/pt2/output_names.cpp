// A treespec is JSON in a string: [1, {"type", "context", "children_spec"}]; the context of a dict
// holds its keys, as JSON in a string again. Foreign containers (a transformers ModelOutput) write
// their keys alike.
#include "pellucid/formats/pt2/output_names.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "pellucid/base/error.h"

namespace pellucid::pt2 {
namespace {

std::optional<std::vector<std::string>> as_names(const JsonItem& list, std::size_t count) {
  if (!list.is_array() || list.items().size() != count) return std::nullopt;
  std::vector<std::string> names;
  for (const JsonItem& item : list.items()) {
    if (item.is_text())
      names.emplace_back(item.text());
    else if (item.is_number())
      names.push_back(std::to_string(item.integer()));
    else
      return std::nullopt;
  }
  return names;
}

std::vector<std::string> child_names(const JsonItem& node, const JsonItem* named_tuples) {
  const std::size_t count = node.at("children_spec").array().size();
  if (const JsonItem* context = node.find("context"); context != nullptr && context->is_text()) {
    const JsonTree tree(context->text(), "treespec");
    if (auto names = as_names(tree.root(), count)) return *names;
    if (tree.root().is_array()) {  // a defaultdict has its factory before its keys
      for (const JsonItem& part : tree.root().items()) {
        if (auto names = as_names(part, count); names && part.is_array()) return *names;
      }
    }
    if (tree.root().is_text() && named_tuples != nullptr) {
      if (const JsonItem* fields = named_tuples->find(tree.root().text())) {
        if (auto names = as_names(fields->at("field_names"), count)) return *names;
      }
    }
  }
  if (const JsonItem* type = node.find("type");
      type != nullptr && type->is_text() && named_tuples != nullptr) {
    if (const JsonItem* fields = named_tuples->find(type->text())) {
      if (auto names = as_names(fields->at("field_names"), count)) return *names;
    }
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// The tree's depth is bounded by JsonTree.
void collect(const JsonItem& node, const std::string& path, const JsonItem* named_tuples,
             std::vector<std::string>& leaves) {
  if (node.find("type") == nullptr) {
    leaves.push_back(path);
    return;
  }
  const std::vector<std::string> names = child_names(node, named_tuples);
  std::size_t i = 0;
  for (const JsonItem& child : node.at("children_spec").array()) {
    collect(child, path.empty() ? names[i] : path + "." + names[i], named_tuples, leaves);
    ++i;
  }
}

}  // namespace

std::vector<std::string> output_names(std::string_view treespec, const JsonItem* named_tuples,
                                      std::size_t count) {
  std::vector<std::string> names;
  // Each tuple looks its fields up one by one.
  if (named_tuples != nullptr && named_tuples->items().size() > 1000) named_tuples = nullptr;
  if (!treespec.empty()) {
    try {
      const JsonTree tree(treespec, "treespec");
      const auto parts = tree.root().array();
      if (parts.size() == 2) collect(parts[1], "", named_tuples, names);
    } catch (const Error&) {
      names.clear();  // names are a convenience: a model without them is still a model
    }
  }
  if (names.size() != count) {
    names.clear();
    for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  }
  // The only leaf of an answer that is a list or tuple needs no name either.
  if (count == 1 && (names[0] == "0" || names[0].empty())) names[0] = "";
  return names;
}

}  // namespace pellucid::pt2

// Children whose names are 0, 1, ... are a tuple's, others a dictionary's. The depth is bounded by
// the number of dots in a name.
#include "pellucid/formats/pt2/write_tree.h"

#include <algorithm>
#include <set>
#include <vector>

#include "pellucid/base/json.h"

namespace pellucid::pt2 {
namespace {

constexpr std::size_t deepest = 32;

Json leaf() { return {{"type", nullptr}, {"context", nullptr}, {"children_spec", Json::array()}}; }

Json tuple(Json children) {
  return {{"type", "builtins.tuple"}, {"context", "null"}, {"children_spec", std::move(children)}};
}

Json dictionary(const Json& keys, Json children) {
  return {{"type", "builtins.dict"},
          {"context", to_text(keys, false)},
          {"children_spec", std::move(children)}};
}

std::string spec(Json tree) { return to_text(Json::array({1, std::move(tree)}), false); }

// Names that share their first part stand together, as leaves of one tree do.
Json tree_of(std::span<const std::string> names, std::size_t depth) {
  if (names.size() == 1 && names[0].empty()) return leaf();
  Json keys = Json::array(), children = Json::array();
  bool counted = true;
  for (std::size_t i = 0; i < names.size();) {
    const std::string key = names[i].substr(0, names[i].find('.'));
    std::vector<std::string> inner;
    for (; i < names.size() && names[i].substr(0, names[i].find('.')) == key; ++i)
      inner.push_back(names[i].size() == key.size() ? "" : names[i].substr(key.size() + 1));
    counted = counted && key == std::to_string(keys.size());
    keys.push_back(key);
    children.push_back(tree_of(inner, depth + 1));
  }
  return counted ? tuple(std::move(children)) : dictionary(keys, std::move(children));
}

// Whether the names are the leaves of one tree, in its order.
bool is_tree(std::span<const std::string> names, std::size_t depth) {
  if (names.size() == 1 && names[0].empty()) return true;
  if (depth > deepest) return false;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size();) {
    const std::string key = names[i].substr(0, names[i].find('.'));
    if (key.empty() || !seen.insert(key).second) return false;
    std::vector<std::string> inner;
    for (; i < names.size() && names[i].substr(0, names[i].find('.')) == key; ++i)
      inner.push_back(names[i].size() == key.size() ? "" : names[i].substr(key.size() + 1));
    if (!is_tree(inner, depth + 1)) return false;
  }
  return true;
}

}  // namespace

std::string treespec_of(std::span<const std::string> names) {
  if (is_tree(names, 0)) return spec(tree_of(names, 0));
  Json keys = Json::array(), children = Json::array();
  std::set<std::string> seen;
  for (const std::string& name : names) {
    std::string key = name;
    while (!seen.insert(key).second) key += "_";
    keys.push_back(key);
    children.push_back(leaf());
  }
  return spec(dictionary(keys, std::move(children)));
}

std::string arguments_treespec(std::size_t inputs) {
  Json children = Json::array();
  for (std::size_t i = 0; i < inputs; ++i) children.push_back(leaf());
  return spec(
      tuple(Json::array({tuple(std::move(children)), dictionary(Json::array(), Json::array())})));
}

}  // namespace pellucid::pt2

// Looks through a whole program for what can't be read, so that a user learns all of it at once.
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/arguments.h"
#include "pellucid/formats/pt2/enums.h"
#include "pellucid/formats/pt2/program.h"
#include "pellucid/formats/pt2/targets.h"

namespace pellucid::pt2 {
namespace {

constexpr std::int64_t known_major = 8;
constexpr int deepest_graph = 16;

std::string_view shortened(std::string_view name) { return name.substr(0, 200); }

class Problems {
 public:
  void note(std::string problem) {
    const auto [place, is_new] = index_.emplace(problem, list_.size());
    if (is_new)
      list_.emplace_back(std::move(problem), 1);
    else
      ++list_[place->second].second;
  }

  // "operator my::op (3 times)"
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [problem, times] : list_) {
      lines.push_back(times == 1 ? problem : problem + " (" + std::to_string(times) + " times)");
    }
    return lines;
  }

  void look_at_graph(const JsonItem& graph, int depth) {
    if (depth > deepest_graph) {
      note("subgraphs nested deeper than " + std::to_string(deepest_graph));
      return;
    }
    for (const JsonItem& meta : graph.at("tensor_values").members()) {
      const std::int64_t dtype = meta.at("dtype").integer();
      if (!scalar_type(dtype))
        note("dtype number " + std::to_string(dtype) + " of " + std::string(shortened(meta.key())));
    }
    for (const JsonItem& node : graph.at("nodes").array()) look_at_node(node, depth);
  }

 private:
  void look_at_node(const JsonItem& node, int depth) {
    const std::string_view name = node.at("target").text();
    auto known = known_.find(name);
    if (known == known_.end()) {
      const auto target = parse_target(name);
      known = known_.emplace(name, target && is_known(*target)).first;
    }
    if (!known->second) note("operator " + std::string(shortened(name)));
    for (const JsonItem& input : node.at("inputs").array()) {
      const JsonItem& argument = input.at("arg");
      const JsonItem& kind = kind_of(argument);
      if (kind.key() == "as_graph") {
        look_at_graph(kind.at("graph"), depth + 1);
      } else if (kind.key() != "as_tensor") {
        const std::string problem = problem_of(argument);
        if (!problem.empty())
          note(problem + " (in a call of " + std::string(shortened(name)) + ")");
      }
    }
  }

  std::vector<std::pair<std::string, int>> list_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<std::string_view, bool> known_;
};

}  // namespace

std::vector<std::string> problems_of(const JsonItem& program) {
  Problems problems;
  const JsonItem& version = program.at("schema_version");
  const std::int64_t major = version.at("major").integer();
  if (major != known_major) {
    // Another major version may mean anything else by the same words: its graph is not looked at.
    return {"schema version " + std::to_string(major) + " (8 is known: torch 2.9 to 2.15)"};
  }
  const JsonItem& module = program.at("graph_module");
  for (const JsonItem& spec : module.at("signature").at("input_specs").array()) {
    const std::string_view kind = kind_of(spec).key();
    if (kind == "custom_obj")
      problems.note("custom object " +
                    std::string(shortened(kind_of(spec).at("custom_obj_name").text())));
    if (kind == "token") problems.note("an effect token (operators with side effects)");
  }
  for (const JsonItem& spec : module.at("signature").at("output_specs").array()) {
    const std::string_view kind = kind_of(spec).key();
    if (kind.starts_with("gradient_to_"))
      problems.note("gradients among the outputs (a training graph)");
    if (kind == "token") problems.note("an effect token (operators with side effects)");
  }
  problems.look_at_graph(module.at("graph"), 0);
  return problems.lines();
}

std::vector<std::string_view> weights_of(const JsonItem& program) {
  std::vector<std::string_view> names;
  for (const JsonItem& spec :
       program.at("graph_module").at("signature").at("input_specs").array()) {
    const JsonItem& kind = kind_of(spec);
    for (const std::string_view key : {"parameter_name", "buffer_name", "tensor_constant_name"}) {
      if (const JsonItem* name = kind.find(key)) names.push_back(name->text());
    }
  }
  return names;
}

}  // namespace pellucid::pt2

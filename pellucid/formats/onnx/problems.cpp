// All that is wrong is found before anything is made of the file.
#include <algorithm>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {
namespace {

constexpr int deepest = 64;

class Survey {
 public:
  explicit Survey(const ModelRecord& model) : model_(model) {}

  std::vector<std::string> problems() {
    check_opsets(model_.opsets, "");
    if (model_.ir_version < 3 || model_.ir_version > 99)
      add("IR version " + std::to_string(model_.ir_version));
    if (!model_.graph) {
      add("no graph in it");
      return found_;
    }
    graph(*model_.graph, 0);
    for (const ValueRecord& value : model_.graph->inputs) {
      if (value.kind != "tensor")
        add("the input \"" + std::string(value.name) + "\" is " + article(value.kind));
      else if (!scalar_type(value.data_type))
        add("the input \"" + std::string(value.name) + "\" holds " + type_name(value.data_type));
    }
    return found_;
  }

 private:
  static std::string article(std::string_view kind) {
    return (std::string_view("aeiou").find(kind.front()) == std::string_view::npos ? "a " : "an ") +
           std::string(kind);
  }

  void add(const std::string& problem) {
    if (seen_.insert(problem).second) found_.push_back(problem);
  }

  void check_opsets(const Opsets& opsets, const std::string& where) {
    const auto found = opsets.find("");
    if (found == opsets.end()) return;
    if (found->second < oldest_opset || found->second > newest_opset) {
      add("opset " + std::to_string(found->second) + where + " (" + std::to_string(oldest_opset) +
          " to " + std::to_string(newest_opset) + " are known)");
    }
  }

  void graph(const GraphRecord& graph, int depth) {
    if (graph.sparse_initializers != 0) add("sparse weights");
    for (const NodeRecord& each : graph.nodes) node(each, depth);
  }

  void node(const NodeRecord& node, int depth) {
    for (const AttributeRecord& each : node.attributes) {
      if (!each.other.empty())
        add("the attribute " + std::string(each.name) + " of " + std::string(node.type) + " is " +
            std::string(each.other));
      if (each.graph != nullptr) graph(*each.graph, depth);
    }
    if (const FunctionRecord* called = find_function(model_, node)) {
      function(*called, depth);
      return;
    }
    if (find_operator(node.domain, node.type) != nullptr) return;
    const std::string_view where =
        !node.name.empty() || node.outputs.empty() ? node.name : node.outputs[0];
    const std::string called = node.domain.empty()
                                   ? std::string(node.type)
                                   : std::string(node.domain) + "." + std::string(node.type);
    if (unknown_.insert(called.substr(0, 100)).second)
      add("the operator " + called.substr(0, 100) + " (node " + std::string(where.substr(0, 100)) +
          ")");
  }

  void function(const FunctionRecord& function, int depth) {
    if (std::ranges::find(within_, &function) != within_.end()) {
      add("the function " + std::string(function.name) + ", which calls itself");
      return;
    }
    if (!looked_at_.insert(&function).second) return;
    if (depth >= deepest) {
      add("functions nested deeper than " + std::to_string(deepest));
      return;
    }
    check_opsets(function.opsets, " of the function " + std::string(function.name));
    within_.push_back(&function);
    for (const NodeRecord& each : function.nodes) node(each, depth + 1);
    within_.pop_back();
  }

  const ModelRecord& model_;
  std::vector<std::string> found_;
  std::set<std::string> seen_, unknown_;
  std::set<const FunctionRecord*> looked_at_;
  std::vector<const FunctionRecord*> within_;
};

}  // namespace

const FunctionRecord* find_function(const ModelRecord& model, const NodeRecord& node) {
  if (model.functions.empty()) return nullptr;
  for (const FunctionRecord& each : model.functions) {
    if (each.name == node.type && each.domain == node.domain && each.overload == node.overload)
      return &each;
  }
  return nullptr;
}

std::vector<std::string> problems_of(const ModelRecord& model) { return Survey(model).problems(); }

}  // namespace pellucid::from_onnx

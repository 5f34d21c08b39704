// Drives GraphBuilder through torch's export schema, version 8. A program without problems
// (problems.cpp) can still be refused by the builder, which names the node.
#include "pellucid/formats/pt2/program.h"

#include <unordered_map>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/arguments.h"
#include "pellucid/formats/pt2/enums.h"
#include "pellucid/formats/pt2/origin.h"
#include "pellucid/formats/pt2/output_names.h"
#include "pellucid/formats/pt2/targets.h"
#include "pellucid/graph/builder.h"

namespace pellucid::pt2 {
namespace {

constexpr int deepest_graph = 16;

class GraphReader {
 public:
  explicit GraphReader(const JsonItem& graph, int depth) : graph_(graph), depth_(depth) {
    if (depth > deepest_graph)
      throw model_error("subgraphs are nested deeper than " + std::to_string(deepest_graph));
    for (const JsonItem& item : graph.at("tensor_values").members())
      metas_.emplace(item.key(), &item);
  }

  void read_inputs(const JsonItem& signature, const TensorSource& weights) {
    for (const JsonItem& spec : signature.at("input_specs").array()) {
      const JsonItem& kind = kind_of(spec);
      if (kind.key() == "user_input") {
        const std::string_view name = value_name(kind.at("arg"));
        if (!name.empty()) builder_.add_input(described(name, is_tensor(kind.at("arg"))));
      } else if (kind.key() == "parameter") {
        add_constant(kind, "parameter_name", ConstantKind::parameter, weights);
      } else if (kind.key() == "buffer") {
        add_constant(kind, "buffer_name", ConstantKind::buffer, weights);
      } else if (kind.key() == "tensor_constant") {
        add_constant(kind, "tensor_constant_name", ConstantKind::literal, weights);
      } else if (kind.key() != "constant_input") {  // whose value stands at its uses
        throw model_error("an input of unknown kind " + std::string(kind.key()));
      }
    }
  }

  // A subgraph's inputs bind to the operands of its node by position, so that a literal needs a
  // place, too.
  void read_body_inputs() {
    int place = 0;
    for (const JsonItem& input : graph_.at("inputs").array()) {
      const std::string_view name = value_name(input);
      const std::string own =
          name.empty() ? "literal_input_" + std::to_string(place) : std::string(name);
      builder_.add_input(described(own, !name.empty() && is_tensor(input)));
      ++place;
    }
  }

  void read_nodes() {
    int index = 0;
    for (const JsonItem& node : graph_.at("nodes").array()) {
      const std::string name = node_name(node, index++);
      try {
        read_node(node, name);
      } catch (Error& error) {
        if (error.where().find("node ") == std::string::npos) error.at("node " + name);
        throw;
      }
    }
  }

  void read_outputs(const JsonItem& program, const JsonItem& signature) {
    std::vector<const JsonItem*> answers;
    for (const JsonItem& spec : signature.at("output_specs").array()) {
      const JsonItem& kind = kind_of(spec);
      // What a forward writes into buffers or inputs is no answer.
      if (kind.key() == "user_output" || kind.key() == "loss_output")
        answers.push_back(&kind.at("arg"));
    }
    std::string_view tree;
    const auto calls = program.at("module_call_graph").array();
    if (!calls.empty()) {
      if (const JsonItem* call = calls[0].find("signature")) tree = call->at("out_spec").text();
    }
    const auto names =
        output_names(tree, program.find("treespec_namedtuple_fields"), answers.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      // loss_output holds a bare TensorArgument
      const JsonItem* name = answers[i]->find("name");
      const Operand operand =
          name != nullptr ? Operand{builder_.use(name->text())} : operand_of(*answers[i], use_);
      builder_.add_output({names[i], operand});
    }
  }

  void read_body_outputs() {
    int index = 0;
    for (const JsonItem& output : graph_.at("outputs").array()) {
      builder_.add_output({std::to_string(index++), operand_of(output, use_)});
    }
  }

  std::shared_ptr<const Graph> build() { return std::move(builder_).build(); }

 private:
  static bool is_tensor(const JsonItem& argument) {
    return kind_of(argument).key().starts_with("as_tensor") ||
           kind_of(argument).key().starts_with("as_optional");
  }

  Value described(std::string_view name, bool tensor) const {
    Value value{.name = std::string(name), .is_tensor = tensor, .dtype = {}, .shape = {}};
    const auto found = metas_.find(name);
    if (!tensor || found == metas_.end()) return value;
    value.dtype = scalar_type(found->second->at("dtype").integer());
    for (const JsonItem& size : found->second->at("sizes").array()) {
      const JsonItem* number = size.find("as_int");
      value.shape.push_back(number == nullptr ? std::nullopt : std::optional(number->integer()));
    }
    return value;
  }

  void add_constant(const JsonItem& spec, std::string_view name_key, ConstantKind kind,
                    const TensorSource& weights) {
    const std::string_view name = spec.at("arg").at("name").text(), fqn = spec.at(name_key).text();
    const at::Tensor data = weights(fqn);
    Value value{
        .name = std::string(name), .is_tensor = true, .dtype = data.scalar_type(), .shape = {}};
    for (const std::int64_t size : data.sizes()) value.shape.emplace_back(size);
    builder_.add_constant(
        std::move(value),
        {.value = no_value, .name = std::string(fqn), .kind = kind, .data = data});
  }

  static std::string node_name(const JsonItem& node, int index) {
    for (const JsonItem& output : node.at("outputs").array()) {
      const JsonItem& kind = kind_of(output);
      if (kind.key() == "as_tensors" && !kind.array().empty())
        return std::string(kind.items()[0].at("name").text());
      if (const auto name = value_name(output); !name.empty()) return std::string(name);
    }
    if (const JsonItem* own = node.find("name")) return std::string(own->text());
    return "node_" + std::to_string(index);
  }

  ValueId result(std::string_view name, bool tensor) {
    return name.empty() ? no_value : builder_.declare(described(name, tensor));
  }

  std::vector<Result> results_of(const JsonItem& node) {
    std::vector<Result> results;
    for (const JsonItem& output : node.at("outputs").array()) {
      const JsonItem& kind = kind_of(output);
      Result& made = results.emplace_back();
      made.is_list = kind.key() == "as_tensors" || kind.key() == "as_optional_tensors";
      if (kind.key() == "as_tensors") {
        for (const JsonItem& item : kind.array())
          made.values.push_back(result(item.at("name").text(), true));
      } else if (kind.key() == "as_optional_tensors") {
        for (const JsonItem& item : kind.array())
          made.values.push_back(result(value_name(item), true));
      } else {
        made.values.push_back(result(value_name(output), is_tensor(output)));
      }
    }
    return results;
  }

  void read_node(const JsonItem& node, const std::string& name) {
    const std::optional<Target> target = parse_target(node.at("target").text());
    if (!target) throw model_error("unknown operator " + std::string(node.at("target").text()));
    std::vector<NamedOperand> named;
    std::vector<std::shared_ptr<const Graph>> bodies;
    for (const JsonItem& input : node.at("inputs").array()) {
      const JsonItem& argument = input.at("arg");
      const JsonItem& kind = kind_of(argument);
      if (kind.key() == "as_graph") {
        GraphReader body(kind.at("graph"), depth_ + 1);
        body.read_body_inputs();
        body.read_nodes();
        body.read_body_outputs();
        bodies.push_back(body.build());
      } else {
        named.push_back({std::string(input.at("name").text()), operand_of(argument, use_)});
      }
    }
    std::vector<Result> results = results_of(node);
    const JsonItem* texts = node.find("metadata");
    const auto text = [&](std::string_view key) {
      const JsonItem* found = texts == nullptr ? nullptr : texts->find(key);
      return found == nullptr ? std::string_view() : found->text();
    };
    Origin origin = origin_of(text("nn_module_stack"), text("stack_trace"));
    if (target->kind == NodeKind::aten) {
      if (!bodies.empty()) throw model_error(target->op + " takes no subgraph");
      builder_.add_aten(name, target->op, std::move(named), std::move(results), std::move(origin));
      return;
    }
    std::vector<Operand> operands;
    for (NamedOperand& operand : named) operands.push_back(std::move(operand.operand));
    if (target->kind == NodeKind::python) {
      if (!bodies.empty()) throw model_error(target->op + " takes no subgraph");
      builder_.add_python(name, target->op, std::move(operands), std::move(results),
                          std::move(origin));
    } else {
      builder_.add_block(name, target->op, std::move(operands), std::move(bodies),
                         std::move(results), std::move(origin));
    }
  }

  const JsonItem& graph_;
  int depth_;
  GraphBuilder builder_;
  std::function<ValueId(std::string_view)> use_ = [this](std::string_view name) {
    return builder_.use(name);
  };
  std::unordered_map<std::string_view, const JsonItem*> metas_;
};

}  // namespace

std::shared_ptr<const Graph> read_program(const JsonItem& program, const TensorSource& weights) {
  const JsonItem& module = program.at("graph_module");
  const JsonItem& signature = module.at("signature");
  GraphReader reader(module.at("graph"), 0);
  reader.read_inputs(signature, weights);
  reader.read_nodes();
  reader.read_outputs(module, signature);
  return reader.build();
}

}  // namespace pellucid::pt2

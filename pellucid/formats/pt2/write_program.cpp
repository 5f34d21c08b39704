// program.cpp the other way round. Consecutive nodes that run under one torch.autocast() go into a
// block of it, as they came.
#include "pellucid/formats/pt2/write_program.h"

#include <torch/version.h>

#include <algorithm>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/enums.h"
#include "pellucid/formats/pt2/output_names.h"
#include "pellucid/formats/pt2/targets.h"
#include "pellucid/formats/pt2/write_arguments.h"
#include "pellucid/formats/pt2/write_origin.h"
#include "pellucid/formats/pt2/write_tree.h"
#include "pellucid/formats/pt2/write_values.h"
#include "pellucid/formats/reading/json_tree.h"

namespace pellucid::pt2 {
namespace {

constexpr std::int64_t schema_major = 8, schema_minor = 20, operators_version = 10;
constexpr std::int64_t positional = 1, keyword = 2;

bool same(const std::optional<Autocast>& a, const std::optional<Autocast>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->device == b->device && a->enabled == b->enabled && a->dtype == b->dtype;
}

// A graph, or a body in it, with what its values were in every run.
class GraphWriter {
 public:
  GraphWriter(const Graph& graph, Measurements& measured, std::vector<const Measurement*> runs)
      : graph_(graph), measured_(measured), runs_(std::move(runs)), origins_(graph) {
    for (const Value& value : graph.values()) names_.insert(value.name);
  }

  // Torch wants the condition of a loop to return its truth value alone, and a tuple of the others.
  Json write_body(bool alone) {
    std::vector<ValueId> inputs(graph_.inputs().begin(), graph_.inputs().end());
    Json graph = write_part(0, static_cast<int>(graph_.nodes().size()), inputs, outputs(), true);
    graph["is_single_tensor_return"] = alone;
    return graph;
  }

  // The placeholders' order: parameters, buffers, constants, what the user gives.
  Json write_whole() {
    std::vector<ValueId> inputs;
    for (const Constant* constant : ordered_constants(graph_)) inputs.push_back(constant->value);
    inputs.insert(inputs.end(), graph_.inputs().begin(), graph_.inputs().end());
    return write_part(0, static_cast<int>(graph_.nodes().size()), inputs, outputs(), true);
  }

  Json outputs() const {
    Json list = Json::array();
    for (const Output& output : graph_.outputs())
      list.push_back(argument_of(graph_, *runs_[0], output.operand, nullptr));
    return list;
  }

  Json argument(ValueId id) const { return value_argument(graph_, *runs_[0], id); }

  static std::vector<const Constant*> ordered_constants(const Graph& graph) {
    std::vector<const Constant*> ordered;
    for (const Constant& constant : graph.constants()) ordered.push_back(&constant);
    const auto rank = [](const Constant* constant) {
      return is_parameter(*constant) ? 0 : is_stored_weight(*constant) ? 1 : 2;
    };
    std::ranges::stable_sort(ordered, {}, rank);
    return ordered;
  }

 private:
  const std::optional<Measured>& first(ValueId id) const {
    return runs_[0]->values[static_cast<std::size_t>(id)];
  }

  Json write_part(int begin, int end, const std::vector<ValueId>& inputs, Json outputs,
                  bool with_blocks) {
    Json graph = {{"inputs", Json::array()},
                  {"outputs", std::move(outputs)},
                  {"nodes", Json::array()},
                  {"tensor_values", Json::object()},
                  {"sym_int_values", Json::object()},
                  {"sym_bool_values", Json::object()},
                  {"is_single_tensor_return", false},
                  {"custom_obj_values", Json::object()},
                  {"sym_float_values", Json::object()}};
    for (const ValueId id : inputs) {
      graph["inputs"].push_back(argument(id));
      describe(id, graph);
    }
    for (int n = begin; n < end;) {
      const Node& node = graph_.nodes()[static_cast<std::size_t>(n)];
      try {
        int next = n + 1;
        if (with_blocks && node.autocast) {
          while (next < end &&
                 same(graph_.nodes()[static_cast<std::size_t>(next)].autocast, node.autocast))
            ++next;
          graph["nodes"].push_back(autocast_block(n, next, graph));
        } else {
          graph["nodes"].push_back(write_node(node, n));
          for_each_result(node, [&](ValueId id) { describe(id, graph); });
        }
        n = next;
      } catch (Error& error) {
        throw error.where().find("node ") == std::string::npos ? error.at("node " + node.name)
                                                               : error;
      }
    }
    return graph;
  }

  void describe(ValueId id, Json& graph) {
    const auto& now = first(id);
    if (!now) return;
    const std::string& name = graph_.value(id).name;
    const auto series = [&](auto&& read) {
      std::vector<std::int64_t> in_runs;
      for (const Measurement* run : runs_)
        in_runs.push_back(read(run->values[static_cast<std::size_t>(id)].value()));
      return number_json(measured_.number(in_runs));
    };
    const c10::IValue& number = now->number;
    if (number.isInt()) {
      graph["sym_int_values"][name] = series([](const Measured& m) { return m.number.toInt(); });
    } else if (number.isBool()) {
      graph["sym_bool_values"][name] = {{"as_bool", number.toBool()}};
    } else if (number.isDouble()) {
      graph["sym_float_values"][name] = {{"as_float", number.toDouble()}};
    } else {
      Json sizes = Json::array(), strides = Json::array();
      for (std::size_t d = 0; d < now->sizes.size(); ++d) {
        sizes.push_back(series([d](const Measured& m) { return m.sizes.at(d); }));
        strides.push_back(series([d](const Measured& m) { return m.strides.at(d); }));
      }
      const Constant* constant = graph_.constant(id);
      graph["tensor_values"][name] = tensor_meta(now->dtype, std::move(sizes), std::move(strides),
                                                 0, constant != nullptr && is_parameter(*constant));
    }
  }

  std::string node_name(const Node& node) {
    if (node.results.size() == 1 && !node.results[0].is_list && node.kind != NodeKind::block &&
        node.results[0].values.at(0) != no_value)
      return graph_.value(node.results[0].values[0]).name;
    return fresh_name(node.op);
  }

  // "aten::max_pool2d_with_indices.default" → "max_pool2d_with_indices"
  std::string fresh_name(const std::string& op) {
    const std::size_t from = op.find("::") + 2;
    const std::string wanted = op.substr(from, op.find('.', from) - from);
    std::string name = wanted;
    for (int i = 1; !names_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
    return name;
  }

  Json result_argument(ValueId id) const {
    if (id == no_value || !first(id)) return {{"as_none", true}};
    return argument(id);
  }

  Json results_of(const Node& node) const {
    Json list = Json::array();
    for (const Result& result : node.results) {
      if (result.is_list && node.kind != NodeKind::block) {
        Json items = Json::array();
        for (const ValueId id : result.values) {
          if (id == no_value) throw model_error("a list of which one tensor has no name");
          items.push_back({{"name", graph_.value(id).name}});
        }
        list.push_back({{"as_tensors", std::move(items)}});
      } else {
        for (const ValueId id : result.values) list.push_back(result_argument(id));
      }
    }
    return list;
  }

  Json write_node(const Node& node, int n) {
    const auto target = target_name(node.kind, node.op);
    if (!target) throw model_error(node.op + " is no operator of PyTorch");
    Json inputs = node.kind == NodeKind::aten     ? aten_inputs(node)
                  : node.kind == NodeKind::python ? python_inputs(node)
                                                  : block_inputs(node, n);
    return {
        {"target", *target},
        {"inputs", std::move(inputs)},
        {"outputs", results_of(node)},
        {"metadata", origins_.metadata(node.origin)},
        {"is_hop_single_tensor_return", node.kind == NodeKind::block ? Json(false) : Json(nullptr)},
        {"name", node_name(node)}};
  }

  static Json named(std::string_view name, Json argument, std::int64_t kind) {
    return {{"name", name}, {"arg", std::move(argument)}, {"kind", kind}};
  }

  Json aten_inputs(const Node& node) const {
    const auto& arguments = node.handle->schema().arguments();
    // Python takes arguments by their place: one that is left out ends them.
    std::size_t given = 0;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (!arguments[i].kwarg_only() && !is_default(node.operands[i], arguments[i])) given = i + 1;
    }
    Json inputs = Json::array();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const c10::Argument& argument = arguments[i];
      if (argument.kwarg_only() ? is_default(node.operands[i], argument) : i >= given) continue;
      inputs.push_back(named(argument.name(),
                             argument_of(graph_, *runs_[0], node.operands[i], &argument),
                             argument.kwarg_only() ? keyword : positional));
    }
    return inputs;
  }

  Json python_inputs(const Node& node) const {
    Json inputs = Json::array();
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
      inputs.push_back(named(std::string(1, static_cast<char>('a' + i)),
                             argument_of(graph_, *runs_[0], node.operands[i], nullptr),
                             positional));
    }
    return inputs;
  }

  Json block_inputs(const Node& node, int n) {
    Json inputs = Json::array();
    const auto add_operand = [&](const Operand& operand) {
      const bool nothing = !operand.is_value() && !operand.is_list() && operand.constant().isList();
      inputs.push_back(named("",
                             nothing ? Json{{"as_tensors", Json::array()}}
                                     : argument_of(graph_, *runs_[0], operand, nullptr),
                             positional));
    };
    const bool cond = node.op == "block::cond";
    if (cond) add_operand(node.operands[0]);
    for (std::size_t b = 0; b < node.bodies.size(); ++b) {
      std::vector<const Measurement*> runs;
      for (const Measurement* run : runs_)
        runs.push_back(&run->bodies.at({n, static_cast<int>(b)}));
      GraphWriter body(*node.bodies[b], measured_, std::move(runs));
      inputs.push_back(
          named("", as_graph(fresh_name("::body"), body.write_body(!cond && b == 0)), positional));
    }
    for (std::size_t i = cond ? 1 : 0; i < node.operands.size(); ++i) add_operand(node.operands[i]);
    return inputs;
  }

  static Json as_graph(std::string name, Json graph) {
    return {{"as_graph", {{"name", std::move(name)}, {"graph", std::move(graph)}}}};
  }

  Json autocast_block(int begin, int end, Json& around) {
    std::vector<ValueId> given, made, left;
    std::set<ValueId> inside;
    const auto nodes = graph_.nodes().subspan(static_cast<std::size_t>(begin),
                                              static_cast<std::size_t>(end - begin));
    for (const Node& node : nodes) {
      for_each_operand_value(node, [&](ValueId id) {
        if (!inside.contains(id) && std::ranges::find(given, id) == given.end())
          given.push_back(id);
      });
      for_each_result(node, [&](ValueId id) {
        inside.insert(id);
        made.push_back(id);
      });
    }
    for (const ValueId id : made) {
      const auto users = graph_.users(id);
      if (graph_.is_output(id) || std::ranges::any_of(users, [&](int n) { return n >= end; }))
        left.push_back(id);
    }
    Json outputs = Json::array(), inputs = Json::array();
    for (const ValueId id : left) {
      outputs.push_back(argument(id));
      describe(id, around);
    }
    const Autocast& mode = *nodes.front().autocast;
    inputs.push_back(
        named("", {{"as_string", c10::DeviceTypeName(mode.device, true)}}, positional));
    inputs.push_back(named("",
                           mode.dtype ? Json{{"as_scalar_type", number_of(*mode.dtype).value()}}
                                      : Json{{"as_none", true}},
                           positional));
    inputs.push_back(named("", {{"as_bool", mode.enabled}}, positional));
    inputs.push_back(named("", {{"as_bool", false}}, positional));  // no cache of casted weights
    inputs.push_back(
        named("", as_graph(fresh_name("::body"), write_part(begin, end, given, outputs, false)),
              positional));
    for (const ValueId id : given) inputs.push_back(named("", argument(id), positional));
    return {{"target", "torch.ops.higher_order.wrap_with_autocast"},
            {"inputs", std::move(inputs)},
            {"outputs", std::move(outputs)},
            {"metadata", origins_.metadata(nodes.front().origin)},
            {"is_hop_single_tensor_return", false},
            {"name", fresh_name("::wrap_with_autocast")}};
  }

  static bool is_stored_weight(const Constant& constant) {
    return constant.kind == ConstantKind::parameter || constant.kind == ConstantKind::buffer;
  }

  const Graph& graph_;
  Measurements& measured_;
  std::vector<const Measurement*> runs_;
  OriginWriter origins_;
  std::set<std::string> names_;
};

Json input_spec(const Graph& graph, const Constant& constant) {
  const Json argument = {{"name", graph.value(constant.value).name}};
  if (is_parameter(constant))
    return {{"parameter", {{"arg", argument}, {"parameter_name", constant.name}}}};
  if (constant.kind == ConstantKind::parameter || constant.kind == ConstantKind::buffer) {
    return {{"buffer", {{"arg", argument}, {"buffer_name", constant.name}, {"persistent", true}}}};
  }
  return {{"tensor_constant", {{"arg", argument}, {"tensor_constant_name", constant.name}}}};
}

std::vector<std::string> names_of(std::span<const Output> outputs) {
  std::vector<std::string> names;
  for (const Output& output : outputs) names.push_back(output.name);
  return names;
}

}  // namespace

bool is_parameter(const Constant& constant) {
  return constant.kind == ConstantKind::parameter &&
         (at::isFloatingType(constant.data.scalar_type()) ||
          at::isComplexType(constant.data.scalar_type()));
}

std::vector<std::string> written_output_names(const Graph& graph) {
  const std::string tree = treespec_of(names_of(graph.outputs()));
  return output_names(tree, nullptr, graph.outputs().size());
}

Json write_program(const Graph& graph, Measurements& measured) {
  std::vector<const Measurement*> runs;
  for (const Measurement& run : measured.runs()) runs.push_back(&run);
  GraphWriter writer(graph, measured, runs);
  Json input_specs = Json::array(), output_specs = Json::array(), names = Json::array(),
       calls = Json::array(), ranges = Json::object();
  for (const Constant* constant : GraphWriter::ordered_constants(graph))
    input_specs.push_back(input_spec(graph, *constant));
  for (const ValueId id : graph.inputs()) {
    input_specs.push_back({{"user_input", {{"arg", writer.argument(id)}}}});
    names.push_back(graph.value(id).name);
  }
  for (const Json& output : writer.outputs())
    output_specs.push_back({{"user_output", {{"arg", output}}}});
  calls.push_back({{"fqn", ""},
                   {"signature",
                    {{"inputs", Json::array()},
                     {"outputs", Json::array()},
                     {"in_spec", arguments_treespec(graph.inputs().size())},
                     {"out_spec", treespec_of(names_of(graph.outputs()))},
                     {"forward_arg_names", std::move(names)}}}});
  for (const std::string& path : module_paths(graph))
    calls.push_back({{"fqn", path}, {"signature", nullptr}});
  for (const std::string& symbol : measured.symbols())
    ranges[symbol] = {{"min_val", 1}, {"max_val", nullptr}};
  return {{"graph_module",
           {{"graph", writer.write_whole()},
            {"signature",
             {{"input_specs", std::move(input_specs)}, {"output_specs", std::move(output_specs)}}},
            {"module_call_graph", std::move(calls)},
            {"metadata", Json::object()},
            {"treespec_namedtuple_fields", Json::object()}}},
          {"opset_version", {{"aten", operators_version}}},
          {"range_constraints", std::move(ranges)},
          {"schema_version", {{"major", schema_major}, {"minor", schema_minor}}},
          {"verifiers", {"TRAINING"}},
          {"torch_version", TORCH_VERSION},
          {"guards_code", Json::array()}};
}

}  // namespace pellucid::pt2

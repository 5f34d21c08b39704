// Walks the nodes in the file's order, which ONNX demands to be one in which they can run.
#include "pellucid/formats/onnx/program.h"

#include <algorithm>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/host.h"
#include "pellucid/formats/onnx/origin.h"
#include "pellucid/formats/reading/stored_tensor.h"

namespace pellucid::from_onnx {
namespace {

constexpr int deepest = 64;
constexpr std::size_t most_nodes = 200'000;  // once functions are in place

std::string shortened(std::string_view text) { return std::string(text.substr(0, 200)); }

// Numbers in a symbolic size's place. They are large enough for convolutions and small enough for
// tables of positions, and differ from what networks have as sizes.
std::array<std::int64_t, 2> stand_ins(std::size_t rank, std::size_t axis, bool real) {
  if (axis == 0) return {2, 3};
  if (rank >= 4 && axis >= 1) return {224, 256};
  if (real && axis + 1 == rank) return {16384, 20480};
  return {24, 32};
}

}  // namespace

Ref Program::input(const ValueRecord& value, Body& body) {
  Value described{.name = std::string(value.name), .is_tensor = true, .dtype = {}, .shape = {}};
  const auto type = scalar_type(value.data_type);
  if (!type) throw model_error("its type " + type_name(value.data_type) + " is not read");
  described.dtype = type;
  std::array<at::Tensor, 2> seen;
  if (value.has_shape) {
    std::array<std::vector<std::int64_t>, 2> sizes;
    for (std::size_t axis = 0; axis < value.sizes.size(); ++axis) {
      const ValueRecord::Size& size = value.sizes[axis];
      const bool fixed = size.number && *size.number >= 0 && size.symbol.empty();
      described.shape.push_back(fixed ? size.number : std::nullopt);
      auto pair = fixed ? std::array<std::int64_t, 2>{*size.number, *size.number}
                        : stand_ins(value.sizes.size(), axis, c10::isFloatingType(*type));
      if (!fixed && !size.symbol.empty()) {
        // The same symbol is the same size wherever it stands.
        const auto [known, fresh] = symbols_.emplace(size.symbol, pair);
        pair = known->second;
      }
      sizes[0].push_back(pair[0]);
      sizes[1].push_back(pair[1]);
    }
    const auto made = std::make_shared<Term>();
    set_seen(made, *type, 0, sizes[0]);
    if (sizes[0] == sizes[1])
      made->seen[1] = made->seen[0];
    else
      set_seen(made, *type, 1, sizes[1]);
    seen = made->seen;
  }
  return body.add_input(std::move(described), seen);
}

void Program::warn(std::string text) {
  if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(std::move(text));
}

at::Tensor Program::tensor(const TensorRecord& record) {
  at::Tensor data = tensors_.read(record);
  // The file does not tell weights from masks.
  auto odd = verify_finite(record.name, data, /*is_parameter=*/false, allow_nonfinite_);
  if (odd) warn(std::move(*odd));
  return data;
}

void Program::initializers(const GraphRecord& graph, Scope& scope) {
  if (graph.sparse_initializers != 0) throw model_error("sparse weights are not read");
  for (const TensorRecord& record : graph.initializers) {
    Ref term = constant_term(tensor(record), std::string(record.name));
    const at::ScalarType type = term->data.scalar_type();
    const bool quantised = (type == at::kChar || type == at::kByte) && term->data.dim() >= 2;
    term->kind =
        c10::isFloatingType(type) || quantised ? ConstantKind::parameter : ConstantKind::buffer;
    if (term->kind == ConstantKind::parameter) parameters_ += term->data.numel();
    if (!scope.names.emplace(record.name, std::move(term)).second)
      throw model_error("the tensor \"" + shortened(record.name) + "\" is defined twice");
  }
}

std::shared_ptr<const Graph> Program::read() {
  const GraphRecord& graph = model_.graph.value();
  Body body;
  Scope scope;
  scope.opsets = &model_.opsets;
  initializers(graph, scope);
  for (const NodeRecord& each : graph.nodes) {
    for (const std::string_view name : each.outputs) body.reserve(name);
  }
  for (const ValueRecord& value : graph.inputs) {
    if (scope.names.contains(value.name)) continue;  // a default that the file supplies
    try {
      scope.names.emplace(value.name, input(value, body));
    } catch (Error& error) {
      throw error.at("input " + shortened(value.name));
    }
  }
  nodes(graph.nodes, scope, body);
  std::set<std::string_view> named;
  for (const ValueRecord& value : graph.outputs) {
    const Ref term = scope.find(value.name);
    if (term == nullptr)
      throw model_error("the output \"" + shortened(value.name) + "\" is never defined");
    if (!named.insert(value.name).second)
      throw model_error("the output \"" + shortened(value.name) + "\" is there twice");
    body.add_output(std::string(value.name), term);
  }
  return body.build();
}

void Program::nodes(const std::vector<NodeRecord>& nodes, Scope& scope, Body& body) {
  for (const NodeRecord& each : nodes) {
    if (++translated_ > most_nodes)
      throw Error(Fault::too_large,
                  "functions make more than " + std::to_string(most_nodes) + " nodes");
    try {
      node(each, scope, body);
    } catch (Error& error) {
      if (error.where().find("node ") == std::string::npos) {
        const std::string_view name =
            !each.name.empty() || each.outputs.empty() ? each.name : each.outputs[0];
        error.at("node " + shortened(name) + ", operator " + shortened(each.type));
      }
      throw;
    }
  }
}

void Program::node(const NodeRecord& node, Scope& scope, Body& body) {
  Refs inputs;
  for (const std::string_view name : node.inputs) {
    inputs.push_back(name.empty() ? nullptr : scope.find(name));
    if (!name.empty() && inputs.back() == nullptr)
      throw model_error("it uses \"" + shortened(name) + "\", which nothing before it defines");
  }
  while (!inputs.empty() && inputs.back() == nullptr) inputs.pop_back();
  const auto opset = scope.opsets->find(node.domain);
  Call call(*this, body, scope, node, std::move(inputs),
            opset == scope.opsets->end() ? 0 : opset->second);
  Origin origin = origin_of(node);
  if (origin.module_path.empty()) origin.module_path = scope.module;

  std::string first;
  for (const std::string_view name : node.outputs) {
    if (first.empty()) first = name;
  }
  const std::string name =
      scope.prefix + std::string(node.name.empty() ? first : std::string(node.name));
  Refs results;
  if (const FunctionRecord* called = find_function(model_, node)) {
    results = function(*called, call, name, origin.module_path);
  } else if (const Operator* known = find_operator(node.domain, node.type)) {
    auto hosted = on_numbers(call);
    results = hosted ? std::move(*hosted) : known->translate(call);
  } else {
    throw model_error("unknown operator");
  }
  if (results.size() < call.results())
    throw call.refuse("has " + std::to_string(results.size()) + " results, not " +
                      std::to_string(call.results()));
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (results[i] == nullptr)
      throw call.refuse("does not give its result " + std::to_string(i) + " here");
    if (!scope.names.emplace(node.outputs[i], results[i]).second)
      throw model_error("the value \"" + shortened(node.outputs[i]) + "\" is defined twice");
    if (results[i]->name.empty())
      results[i]->name = body.claim(scope.prefix + std::string(node.outputs[i]));
  }
  body.finish(name, origin);
}

Refs Program::function(const FunctionRecord& function, Call& call, const std::string& name,
                       const std::string& module) {
  if (call.scope.depth >= deepest)
    throw model_error("functions are nested deeper than " + std::to_string(deepest));
  std::map<std::string_view, const AttributeRecord*> attributes;
  for (const AttributeRecord& each : function.defaults) attributes[each.name] = &each;
  for (const AttributeRecord& each : call.node.attributes) {
    if (const AttributeRecord* given = call.attribute(each.name)) attributes[each.name] = given;
  }
  Scope scope;
  scope.attributes = &attributes;
  scope.opsets = function.opsets.empty() ? call.scope.opsets : &function.opsets;
  scope.prefix = name + "/";
  scope.module = module;
  scope.depth = call.scope.depth + 1;
  for (std::size_t i = 0; i < function.inputs.size(); ++i)
    scope.names.emplace(function.inputs[i], call.maybe(i));
  nodes(function.nodes, scope, call.body);
  Refs results;
  for (const std::string_view output : function.outputs) results.push_back(scope.find(output));
  return results;
}

Refs Program::inlined(Body& body, Scope& around, const GraphRecord& graph, const Refs& inputs) {
  if (around.depth >= deepest)
    throw model_error("graphs are nested deeper than " + std::to_string(deepest));
  if (graph.inputs.size() != inputs.size())
    throw model_error("its graph wants " + std::to_string(graph.inputs.size()) + " values, got " +
                      std::to_string(inputs.size()));
  Scope scope;
  scope.around = &around;
  scope.attributes = around.attributes;
  scope.opsets = around.opsets;
  scope.prefix = around.prefix;
  scope.module = around.module;
  scope.depth = around.depth + 1;
  initializers(graph, scope);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!scope.names.emplace(graph.inputs[i].name, inputs[i]).second)
      throw model_error("the value \"" + shortened(graph.inputs[i].name) + "\" is defined twice");
  }
  nodes(graph.nodes, scope, body);
  Refs outputs;
  for (const ValueRecord& value : graph.outputs) {
    outputs.push_back(scope.find(value.name));
    if (outputs.back() == nullptr)
      throw model_error("the output \"" + shortened(value.name) + "\" is never defined");
  }
  return outputs;
}

namespace {

void collect_free(const GraphRecord& graph, std::set<std::string_view>& free) {
  std::set<std::string_view> own;
  for (const ValueRecord& each : graph.inputs) own.insert(each.name);
  for (const TensorRecord& each : graph.initializers) own.insert(each.name);
  for (const NodeRecord& node : graph.nodes) {
    for (const std::string_view name : node.inputs) {
      if (!name.empty() && !own.contains(name)) free.insert(name);
    }
    for (const AttributeRecord& each : node.attributes) {
      if (each.graph == nullptr) continue;
      std::set<std::string_view> inner;
      collect_free(*each.graph, inner);
      for (const std::string_view name : inner) {
        if (!own.contains(name)) free.insert(name);
      }
    }
    own.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const ValueRecord& each : graph.outputs) {
    if (!own.contains(each.name)) free.insert(each.name);
  }
}

}  // namespace

std::vector<std::string_view> free_names(const GraphRecord& graph) {
  std::set<std::string_view> free;
  collect_free(graph, free);
  return {free.begin(), free.end()};
}

}  // namespace pellucid::from_onnx

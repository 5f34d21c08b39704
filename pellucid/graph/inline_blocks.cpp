// The nodes of blocks that always run their one body become nodes of the graph, so that what lies
// under torch.no_grad() or torch.autocast() is seen, named and rewritten like all the rest. A body
// without gradient ends in detach(); under autocast every node keeps the mode it runs in.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/graph/builder.h"

namespace pellucid {
namespace {

// What a block does to the nodes of its body.
struct Mode {
  std::size_t first = 0;  // of the body's operands
  bool gradient = true;
  std::optional<Autocast> autocast;
};

// The block's own operand; files that PyTorch wrote have constants there.
const c10::IValue& constant(const Node& node, std::size_t operand) {
  if (operand >= node.operands.size() || node.operands[operand].is_value() ||
      node.operands[operand].is_list())
    throw model_error(node.op + " wants a constant mode").at("node " + node.name);
  return node.operands[operand].constant();
}

bool is_on(const c10::IValue& value, const Node& node) {
  if (value.isNone()) return true;
  if (!value.isBool()) throw model_error(node.op + " wants true or false").at("node " + node.name);
  return value.toBool();
}

// nullopt: a node that stays.
std::optional<Mode> mode_of(const Node& node) {
  if (node.kind != NodeKind::block || !node.op.starts_with("block::wrap_with_"))
    return std::nullopt;
  if (node.bodies.size() != 1)
    throw model_error(node.op + " wants one body").at("node " + node.name);
  if (node.op == "block::wrap_with_set_grad_enabled")
    return Mode{1, is_on(constant(node, 0), node), {}};
  // wrap_with_autocast(device, dtype, enabled, cache_enabled, body, ...)
  const c10::IValue &device = constant(node, 0), &dtype = constant(node, 1);
  // A type's number is one byte in PyTorch.
  const bool typed = dtype.isInt() && at::isFloatingType(dtype.toScalarType()) &&
                     dtype.toInt() == static_cast<std::int64_t>(dtype.toScalarType());
  if (!device.isString() || !(dtype.isNone() || typed))
    throw model_error(node.op + " wants a device and a floating-point type")
        .at("node " + node.name);
  Autocast autocast{c10::Device(device.toStringRef()).type(), is_on(constant(node, 2), node), {}};
  if (typed) autocast.dtype = dtype.toScalarType();
  return Mode{4, true, autocast};
}

class Inliner {
 public:
  explicit Inliner(const Graph& graph) : parts_(take_apart(graph)) {
    for (const Value& value : parts_.values) names_.insert(value.name);
  }

  std::shared_ptr<const Graph> run() && {
    std::vector<Node> nodes = std::move(parts_.nodes);
    parts_.nodes.clear();
    for (Node& node : nodes) {
      for (Operand& operand : node.operands) operand = now(operand);
      place(std::move(node));
    }
    for (Output& output : parts_.outputs) output.operand = now(output.operand);
    return assemble(std::move(parts_));
  }

 private:
  // A value of a body, as an operand in the graph.
  using Inside = std::unordered_map<ValueId, Operand>;

  // Its operands are the graph's own already.
  void place(Node node) {
    const std::optional<Mode> mode = mode_of(node);
    if (mode) {
      expand(node, *mode);
    } else {
      for (auto& branch : node.bodies) branch = inline_blocks(branch);
      parts_.nodes.push_back(std::move(node));
    }
  }

  void expand(const Node& block, const Mode& mode) {
    const Graph& body = *block.bodies.front();
    Inside inside;
    std::vector<Operand> given;
    try {
      given = handed_to(body, block, mode.first);
    } catch (Error& error) {
      throw error.at("node " + block.name);
    }
    for (std::size_t i = 0; i < given.size(); ++i) inside[body.inputs()[i]] = given[i];
    for (Constant constant : body.constants()) {
      const ValueId id = add(body.value(constant.value));
      inside[constant.value] = {id};
      constant.value = id;
      parts_.constants.push_back(std::move(constant));
    }

    std::vector<ValueId> results;
    for (const Result& result : block.results)
      results.insert(results.end(), result.values.begin(), result.values.end());
    if (results.size() > body.outputs().size())
      throw model_error("its body returns too few values").at("node " + block.name);
    if (mode.gradient) {
      // What the body makes and the block returns is one value: it has the block's name for it.
      for (std::size_t i = 0; i < results.size(); ++i) {
        const Operand& output = body.outputs()[i].operand;
        if (results[i] != no_value && output.is_value() && body.producer(output.value()) >= 0)
          inside.try_emplace(output.value(), Operand{results[i]});
      }
    }
    for (Node node : body.nodes()) {
      for (Operand& operand : node.operands) operand = now(mapped(operand, inside));
      for (Result& result : node.results) {
        for (ValueId& id : result.values) {
          if (id == no_value) continue;
          if (!inside.contains(id)) inside[id] = {add(body.value(id))};
          id = inside.at(id).value();
        }
      }
      rename(node);
      if (!node.autocast) node.autocast = mode.autocast;
      place(std::move(node));
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i] == no_value) continue;
      const Operand output = now(mapped(body.outputs()[i].operand, inside));
      if (!mode.gradient && parts_.values[static_cast<std::size_t>(results[i])].is_tensor)
        detach(output, results[i], block.origin);
      else if (!output.is_value() || output.value() != results[i])
        become_[results[i]] = output;
    }
  }

  void detach(const Operand& from, ValueId to, const Origin& origin) {
    parts_.nodes.push_back(
        {.kind = NodeKind::aten,
         .name = parts_.values[static_cast<std::size_t>(to)].name,
         .op = "aten::detach.default",
         .handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::detach", ""),
         .operands = {from},
         .results = {Result{{to}, false}},
         .bodies = {},
         .kernel = {},
         .autocast = {},
         .origin = origin});
  }

  // A node is called like the first value it defines.
  void rename(Node& node) const {
    bool first = true;
    for_each_result(node, [&](ValueId id) {
      if (first) node.name = parts_.values[static_cast<std::size_t>(id)].name;
      first = false;
    });
  }

  ValueId add(Value value) {
    const std::string own = value.name;
    for (int i = 1; !names_.insert(value.name).second; ++i)
      value.name = own + "_" + std::to_string(i);
    parts_.values.push_back(std::move(value));
    return static_cast<ValueId>(parts_.values.size() - 1);
  }

  static Operand mapped(const Operand& operand, const Inside& inside) {
    if (operand.is_value()) return inside.at(operand.value());
    if (!operand.is_list()) return operand;
    std::vector<Operand> items;
    for (const Operand& item : operand.list()) items.push_back(mapped(item, inside));
    return {std::move(items)};
  }

  // What a result that the body only passes on has become.
  Operand now(const Operand& operand) const {
    if (operand.is_value()) {
      const auto found = become_.find(operand.value());
      return found == become_.end() ? operand : now(found->second);
    }
    if (!operand.is_list()) return operand;
    std::vector<Operand> items;
    for (const Operand& item : operand.list()) items.push_back(now(item));
    return {std::move(items)};
  }

  GraphParts parts_;
  std::unordered_set<std::string> names_;
  std::unordered_map<ValueId, Operand> become_;
};

}  // namespace

std::shared_ptr<const Graph> inline_blocks(const std::shared_ptr<const Graph>& graph) {
  const bool any = std::ranges::any_of(
      graph->nodes(), [](const Node& node) { return node.kind == NodeKind::block; });
  return any ? Inliner(*graph).run() : graph;
}

}  // namespace pellucid

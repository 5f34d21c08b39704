// GraphBuilder: validates each step, so that a Graph that exists is well formed (defined before
// use, defined once, every call fitting its operator's schema).
#include "pellucid/graph/builder.h"

#include <algorithm>
#include <array>

#include "pellucid/base/error.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/graph/operand.h"

namespace pellucid {
namespace {

std::optional<c10::OperatorHandle> find_operator(std::string_view op) {
  const auto dot = op.find('.', op.find("::") == std::string_view::npos ? 0 : op.find("::"));
  std::string overload(dot == std::string_view::npos ? "" : op.substr(dot + 1));
  if (overload == "default") overload.clear();
  return c10::Dispatcher::singleton().findSchema({std::string(op.substr(0, dot)), overload});
}

constexpr std::array python_operators = {
    "add",     "sub",     "mul",   "truediv", "floordiv", "mod",       "pow",     "neg",
    "pos",     "abs",     "eq",    "ne",      "lt",       "le",        "gt",      "ge",
    "and_",    "or_",     "xor",   "not_",    "getitem",  "lshift",    "rshift",  "ceil",
    "floor",   "round",   "trunc", "sqrt",    "sym_int",  "sym_float", "sym_not", "sym_max",
    "sym_min", "sym_ite", "max",   "min",     "int",      "float",     "bool",    "sym_sum"};

constexpr std::array blocks = {"cond", "loop", "while_loop", "wrap_with_set_grad_enabled",
                               "wrap_with_autocast"};

std::string_view after_colons(std::string_view op) {
  const auto colons = op.find("::");
  return colons == std::string_view::npos ? op : op.substr(colons + 2);
}

template <std::size_t N>
bool contains(const std::array<const char*, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_known_operator(std::string_view op) { return find_operator(op).has_value(); }
bool is_known_python(std::string_view op) { return contains(python_operators, after_colons(op)); }
bool is_known_block(std::string_view op) { return contains(blocks, after_colons(op)); }

GraphBuilder::GraphBuilder() : graph_(new Graph) {}
GraphBuilder::~GraphBuilder() = default;
GraphBuilder::GraphBuilder(GraphBuilder&&) noexcept = default;

ValueId GraphBuilder::declare(Value value) {
  if (value.name.empty()) throw model_error("a value has no name");
  const auto id = static_cast<ValueId>(graph_->values_.size());
  if (!graph_->by_name_.emplace(value.name, id).second) {
    throw model_error("the value \"" + value.name + "\" is defined twice");
  }
  graph_->values_.push_back(std::move(value));
  graph_->producers_.push_back(-1);
  graph_->users_.emplace_back();
  defined_.push_back(false);
  return id;
}

ValueId GraphBuilder::define(Value value, int producer) {
  const ValueId id = declare(std::move(value));
  defined_[static_cast<std::size_t>(id)] = true;
  graph_->producers_[static_cast<std::size_t>(id)] = producer;
  return id;
}

ValueId GraphBuilder::add_input(Value value) {
  const ValueId id = define(std::move(value), -1);
  graph_->inputs_.push_back(id);
  return id;
}

ValueId GraphBuilder::add_constant(Value value, Constant constant) {
  if (!constant.data.defined())
    throw model_error("the constant \"" + value.name + "\" has no data");
  const ValueId id = define(std::move(value), -1);
  constant.value = id;
  graph_->constant_of_[id] = graph_->constants_.size();
  graph_->constants_.push_back(std::move(constant));
  return id;
}

ValueId GraphBuilder::use(std::string_view name) const {
  const ValueId id = graph_->find(name);
  if (id == no_value)
    throw model_error("the value \"" + std::string(name) + "\" is used but never defined");
  if (!defined_[static_cast<std::size_t>(id)]) {
    throw model_error("the value \"" + std::string(name) + "\" is used before it is defined");
  }
  return id;
}

void GraphBuilder::add_aten(std::string name, std::string_view op,
                            std::vector<NamedOperand> operands, std::vector<Result> results,
                            Origin origin) {
  Node node{.kind = NodeKind::aten,
            .name = std::move(name),
            .op = std::string(op),
            .handle = find_operator(op),
            .operands = {},
            .results = std::move(results),
            .bodies = {},
            .kernel = {},
            .autocast = {},
            .origin = std::move(origin)};
  const auto refuse = [&](std::string why) {
    return model_error(std::move(why)).at("node " + node.name);
  };
  if (!node.handle) throw refuse("unknown operator " + node.op);
  if (node.op.find('.') == std::string::npos) node.op += ".default";  // one name for one operator

  const std::vector<c10::Argument>& arguments = node.handle->schema().arguments();
  std::vector<std::optional<Operand>> placed(arguments.size());
  for (std::size_t i = 0; i < operands.size(); ++i) {
    std::size_t place = i;
    if (!operands[i].name.empty()) {
      const auto found =
          std::find_if(arguments.begin(), arguments.end(),
                       [&](const c10::Argument& a) { return a.name() == operands[i].name; });
      if (found == arguments.end())
        throw refuse(node.op + " has no argument \"" + operands[i].name + "\"");
      place = static_cast<std::size_t>(found - arguments.begin());
    }
    if (place >= arguments.size()) throw refuse(node.op + " got more arguments than it has");
    if (placed[place])
      throw refuse(node.op + " got the argument \"" + arguments[place].name() + "\" twice");
    placed[place] = std::move(operands[i].operand);
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!placed[i]) {
      const std::optional<c10::IValue>& fallback = arguments[i].default_value();
      if (!fallback) throw refuse(node.op + " lacks the argument \"" + arguments[i].name() + "\"");
      placed[i] = Operand{*fallback};
    }
    node.operands.push_back(std::move(*placed[i]));
  }
  add(std::move(node));
}

void GraphBuilder::add_python(std::string name, std::string_view op, std::vector<Operand> operands,
                              std::vector<Result> results, Origin origin) {
  add({.kind = NodeKind::python,
       .name = std::move(name),
       .op = std::string(op),
       .handle = {},
       .operands = std::move(operands),
       .results = std::move(results),
       .bodies = {},
       .kernel = {},
       .autocast = {},
       .origin = std::move(origin)});
}

void GraphBuilder::add_block(std::string name, std::string_view op, std::vector<Operand> operands,
                             std::vector<std::shared_ptr<const Graph>> bodies,
                             std::vector<Result> results, Origin origin) {
  add({.kind = NodeKind::block,
       .name = std::move(name),
       .op = std::string(op),
       .handle = {},
       .operands = std::move(operands),
       .results = std::move(results),
       .bodies = std::move(bodies),
       .kernel = {},
       .autocast = {},
       .origin = std::move(origin)});
}

void GraphBuilder::add(Node node) {
  try {
    switch (node.kind) {
      case NodeKind::aten: {
        const c10::FunctionSchema& schema = node.handle.value().schema();
        if (node.operands.size() != schema.arguments().size()) {
          throw model_error(node.op + " wants " + std::to_string(schema.arguments().size()) +
                            " arguments, got " + std::to_string(node.operands.size()));
        }
        for (std::size_t i = 0; i < node.operands.size(); ++i) {
          node.operands[i] = fit(node.operands[i], schema.arguments()[i]);
        }
        if (node.results.size() > schema.returns().size()) {
          throw model_error(node.op + " returns " + std::to_string(schema.returns().size()) +
                            " values, not " + std::to_string(node.results.size()));
        }
        for (std::size_t i = 0; i < node.results.size(); ++i) {
          const bool returns_list = schema.returns()[i].type()->kind() == c10::TypeKind::ListType;
          if (returns_list != node.results[i].is_list) {
            throw model_error(node.op + (returns_list ? " returns a list" : " returns no list"));
          }
        }
        break;
      }
      case NodeKind::python:
        if (!is_known_python(node.op)) throw model_error("unknown operator " + node.op);
        break;
      case NodeKind::block:
        if (!is_known_block(node.op)) throw model_error("unknown operator " + node.op);
        for (const auto& body : node.bodies) {
          if (body == nullptr) throw model_error(node.op + " has no body");
        }
        check_block(node);
        break;
      case NodeKind::kernel:
        if (node.kernel == nullptr || node.results.size() != 1 || node.results[0].is_list)
          throw internal_error(node.op + " is no kernel of one result");
        break;
    }
    finish(std::move(node));
  } catch (Error& error) {
    throw error.at("node " + node.name);
  }
}

void GraphBuilder::finish(Node node) {
  const auto index = static_cast<int>(graph_->nodes_.size());
  for_each_operand_value(node, [&](ValueId id) {
    if (id < 0 || static_cast<std::size_t>(id) >= graph_->values_.size())
      throw model_error("uses an unknown value");
    if (!defined_[static_cast<std::size_t>(id)]) {
      throw model_error("the value \"" + graph_->value(id).name +
                        "\" is used before it is defined");
    }
    std::vector<int>& users = graph_->users_[static_cast<std::size_t>(id)];
    if (users.empty() || users.back() != index) users.push_back(index);
  });
  for_each_result(node, [&](ValueId id) {
    if (defined_.at(static_cast<std::size_t>(id))) {
      throw model_error("the value \"" + graph_->value(id).name + "\" is defined twice");
    }
    defined_[static_cast<std::size_t>(id)] = true;
    graph_->producers_[static_cast<std::size_t>(id)] = index;
  });
  graph_->nodes_.push_back(std::move(node));
}

void GraphBuilder::add_output(Output output) {
  for_each_value(output.operand, [&](ValueId id) {
    if (!defined_.at(static_cast<std::size_t>(id))) {
      throw model_error("the output \"" + graph_->value(id).name + "\" is never defined");
    }
  });
  graph_->outputs_.push_back(std::move(output));
}

std::shared_ptr<const Graph> GraphBuilder::build() && {
  if (graph_->outputs_.empty()) throw model_error("the graph has no output");
  for (std::size_t i = 0; i < defined_.size(); ++i) {
    if (!defined_[i])
      throw model_error("the value \"" + graph_->values_[i].name + "\" is never defined");
  }
  return std::shared_ptr<const Graph>(graph_.release());
}

}  // namespace pellucid

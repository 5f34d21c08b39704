// The only way to make a Graph. Every front-end drives it; it validates each step and names what is
// wrong.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// A named operand as files give it, before the operator's schema has placed it.
struct NamedOperand {
  std::string name;  // empty: by position
  Operand operand;
};

class GraphBuilder {
 public:
  GraphBuilder();
  ~GraphBuilder();
  GraphBuilder(GraphBuilder&&) noexcept;

  // Each defines a value and returns it. Throws Error (Fault::model) when the name is taken or
  // empty.
  ValueId add_input(Value value);
  ValueId add_constant(Value value, Constant constant);
  ValueId declare(Value value);  // to be defined by a node that is added later

  // The value of that name. Throws Error when there is none, or when it is not defined yet.
  ValueId use(std::string_view name) const;

  // An operator call. `op` is "namespace::name.overload" ("aten::add.Tensor"). Operands are placed
  // by the schema, defaults filled in, literals converted to the types the schema wants (a number
  // for a tensor becomes a wrapped 0-dim tensor). Throws Error naming the node when the operator is
  // unknown or an operand does not fit.
  void add_aten(std::string name, std::string_view op, std::vector<NamedOperand> operands,
                std::vector<Result> results, Origin origin);
  void add_python(std::string name, std::string_view op, std::vector<Operand> operands,
                  std::vector<Result> results, Origin origin);
  void add_block(std::string name, std::string_view op, std::vector<Operand> operands,
                 std::vector<std::shared_ptr<const Graph>> bodies, std::vector<Result> results,
                 Origin origin);
  // A node as a rewrite made it: all of it is validated as if it came from a file.
  void add(Node node);

  void add_output(Output output);

  // Checks that every value is defined before it is used and defined once, and that there is an
  // output.
  std::shared_ptr<const Graph> build() &&;

 private:
  ValueId define(Value value, int producer);
  void finish(Node node);

  std::unique_ptr<Graph> graph_;
  std::vector<bool> defined_;
};

// A copy of the graph with its nodes, constants and outputs replaced; unused constants and nodes
// are dropped (a node that mutates a value still in use is kept). Values keep their names, and ids
// are made anew.
struct GraphParts {
  std::vector<Value> values;  // operands below refer to these
  std::vector<ValueId> inputs;
  std::vector<Constant> constants;
  std::vector<Node> nodes;
  std::vector<Output> outputs;
};
GraphParts take_apart(const Graph& graph);
// A value that a rewrite knows beforehand (ConstantKind::folded).
ValueId add_folded(GraphParts& parts, const std::string& name, at::Tensor data);
std::shared_ptr<const Graph> assemble(GraphParts parts);

// True for operators known to PyTorch's dispatcher ("aten::relu.default").
bool is_known_operator(std::string_view op);

// Python operators on symbolic sizes that the evaluator knows ("mul", "floordiv", ...).
bool is_known_python(std::string_view op);
// Blocks that the evaluator knows (graph/blocks.h).
bool is_known_block(std::string_view op);

}  // namespace pellucid

// An ONNX model's graph as a Graph.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pellucid/formats/onnx/call.h"
#include "pellucid/formats/onnx/tensors.h"

namespace pellucid::from_onnx {

// The oldest and newest opset of ONNX's own domain that is read.
inline constexpr std::int64_t oldest_opset = 7, newest_opset = 28;

// What keeps the model from being read, all of it, one line each: versions, unknown operators and
// domains, kinds of values, functions that call themselves.
std::vector<std::string> problems_of(const ModelRecord& model);

// The function of the model that the node calls; nullptr: none.
const FunctionRecord* find_function(const ModelRecord& model, const NodeRecord& node);

class Program {
 public:
  Program(const ModelRecord& model, TensorSource& tensors, bool allow_nonfinite)
      : model_(model), tensors_(tensors), allow_nonfinite_(allow_nonfinite) {}

  // Throws Error (Fault::model) naming node and operator.
  std::shared_ptr<const Graph> read();
  const std::vector<std::string>& warnings() const { return warnings_; }
  // How many numbers the file's weights are: those of whole numbers are quantised ones.
  std::int64_t parameters() const { return parameters_; }
  void warn(std::string text);

  // Throws Error (Fault::model) for NaN and infinities, unless they are allowed or a mask's.
  at::Tensor tensor(const TensorRecord& record);
  // A graph within a node, in the body that runs it: its outputs.
  Refs inlined(Body& body, Scope& around, const GraphRecord& graph, const Refs& inputs);

 private:
  void initializers(const GraphRecord& graph, Scope& scope);
  void nodes(const std::vector<NodeRecord>& nodes, Scope& scope, Body& body);
  void node(const NodeRecord& node, Scope& scope, Body& body);
  Refs function(const FunctionRecord& function, Call& call, const std::string& name,
                const std::string& module);
  Ref input(const ValueRecord& value, Body& body);

  const ModelRecord& model_;
  TensorSource& tensors_;
  bool allow_nonfinite_;
  std::vector<std::string> warnings_;
  std::map<std::string_view, std::array<std::int64_t, 2>> symbols_;  // what stands for each
  std::size_t translated_ = 0;
  std::int64_t parameters_ = 0;
};

// The values that a graph uses and does not define, those of graphs within it included, in order
// of their names.
std::vector<std::string_view> free_names(const GraphRecord& graph);

}  // namespace pellucid::from_onnx

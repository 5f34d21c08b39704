// Batch norm in evaluation mode is y = x·scale + shift with scale = w/√(v+ε), shift = b − m·scale.
// As such it has a right gradient, which torch 2.13's CPU batch norm has not at batch 1 for some
// strides.
#include <ATen/TensorOperators.h>
#include <ATen/ops/rsqrt.h>
#include <c10/core/GradMode.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/contiguous_operand.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

// Where the operands of the batch norms stand; training < 0: the operator has evaluation mode only.
struct BatchNorm {
  const char* name;
  int weight, bias, mean, variance, training, epsilon;
};
constexpr BatchNorm batch_norms[] = {
    {"aten::batch_norm", 1, 2, 3, 4, 5, 7},
    {"aten::native_batch_norm", 1, 2, 3, 4, 5, 7},
    {"aten::_native_batch_norm_legit", 1, 2, 3, 4, 5, 7},
    {"aten::_native_batch_norm_legit_no_training", 1, 2, 3, 4, -1, 6},
    {"aten::cudnn_batch_norm", 1, 2, 3, 4, 5, 7},
};

const BatchNorm* as_batch_norm(const Node& node) {
  if (node.kind != NodeKind::aten) return nullptr;
  for (const BatchNorm& known : batch_norms) {
    if (node.handle->schema().name() == known.name && node.handle->schema().overload_name().empty())
      return &known;
  }
  return nullptr;
}

class NormRewriter {
 public:
  explicit NormRewriter(const Graph& graph) : graph_(graph), parts_(take_apart(graph)) {}

  std::shared_ptr<const Graph> run() && {
    const at::NoGradGuard no_gradient;
    std::vector<Node> nodes;
    for (Node& node : parts_.nodes) {
      if (const BatchNorm* norm = as_batch_norm(node)) {
        batch_norm(node, *norm, nodes);
      } else if (node.kind == NodeKind::aten &&
                 node.handle->schema().name() == "aten::instance_norm") {
        make_first_operand_contiguous(parts_, node, nodes);
        nodes.push_back(std::move(node));
      } else {
        nodes.push_back(std::move(node));
      }
    }
    parts_.nodes = std::move(nodes);
    return assemble(std::move(parts_));
  }

 private:
  // The constant tensor, nullopt for None, or throws nothing and sets `known` false where it is
  // computed.
  std::optional<at::Tensor> tensor(const Operand& operand, bool& known) const {
    if (operand.is_value()) {
      const Constant* constant = graph_.constant(operand.value());
      known = known && constant != nullptr;
      return constant == nullptr ? std::nullopt : std::optional(constant->data);
    }
    return std::nullopt;
  }

  void batch_norm(Node& node, const BatchNorm& at, std::vector<Node>& nodes) {
    const auto operand = [&](int place) -> const Operand& {
      return node.operands[static_cast<std::size_t>(place)];
    };
    // Under autocast its operands have several types.
    bool known = node.operands[0].is_value() && !operand(at.epsilon).is_value() && !node.autocast;
    if (at.training >= 0)
      known =
          known && !operand(at.training).is_value() && !operand(at.training).constant().toBool();
    for (std::size_t i = 1; i < node.results.size(); ++i) {  // saved statistics that somebody reads
      for (const ValueId id : node.results[i].values)
        known = known && (id == no_value || graph_.users(id).empty());
    }
    const auto weight = tensor(operand(at.weight), known), bias = tensor(operand(at.bias), known);
    const auto mean = tensor(operand(at.mean), known),
               variance = tensor(operand(at.variance), known);
    const Value& input =
        parts_.values[static_cast<std::size_t>(known ? node.operands[0].value() : 0)];
    if (!known || !mean || !variance || input.shape.size() < 2) {
      make_first_operand_contiguous(parts_, node, nodes);
      nodes.push_back(std::move(node));
      return;
    }
    // In the precision the kernel computes in: at least float.
    const auto wide = mean->scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    at::Tensor scale = at::rsqrt(variance->to(wide) + operand(at.epsilon).constant().toDouble());
    if (weight) scale = scale * weight->to(wide);
    at::Tensor shift = -mean->to(wide) * scale;
    if (bias) shift = shift + bias->to(wide);
    std::vector<std::int64_t> shape(input.shape.size(), 1);
    shape[1] = -1;
    const at::ScalarType dtype = input.dtype.value_or(wide);
    const ValueId result = node.results[0].values.at(0);
    std::vector<Operand> operands;
    operands.push_back({add_constant(node.name + "_shift", shift.reshape(shape).to(dtype))});
    operands.push_back(node.operands[0]);
    operands.push_back({add_constant(node.name + "_scale", scale.reshape(shape).to(dtype))});
    operands.push_back({c10::IValue(std::int64_t{1})});
    Node rewritten{.kind = NodeKind::aten,
                   .name = node.name,
                   .op = "aten::addcmul.default",
                   .handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::addcmul", ""),
                   .operands = std::move(operands),
                   .results = {Result{{result}, false}},
                   .bodies = {},
                   .kernel = {},
                   .autocast = {},
                   .origin = node.origin};
    nodes.push_back(std::move(rewritten));
  }

  ValueId add_value(Value value) {
    parts_.values.push_back(std::move(value));
    return static_cast<ValueId>(parts_.values.size() - 1);
  }

  ValueId add_constant(const std::string& name, at::Tensor data) {
    return add_folded(parts_, name, std::move(data));
  }

  const Graph& graph_;
  GraphParts parts_;
};

}  // namespace

std::shared_ptr<const Graph> rewrite_norms(const std::shared_ptr<const Graph>& graph) {
  return NormRewriter(*graph).run();
}

}  // namespace pellucid

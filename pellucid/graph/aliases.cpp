#include "pellucid/graph/aliases.h"

#include <array>

#include "pellucid/graph/disjoint_sets.h"

namespace pellucid {
namespace {

bool says_alias(const c10::Argument& argument) {
  const c10::AliasInfo* info = argument.alias_info();
  return info != nullptr;
}

bool returns_tensor(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    const auto kind = result.type()->kind();
    if (kind == c10::TypeKind::TensorType || kind == c10::TypeKind::ListType) return true;
  }
  return false;
}

// Composite operators without an annotation may hand their input back. These never do; they are
// named because taking them for views would keep nearly every in-place activation from becoming
// functional.
constexpr std::array fresh_composites = {"aten::conv1d",
                                         "aten::conv2d",
                                         "aten::conv3d",
                                         "aten::conv_transpose1d",
                                         "aten::conv_transpose2d",
                                         "aten::conv_transpose3d",
                                         "aten::linear",
                                         "aten::batch_norm",
                                         "aten::instance_norm",
                                         "aten::layer_norm",
                                         "aten::group_norm",
                                         "aten::matmul",
                                         "aten::softmax",
                                         "aten::log_softmax",
                                         "aten::scaled_dot_product_attention",
                                         "aten::max_pool1d",
                                         "aten::max_pool2d",
                                         "aten::max_pool3d",
                                         "aten::avg_pool1d",
                                         "aten::adaptive_avg_pool1d",
                                         "aten::adaptive_avg_pool2d",
                                         "aten::adaptive_avg_pool3d",
                                         "aten::adaptive_max_pool1d",
                                         "aten::silu",
                                         "aten::mish",
                                         "aten::relu6",
                                         "aten::selu",
                                         "aten::prelu",
                                         "aten::layer_norm",
                                         "aten::bilinear",
                                         "aten::embedding",
                                         "aten::cosine_similarity",
                                         "aten::one_hot",
                                         "aten::sym_size",
                                         "aten::cdist"};

bool is_fresh_composite(const std::string& name) {
  return std::find(fresh_composites.begin(), fresh_composites.end(), name) !=
         fresh_composites.end();
}

}  // namespace

bool may_share_storage(const Node& node) {
  if (node.kind == NodeKind::python || node.kind == NodeKind::kernel) return false;
  if (node.kind == NodeKind::block) return true;  // a body may return what it was given
  const c10::FunctionSchema& schema = node.handle->schema();
  for (const c10::Argument& result : schema.returns()) {
    if (says_alias(result)) return true;
  }
  return returns_tensor(schema) && !is_fresh_composite(schema.name()) &&
         node.handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
}

std::vector<ValueId> written_by(const Node& node) {
  std::vector<ValueId> written;
  if (node.kind == NodeKind::aten) {
    const std::vector<c10::Argument>& arguments = node.handle->schema().arguments();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const c10::AliasInfo* info = arguments[i].alias_info();
      if (info == nullptr || !info->isWrite()) continue;
      for_each_value(node.operands[i], [&](ValueId id) { written.push_back(id); });
    }
  } else if (node.kind == NodeKind::block) {
    // A body's inputs are, in order, the last that the block is given, lists item by item.
    std::vector<const Operand*> given;
    for (const Operand& operand : node.operands) {
      if (!operand.is_list())
        given.push_back(&operand);
      else
        for (const Operand& item : operand.list()) given.push_back(&item);
    }
    for (const auto& body : node.bodies) {
      const Aliases aliases(*body);
      const std::size_t inputs = std::min(given.size(), body->inputs().size());
      for (std::size_t i = 0; i < inputs; ++i) {
        if (!aliases.mutated(body->inputs()[i])) continue;
        for_each_value(*given[given.size() - inputs + i],
                       [&](ValueId id) { written.push_back(id); });
      }
    }
  }
  return written;
}

bool is_random(const Node& node) {
  if (node.kind == NodeKind::block) {
    for (const auto& body : node.bodies) {
      for (const Node& inner : body->nodes()) {
        if (is_random(inner)) return true;
      }
    }
    return false;
  }
  if (node.kind != NodeKind::aten || !node.handle->hasTag(at::Tag::nondeterministic_seeded))
    return false;
  // The tag says that an operator can be random, its operands whether it is.
  const auto& arguments = node.handle->schema().arguments();
  for (std::size_t i = 0; i < arguments.size() && i < node.operands.size(); ++i) {
    const Operand& operand = node.operands[i];
    if (operand.is_value() || operand.is_list()) continue;
    const std::string& name = arguments[i].name();
    const c10::IValue& given = operand.constant();
    if ((name == "train" || name == "training") && given.isBool() && !given.toBool()) return false;
    if ((name == "p" || name == "dropout_p") && given.isScalar() &&
        given.toScalar().toDouble() == 0)
      return false;
  }
  return true;
}

Aliases::Aliases(const Graph& graph) {
  const std::size_t count = graph.values().size();
  DisjointSets sets(count);
  for (const Node& node : graph.nodes()) {
    if (!may_share_storage(node)) continue;
    ValueId first = no_value;
    const auto unite = [&](ValueId id) {
      if (!graph.value(id).is_tensor) return;
      if (first == no_value)
        first = id;
      else
        sets.unite(id, first);
    };
    for_each_operand_value(node, unite);
    for_each_result(node, unite);
  }
  set_.resize(count);
  writers_.resize(count);
  for (std::size_t i = 0; i < count; ++i) set_[i] = sets.root(static_cast<ValueId>(i));
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    for (const ValueId id : written_by(graph.nodes()[n])) {
      std::vector<int>& writers = writers_[static_cast<std::size_t>(set_of(id))];
      if (writers.empty() || writers.back() != static_cast<int>(n))
        writers.push_back(static_cast<int>(n));
    }
  }
}

}  // namespace pellucid

// Convolutions by constants become kernels that keep their weights prepared and give channels-last
// pictures. What would trip over other strides is made indifferent to them, or nothing is changed.
#include <algorithm>
#include <array>

#include "pellucid/graph/affine.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/frozen_convolution.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

template <std::size_t N>
bool is_one_of(const Node& node, const std::array<const char*, N>& names) {
  return node.kind == NodeKind::aten &&
         std::find(names.begin(), names.end(), node.handle->schema().name()) != names.end();
}

// Their answer, or whether they have one, is a matter of strides.
constexpr std::array stride_readers = {"aten::as_strided",
                                       "aten::as_strided_",
                                       "aten::as_strided_copy",
                                       "aten::as_strided_scatter",
                                       "aten::stride",
                                       "aten::sym_stride",
                                       "aten::is_contiguous",
                                       "aten::sym_is_contiguous",
                                       "aten::storage_offset",
                                       "aten::sym_storage_offset",
                                       "aten::view_as_complex",
                                       "aten::_reshape_alias",
                                       "aten::set_",
                                       "aten::resize_",
                                       "aten::resize_as_",
                                       "aten::view_copy"};

// With other strides they copy where they shared storage, or refuse.
constexpr std::array stride_minders = {
    "aten::view",    "aten::view_as",    "aten::_unsafe_view", "aten::reshape", "aten::reshape_as",
    "aten::flatten", "aten::contiguous", "aten::unflatten",    "aten::ravel",   "aten::to"};

bool bodies_mind_strides(const Node& node) {
  return std::ranges::any_of(node.bodies, [](const std::shared_ptr<const Graph>& body) {
    return std::ranges::any_of(body->nodes(), [](const Node& inner) {
      return is_one_of(inner, stride_readers) || is_one_of(inner, stride_minders) ||
             bodies_mind_strides(inner);
    });
  });
}

bool minds_strides(const Graph& graph) {
  const Aliases aliases(graph);
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    if (is_one_of(node, stride_readers) || bodies_mind_strides(node)) return true;
    if (!is_one_of(node, stride_minders)) return false;
    // A view of another dtype wants its last dimension dense.
    if (node.op == "aten::view.dtype") return true;
    bool mutated = false;
    for_each_result(node, [&](ValueId id) { mutated = mutated || aliases.mutated(id); });
    return mutated;
  });
}

// A view wants strides that allow it; a reshape copies where they do not.
void allow_any_strides(Node& node) {
  const auto become = [&](const char* op) {
    node.op = op;
    const auto dot = node.op.find('.');
    node.handle =
        c10::Dispatcher::singleton().findSchemaOrThrow(node.op.substr(0, dot).c_str(), "");
  };
  if (node.op == "aten::view.default" || node.op == "aten::_unsafe_view.default")
    become("aten::reshape.default");
  else if (node.op == "aten::view_as.default")
    become("aten::reshape_as.default");
}

std::optional<std::vector<std::int64_t>> pair_of(const Operand& operand) {
  if (operand.is_value() || operand.is_list() || !operand.constant().isIntList())
    return std::nullopt;
  std::vector<std::int64_t> numbers = operand.constant().toIntVector();
  if (numbers.size() == 1) numbers.push_back(numbers[0]);
  if (numbers.size() != 2) return std::nullopt;
  return numbers;
}

bool is_float_constant(const Graph& graph, const Operand& operand, std::size_t dimensions) {
  const Constant* constant = operand.is_value() ? graph.constant(operand.value()) : nullptr;
  return constant != nullptr && constant->data.scalar_type() == at::kFloat &&
         constant->data.device().is_cpu() && constant->data.numel() > 0 &&
         constant->data.dim() == static_cast<std::int64_t>(dimensions);
}

// The geometry of aten::conv2d, or of aten::convolution that is one; nullopt: neither, or not by
// constants.
std::optional<ConvolutionGeometry> convolution_by_constants(const Graph& graph, const Node& node) {
  const bool general = node.op == "aten::convolution.default";
  // Under autocast it computes in another type.
  if ((!general && node.op != "aten::conv2d.default") || node.autocast) return std::nullopt;
  const auto& operands = node.operands;
  if (!operands[0].is_value() || graph.value(operands[0].value()).shape.size() != 4 ||
      !is_float_constant(graph, operands[1], 4))
    return std::nullopt;
  const bool no_bias = !operands[2].is_value() && operands[2].constant().isNone();
  if (!no_bias && !is_float_constant(graph, operands[2], 1)) return std::nullopt;
  const auto stride = pair_of(operands[3]), padding = pair_of(operands[4]),
             dilation = pair_of(operands[5]);
  const Operand& groups = operands[general ? 8 : 6];
  if (!stride || !padding || !dilation || groups.is_value()) return std::nullopt;
  if (general && (operands[6].is_value() || operands[6].constant().toBool())) return std::nullopt;
  // What the operator would refuse is left to it.
  const at::Tensor& weight = graph.constant(operands[1].value())->data;
  const std::int64_t group_count = groups.constant().toInt();
  const bool sound = std::ranges::min(*stride) > 0 && std::ranges::min(*padding) >= 0 &&
                     std::ranges::min(*dilation) > 0 && group_count > 0 &&
                     weight.size(0) % group_count == 0;
  const bool biased =
      no_bias || graph.constant(operands[2].value())->data.size(0) == weight.size(0);
  const auto& channels = graph.value(operands[0].value()).shape[1];
  const bool fits = !channels || *channels == weight.size(1) * group_count;
  if (!sound || !biased || !fits) return std::nullopt;
  return ConvolutionGeometry{*stride, *padding, *dilation, group_count};
}

Node frozen(const Node& convolution, const ConvolutionGeometry& geometry, Rectifier rectifier) {
  Node node = convolution;
  node.kind = NodeKind::kernel;
  node.op = "kernel::frozen_convolution";
  node.handle.reset();
  node.operands.resize(3);
  node.kernel = frozen_convolution(geometry, rectifier);
  return node;
}

// Which rectifier the node is.
Rectifier rectifier_of(const Node& node) {
  const auto is_literal = [&](std::size_t operand, double wanted) {
    const Operand& given = node.operands.at(operand);
    return !given.is_value() && !given.is_list() && given.constant().isScalar() &&
           given.constant().toScalar().toDouble() == wanted;
  };
  if (node.op == "aten::relu.default") return Rectifier::relu;
  if (node.op == "aten::clamp_min.default" && is_literal(1, 0)) return Rectifier::relu;
  if (node.op == "aten::relu6.default") return Rectifier::relu6;
  const bool bounded = node.op == "aten::hardtanh.default" || node.op == "aten::clamp.default";
  if (bounded && is_literal(1, 0) && is_literal(2, 6)) return Rectifier::relu6;
  return Rectifier::none;
}

// Finds convolution → rectifier, and convolution → sum with another picture → ReLU, where nobody
// else reads what lies between.
class Fusion {
 public:
  explicit Fusion(const Graph& graph) : graph_(graph), aliases_(graph) {
    for (const ValueId input : graph.inputs()) fronts_.push_back(affine_front(graph, input));
  }

  // The node that does all of it in the place of node `n`; nullopt: there is nothing to fuse.
  std::optional<Node> ending_at(std::size_t n) const {
    const Node& last = graph_.nodes()[n];
    const Rectifier rectifier = rectifier_of(last);
    if (rectifier == Rectifier::none) return std::nullopt;
    const Node* before = only_source(last, 0);
    if (before == nullptr) return std::nullopt;
    if (const auto geometry = convolution_by_constants(graph_, *before))
      return fused(last, *before, *geometry, rectifier, std::nullopt);
    if (rectifier != Rectifier::relu || before->op != "aten::add.Tensor" ||
        before->operands[2].is_value() || before->operands[2].constant().toScalar().toDouble() != 1)
      return std::nullopt;
    for (const std::size_t side : {0, 1}) {
      const Node* source = only_source(*before, side);
      const Operand& other = before->operands[1 - side];
      if (source == nullptr || !other.is_value() || !is_steady(other)) continue;
      if (const auto geometry = convolution_by_constants(graph_, *source))
        return fused(last, *source, *geometry, rectifier, other);
    }
    return std::nullopt;
  }

 private:
  // The node that makes the operand, if it makes it for `user` alone.
  const Node* only_source(const Node& user, std::size_t operand) const {
    const Operand& given = user.operands[operand];
    if (!given.is_value() || graph_.producer(given.value()) < 0) return nullptr;
    const auto users = graph_.users(given.value());
    const bool alone =
        users.size() == 1 && &graph_.nodes()[static_cast<std::size_t>(users[0])] == &user;
    if (!alone || graph_.is_output(given.value()) || !is_steady(given)) return nullptr;
    const Node& source = graph_.nodes()[static_cast<std::size_t>(graph_.producer(given.value()))];
    return source.operands.empty() ? nullptr : &source;
  }

  // It may be read later than the file says.
  bool is_steady(const Operand& operand) const { return !aliases_.mutated(operand.value()); }

  std::optional<Node> fused(const Node& last, const Node& convolution,
                            const ConvolutionGeometry& geometry, Rectifier rectifier,
                            std::optional<Operand> summand) const {
    if (!is_steady(convolution.operands[0])) return std::nullopt;
    // Methods that follow a path start it behind the affine part: that value must stay.
    if (std::ranges::find(fronts_, convolution.results[0].values[0]) != fronts_.end())
      return std::nullopt;
    Node node = frozen(convolution, geometry, rectifier);
    if (summand) node.operands.push_back(*summand);
    node.name = last.name;
    node.origin = last.origin;
    node.results = last.results;
    return node;
  }

  const Graph& graph_;
  const Aliases aliases_;
  std::vector<ValueId> fronts_;
};

}  // namespace

std::shared_ptr<const Graph> freeze_convolutions(std::shared_ptr<const Graph> graph,
                                                 Rectifiers rectifiers) {
  if (!can_freeze_convolutions() || minds_strides(*graph)) return graph;
  GraphParts parts = take_apart(*graph);
  const Fusion fusion(*graph);
  bool changed = false;
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    Node& node = parts.nodes[n];
    if (auto fused = rectifiers == Rectifiers::fused ? fusion.ending_at(n) : std::nullopt) {
      node = std::move(*fused);
      changed = true;
    } else if (const auto geometry = convolution_by_constants(*graph, node)) {
      node = frozen(node, *geometry, Rectifier::none);
      changed = true;
    } else {
      allow_any_strides(node);
    }
  }
  return changed ? assemble(std::move(parts)) : graph;
}

}  // namespace pellucid

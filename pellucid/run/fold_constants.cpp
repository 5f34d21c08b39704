// Computes what does not depend on an input once, at load.
//
// Storage is the unit: a value is foldable only if every node that writes into its storage is (Swin
// fills a mask through 45 slices of it). Operators that only look at an operand's type or device do
// not depend on it.
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/evaluator.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

// Of these only the type and the device of `self` matter: their shape is an argument.
constexpr std::array takes_type_only = {"aten::new_zeros", "aten::new_ones", "aten::new_full",
                                        "aten::new_empty"};

bool looks_at_type_only(const Node& node) {
  return node.kind == NodeKind::aten &&
         std::find(takes_type_only.begin(), takes_type_only.end(), node.handle->schema().name()) !=
             takes_type_only.end();
}

// Larger results would cost more memory than their computation costs time.
constexpr std::int64_t largest_folded_growth = std::int64_t{64} << 20;

bool dependent_operands(const Graph& graph, const Node& node, const std::vector<bool>& dependent) {
  bool depends = false;
  const std::size_t first =
      looks_at_type_only(node) && graph.value(node.operands[0].value()).dtype ? 1 : 0;
  for (std::size_t i = first; i < node.operands.size(); ++i) {
    for_each_value(node.operands[i], [&](ValueId id) {
      depends = depends || dependent[static_cast<std::size_t>(id)];
    });
  }
  return depends;
}

// The nodes that stay: those that were not computed, those whose results are cheap arithmetic on
// sizes or too large to keep, and with these all that make or write the same storage when it is
// written to.
std::vector<bool> stay_nodes(const Graph& graph, const Aliases& aliases, const Frame& frame,
                             const std::vector<bool>& folded) {
  std::vector<bool> stays(folded.size()), whole_set(graph.values().size(), false);
  for (std::size_t n = 0; n < folded.size(); ++n) {
    bool all_tensors = true;
    std::int64_t size = 0;
    for_each_result(graph.nodes()[n], [&](ValueId id) {
      const c10::IValue& value = frame[static_cast<std::size_t>(id)];
      all_tensors = all_tensors && value.isTensor() && value.toTensor().defined();
      if (value.isTensor()) size += static_cast<std::int64_t>(value.toTensor().nbytes());
    });
    stays[n] = !folded[n] || !all_tensors || size > largest_folded_growth;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t n = 0; n < folded.size(); ++n) {
      const auto each_made = [&](const auto& visit) {
        const auto mutated = [&](ValueId id) {
          if (aliases.mutated(id)) visit(static_cast<std::size_t>(aliases.set_of(id)));
        };
        for_each_result(graph.nodes()[n], mutated);
        for (const ValueId id : written_by(graph.nodes()[n])) mutated(id);
      };
      if (!stays[n])
        each_made([&](std::size_t set) {
          if (whole_set[set]) stays[n] = changed = true;
        });
      if (!stays[n]) continue;
      each_made([&](std::size_t set) {
        if (!whole_set[set]) whole_set[set] = changed = true;
      });
      // It reads before the last write: the writes must happen in their time.
      for_each_operand_value(graph.nodes()[n], [&](ValueId id) {
        const auto set = static_cast<std::size_t>(aliases.set_of(id));
        if (aliases.mutated(id) && aliases.writers(id).back() > static_cast<int>(n) &&
            !whole_set[set])
          whole_set[set] = changed = true;
      });
    }
  }
  return stays;
}

}  // namespace

std::shared_ptr<const Graph> fold_constants(std::shared_ptr<const Graph> graph) {
  const Aliases aliases(*graph);
  const std::size_t count = graph->values().size();
  std::vector<bool> dependent(count, false);
  for (const ValueId id : graph->inputs()) dependent[static_cast<std::size_t>(id)] = true;

  // To a fixed point, since a late write makes an early value of the same storage dependent.
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<bool> set_depends(count, false);
    for (std::size_t id = 0; id < count; ++id) {
      const auto value = static_cast<ValueId>(id);
      if (dependent[id] && aliases.mutated(value))
        set_depends[static_cast<std::size_t>(aliases.set_of(value))] = true;
    }
    const auto mark = [&](ValueId id) {
      if (!dependent[static_cast<std::size_t>(id)])
        changed = dependent[static_cast<std::size_t>(id)] = true;
    };
    for (int n = 0; n < static_cast<int>(graph->nodes().size()); ++n) {
      const Node& node = graph->nodes()[static_cast<std::size_t>(n)];
      const auto touched = written_by(node);
      bool depends = is_random(node) || dependent_operands(*graph, node, dependent);
      for (const ValueId id : touched)
        depends = depends || set_depends[static_cast<std::size_t>(aliases.set_of(id))];
      for_each_result(node, [&](ValueId id) {
        if (depends ||
            (aliases.mutated(id) && set_depends[static_cast<std::size_t>(aliases.set_of(id))]))
          mark(id);
      });
      if (!depends) continue;
      for (const ValueId id : touched) mark(id);
      // A constant is what the last write leaves: who reads an earlier content needs the writes to
      // happen in its time.
      for_each_operand_value(node, [&](ValueId id) {
        if (aliases.mutated(id) && aliases.writers(id).back() > n) mark(id);
      });
    }
  }

  const at::NoGradGuard no_gradient;
  Frame frame(count);
  for (const Constant& constant : graph->constants()) {
    // A weight that the folded part writes into must stay as the file has it.
    frame[static_cast<std::size_t>(constant.value)] =
        aliases.mutated(constant.value) ? constant.data.clone() : constant.data;
  }
  std::vector<bool> folded(graph->nodes().size(), false);
  for (std::size_t n = 0; n < graph->nodes().size(); ++n) {
    const Node& node = graph->nodes()[n];
    bool depends = is_random(node) || dependent_operands(*graph, node, dependent);
    for_each_result(
        node, [&](ValueId id) { depends = depends || dependent[static_cast<std::size_t>(id)]; });
    for (const ValueId id : written_by(node))
      depends = depends || dependent[static_cast<std::size_t>(id)];
    if (depends) continue;
    // An input's stand-in: only its type is looked at.
    if (looks_at_type_only(node)) {
      const auto self = static_cast<std::size_t>(node.operands[0].value());
      if (frame[self].isNone())
        frame[self] =
            at::empty({0}, at::TensorOptions().dtype(graph->value(node.operands[0].value()).dtype));
    }
    evaluate(*graph, node, frame, {});
    folded[n] = true;
  }

  const std::vector<bool> stays = stay_nodes(*graph, aliases, frame, folded);
  GraphParts parts = take_apart(*graph);
  std::vector<Node> kept;
  for (std::size_t n = 0; n < parts.nodes.size(); ++n) {
    if (stays[n]) {
      kept.push_back(std::move(parts.nodes[n]));
      continue;
    }
    for_each_result(parts.nodes[n], [&](ValueId id) {
      parts.constants.push_back({id, parts.values[static_cast<std::size_t>(id)].name,
                                 ConstantKind::folded,
                                 frame[static_cast<std::size_t>(id)].toTensor()});
    });
  }
  // Constants that the folded nodes wrote into are what they became.
  for (Constant& constant : parts.constants) {
    if (constant.kind == ConstantKind::folded || !aliases.mutated(constant.value)) continue;
    const auto writers = aliases.writers(constant.value);
    if (std::none_of(writers.begin(), writers.end(),
                     [&](int n) { return stays[static_cast<std::size_t>(n)]; })) {
      constant.data = frame[static_cast<std::size_t>(constant.value)].toTensor();
    }
  }
  parts.nodes = std::move(kept);
  return assemble(std::move(parts));
}

}  // namespace pellucid

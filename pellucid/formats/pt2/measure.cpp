// Runs first at the sample (a batch of one becomes two: torch takes a size of one for fixed), then
// once per symbol with that one changed, then with all changed: what fits the last run, too, is
// believed.
#include "pellucid/formats/pt2/measure.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/run/executor.h"

namespace pellucid::pt2 {
namespace {

constexpr std::int64_t steps[] = {1, 2, 4, 8, 16, 32, 64};

Measured measured(const at::Tensor& tensor) {
  return {tensor.scalar_type(), tensor.sizes().vec(), tensor.strides().vec(), {}};
}

Measurement measure(const std::shared_ptr<const Graph>& graph, std::span<const Feed> feeds,
                    const Cancellation* cancellation) {
  Measurement result;
  result.values.resize(graph->values().size());
  const auto slot = [&](ValueId id) -> std::optional<Measured>& {
    return result.values[static_cast<std::size_t>(id)];
  };
  // What nobody needs is run, too: the file holds it.
  std::vector<ValueId> wanted;
  const auto want = [&](ValueId id) {
    if (std::ranges::find(wanted, id) == wanted.end()) wanted.push_back(id);
  };
  for (std::size_t id = 0; id < graph->values().size(); ++id) {
    const auto value = static_cast<ValueId>(id);
    if (!graph->value(value).is_tensor ||
        (graph->users(value).empty() && graph->producer(value) >= 0))
      wanted.push_back(value);
  }
  for (const Node& node : graph->nodes()) {
    if (node.kind == NodeKind::block) for_each_operand_value(node, want);
  }
  for (const Output& output : graph->outputs()) for_each_value(output.operand, want);
  Observer observer;
  observer.see = [&](ValueId id, const at::Tensor& tensor) {
    slot(id) = measured(tensor);
    return tensor;
  };
  RunSettings settings;
  settings.observer = &observer;
  settings.cancellation = cancellation;
  const std::vector<c10::IValue> given = Executor(graph).run(feeds, wanted, settings);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (given[i].isTensor() && given[i].toTensor().defined())
      slot(wanted[i]) = measured(given[i].toTensor());
    else if (!given[i].isTensor() && !given[i].isNone())
      slot(wanted[i]) = Measured{at::kFloat, {}, {}, given[i]};
  }
  for (const Constant& constant : graph->constants())
    slot(constant.value) = measured(constant.data);
  for (int n = 0; n < static_cast<int>(graph->nodes().size()); ++n) {
    const Node& node = graph->nodes()[static_cast<std::size_t>(n)];
    for (std::size_t b = 0; b < node.bodies.size(); ++b) {
      const Graph& body = *node.bodies[b];
      const std::vector<Operand> handed = handed_to(body, node, node.op == "block::cond" ? 1 : 0);
      std::vector<Feed> inside;
      for (std::size_t i = 0; i < handed.size(); ++i) {
        inside.push_back({body.inputs()[i],
                          handed[i].is_value()
                              ? given[static_cast<std::size_t>(
                                    std::ranges::find(wanted, handed[i].value()) - wanted.begin())]
                              : handed[i].constant()});
      }
      result.bodies[{n, static_cast<int>(b)}] = measure(node.bodies[b], inside, cancellation);
    }
  }
  return result;
}

std::string symbol(const std::string& name) {
  return "Symbol('" + name + "', positive=True, integer=True)";
}

std::string integer(std::int64_t number) { return "Integer(" + std::to_string(number) + ")"; }

}  // namespace

at::Tensor repeated(const at::Tensor& tensor, std::int64_t dimension, std::int64_t size) {
  const at::Tensor places = at::arange(size, at::kLong).remainder(tensor.size(dimension));
  return at::index_select(tensor, dimension, places);
}

Measurements::Measurements(const std::shared_ptr<const Graph>& graph,
                           const std::vector<at::Tensor>& sample, const Cancellation* cancellation)
    : graph_(graph), sample_(sample), cancellation_(cancellation) {
  find_groups();
  std::vector<std::pair<const Group*, std::int64_t>> all;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    symbols_.push_back("s" + std::to_string(g));
    all.emplace_back(&groups_[g], groups_[g].step * (3 + static_cast<std::int64_t>(g)));
  }
  if (!groups_.empty() && !try_run(resized(all))) {
    throw model_error("the graph runs at other sizes of each input, but not of all of them")
        .hint("export the model with fixed sizes");
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) values_.push_back(symbol_values(g));
}

std::vector<at::Tensor> Measurements::resized(
    const std::vector<std::pair<const Group*, std::int64_t>>& by) const {
  std::vector<at::Tensor> inputs = sample_;
  for (const auto& [group, more] : by) {
    for (const Size& size : group->sizes) {
      const auto dimension = static_cast<std::int64_t>(size.dimension);
      at::Tensor& input = inputs[size.input];
      input = repeated(input, dimension, input.size(dimension) + more);
    }
  }
  return inputs;
}

std::vector<Feed> Measurements::feeds_of(const std::vector<at::Tensor>& inputs) const {
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({graph_->inputs()[i], inputs[i]});
  return feeds;
}

bool Measurements::try_run(const std::vector<at::Tensor>& inputs) {
  try {
    runs_.push_back(measure(graph_, feeds_of(inputs), cancellation_));
    return true;
  } catch (const Error& error) {
    if (error.fault() != Fault::model) throw;
    return false;
  }
}

bool Measurements::try_group(Group group) {
  for (const Size& size : group.sizes) {
    if (sample_[size.input].size(static_cast<std::int64_t>(size.dimension)) % group.step != 0)
      return false;
  }
  if (!try_run(resized({{&group, group.step}}))) return false;
  groups_.push_back(std::move(group));
  return true;
}

void Measurements::find_groups() {
  std::vector<Group> open;
  Group batch;
  const auto inputs = graph_->inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& shape = graph_->value(inputs[i]).shape;
    for (std::size_t d = 0; d < static_cast<std::size_t>(sample_[i].dim()); ++d) {
      if (shape.size() != static_cast<std::size_t>(sample_[i].dim()) || shape[d]) continue;
      if (d == 0)
        batch.sizes.push_back({i, d});
      else
        open.push_back({{{i, d}}});
    }
  }
  const auto size_of = [&](const Size& size) {
    return sample_[size.input].size(static_cast<std::int64_t>(size.dimension));
  };
  const auto settle = [&](const Group& group) {
    return std::ranges::any_of(steps, [&](std::int64_t step) {
      return try_group({group.sizes, step});
    });
  };
  const auto give_up = [&](const Size& size) {
    fixed_.push_back("size " + std::to_string(size.dimension) + " of the input \"" +
                     graph_->value(inputs[size.input]).name + "\" works at " +
                     std::to_string(size_of(size)) + " only");
  };
  const std::vector<at::Tensor> as_given = sample_;
  for (const Size& size : batch.sizes) {
    if (size_of(size) == 1) sample_[size.input] = repeated(sample_[size.input], 0, 2);
  }
  if (batch.sizes.empty() || !try_run(sample_)) {
    sample_ = as_given;
    std::ranges::for_each(batch.sizes, give_up);
    batch.sizes.clear();
    runs_.push_back(measure(graph_, feeds_of(sample_), cancellation_));
  }
  if (!batch.sizes.empty() && !settle(batch)) std::ranges::for_each(batch.sizes, give_up);
  while (!open.empty()) {
    const Group group = open.front();
    open.erase(open.begin());
    if (settle(group)) continue;
    // It may have to be equal to others: those that are so in the sample.
    Group together = group;
    for (const Group& other : open) {
      if (size_of(other.sizes[0]) == size_of(group.sizes[0]))
        together.sizes.push_back(other.sizes[0]);
    }
    if (together.sizes.size() > 1 && settle(together)) {
      std::erase_if(open, [&](const Group& other) {
        return size_of(other.sizes[0]) == size_of(group.sizes[0]);
      });
    } else {
      give_up(group.sizes[0]);
    }
  }
}

// The first run, one per symbol in their order, and the last with all changed.
std::vector<std::int64_t> Measurements::symbol_values(std::size_t g) const {
  const Group& group = groups_[g];
  const Size& size = group.sizes[0];
  const std::int64_t first =
      sample_[size.input].size(static_cast<std::int64_t>(size.dimension)) / group.step;
  std::vector<std::int64_t> values(runs_.size(), first);
  values[g + 1] = first + 1;
  values.back() = first + 3 + static_cast<std::int64_t>(g);
  return values;
}

SymbolicNumber Measurements::number(const std::vector<std::int64_t>& in_runs) {
  const std::int64_t first = in_runs.at(0);
  if (std::ranges::all_of(in_runs, [&](std::int64_t n) { return n == first; }))
    return {true, first, std::to_string(first)};
  // first + Σ slope · (symbol − its first value)
  std::int64_t rest = first, predicted = 0;
  std::vector<std::string> terms, factors;
  std::int64_t product = 1;
  std::vector<std::int64_t> products(in_runs.size(), 1);
  for (std::size_t g = 0; g < values_.size(); ++g) {
    const std::int64_t slope = in_runs[g + 1] - first;
    if (slope == 0) continue;
    rest -= slope * values_[g][0];
    predicted += slope * values_[g].back();
    terms.push_back(slope == 1 ? symbol(symbols_[g])
                               : "Mul(" + integer(slope) + ", " + symbol(symbols_[g]) + ")");
    factors.push_back(symbol(symbols_[g]));
    product *= values_[g][0];
    for (std::size_t r = 0; r < in_runs.size(); ++r) products[r] *= values_[g][r];
  }
  const auto call = [](const char* function, const std::vector<std::string>& arguments) {
    if (arguments.size() == 1) return arguments[0];
    std::string text = function;
    for (std::size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "(" : ", ") + arguments[i];
    return text + ")";
  };
  if (predicted + rest == in_runs.back()) {
    if (rest != 0) terms.push_back(integer(rest));
    return {false, first, call("Add", terms)};
  }
  const std::int64_t share = product == 0 ? 0 : first / product;
  bool fits = !factors.empty();
  for (std::size_t r = 0; r < in_runs.size(); ++r) fits = fits && share * products[r] == in_runs[r];
  if (fits) {
    if (share != 1) factors.insert(factors.begin(), integer(share));
    return {false, first, call("Mul", factors)};
  }
  const auto [found, fresh] =
      odd_.emplace(in_runs, "s" + std::to_string(symbols_.size() + odd_.size()));
  return {false, first, symbol(found->second)};
}

}  // namespace pellucid::pt2

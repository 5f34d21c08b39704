#include "pellucid/run/recomputing_runner.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <set>

#include "pellucid/graph/aliases.h"

namespace pellucid {
namespace {

// A part of the graph: from the values that it reads to those that later parts read.
struct Segment : torch::CustomClassHolder {
  std::shared_ptr<const Runner> runner;
  const Cancellation* cancellation = nullptr;
  std::vector<Feed> other_inputs;  // numbers, and tensors that no gradient reaches
  std::vector<ValueId> inputs;     // tensors on the gradient's way
  std::vector<ValueId> outputs;    // tensors
  std::vector<ValueId> numbers;    // symbolic sizes that later parts read
  std::vector<c10::IValue> number_values;

  std::vector<c10::IValue> run(const std::vector<at::Tensor>& tensors,
                               std::span<const ValueId> wanted) const {
    std::vector<Feed> feeds = other_inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({inputs[i], tensors[i]});
    RunSettings settings;
    settings.cancellation = cancellation;
    settings.gradient = true;  // recorded only where an input asks for it
    return runner->run(feeds, wanted, settings);
  }

  std::vector<at::Tensor> run_all(const std::vector<at::Tensor>& tensors) {
    std::vector<ValueId> wanted = outputs;
    wanted.insert(wanted.end(), numbers.begin(), numbers.end());
    std::vector<c10::IValue> answers = run(tensors, wanted);
    std::vector<at::Tensor> made;
    for (std::size_t i = 0; i < outputs.size(); ++i) made.push_back(answers[i].toTensor());
    number_values.assign(answers.begin() + static_cast<std::ptrdiff_t>(outputs.size()),
                         answers.end());
    return made;
  }
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  using Variables = torch::autograd::variable_list;

  static Variables forward(torch::autograd::AutogradContext* context, at::TensorList inputs,
                           const c10::intrusive_ptr<Segment>& segment) {
    context->saved_data["segment"] = c10::IValue::make_capsule(segment);
    context->save_for_backward(inputs.vec());
    context->set_materialize_grads(false);
    std::vector<at::Tensor> plain;
    for (const at::Tensor& input : inputs) plain.push_back(input.detach());
    Variables made;
    Variables undifferentiable;
    for (const at::Tensor& tensor : segment->run_all(plain)) {
      // What an input is handed through as must be a tensor of its own.
      made.push_back(tensor.alias());
      if (!tensor.is_floating_point()) undifferentiable.push_back(made.back());
    }
    context->mark_non_differentiable(undifferentiable);
    return made;
  }

  static Variables backward(torch::autograd::AutogradContext* context, const Variables& gradients) {
    const auto held = context->saved_data["segment"].toCapsule();
    const auto& segment = static_cast<const Segment&>(*held);
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& saved : context->get_saved_variables())
      leaves.push_back(saved.detach().requires_grad_(saved.is_floating_point()));
    const std::vector<c10::IValue> answers = segment.run(leaves, segment.outputs);
    Variables roots, upstream;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const at::Tensor& answer = answers[i].toTensor();
      if (!answer.requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(answer);
      upstream.push_back(gradients[i]);
    }
    Variables result(leaves.size() + 1);  // none for the segment itself
    if (roots.empty()) return result;
    Variables wanted;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (!leaves[i].requires_grad() || !context->needs_input_grad(i)) continue;
      wanted.push_back(leaves[i]);
      places.push_back(i);
    }
    const Variables found = torch::autograd::grad(roots, wanted, upstream, std::nullopt, false,
                                                  /*allow_unused=*/true);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = found[i];
    return result;
  }
};

std::int64_t declared_bytes(const Graph& graph, const Node& node) {
  std::int64_t bytes = 0;
  for_each_result(node, [&](ValueId id) {
    std::int64_t own = 4;
    for (const auto& size : graph.value(id).shape)
      own = std::min<std::int64_t>(own * std::max<std::int64_t>(size.value_or(1), 1), 1LL << 40);
    bytes += own;
  });
  return bytes;
}

// One run, part by part.
class SegmentedRun {
 public:
  SegmentedRun(std::shared_ptr<const Runner> runner, std::span<const Feed> feeds,
               std::span<const ValueId> wanted, const RunSettings& settings)
      : runner_(std::move(runner)),
        graph_(runner_->graph()),
        wanted_(wanted.begin(), wanted.end()),
        settings_(settings) {
    for (const Feed& feed : feeds) values_[feed.value] = feed.data;
    for (const Feed& feed : feeds) show(feed.value);
    find_nodes();
  }

  std::vector<c10::IValue> run() {
    std::vector<int> part;
    std::int64_t all = 0, done = 0, parts = 1;
    for (const int n : nodes_) all += declared_bytes(graph_, node(n));
    for (const int n : nodes_) {
      part.push_back(n);
      done += declared_bytes(graph_, node(n));
      bool cut = done >= all * parts / settings_.segments;
      if (cut) ++parts;
      for_each_result(node(n), [&](ValueId id) { cut = cut || is_observed(id); });
      if (cut) run_part(part);
    }
    run_part(part);
    std::vector<c10::IValue> answers;
    for (const ValueId id : wanted_) answers.push_back(values_.at(id));
    return answers;
  }

 private:
  const Node& node(int n) const { return graph_.nodes()[static_cast<std::size_t>(n)]; }

  bool is_observed(ValueId id) const {
    return settings_.observer != nullptr &&
           std::ranges::find(settings_.observer->values, id) != settings_.observer->values.end();
  }

  void show(ValueId id) {
    c10::IValue& value = values_.at(id);
    if (is_observed(id) && value.isTensor()) value = settings_.observer->see(id, value.toTensor());
  }

  // The nodes between the feeds and what is wanted, and who reads each value last.
  void find_nodes() {
    std::set<int> needed;
    std::vector<ValueId> open(wanted_);
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      const int producer = graph_.producer(id);
      if (values_.contains(id) || producer < 0 || !needed.insert(producer).second) continue;
      for_each_operand_value(node(producer), [&](ValueId operand) { open.push_back(operand); });
    }
    nodes_.assign(needed.begin(), needed.end());
    for (const int n : nodes_)
      for_each_operand_value(node(n), [&](ValueId id) { last_reader_[id] = n; });
    for (const ValueId id : wanted_) last_reader_[id] = static_cast<int>(graph_.nodes().size());
  }

  void run_part(std::vector<int>& part) {
    if (part.empty()) return;
    auto segment = c10::make_intrusive<Segment>();
    segment->runner = runner_;
    segment->cancellation = settings_.cancellation;
    std::set<ValueId> made, read;
    for (const int n : part) {
      for_each_operand_value(node(n), [&](ValueId id) { read.insert(id); });
      for_each_result(node(n), [&](ValueId id) {
        made.insert(id);
        if (const auto last = last_reader_.find(id);
            last == last_reader_.end() || last->second <= part.back())
          return;
        (graph_.value(id).is_tensor ? segment->outputs : segment->numbers).push_back(id);
      });
    }
    std::vector<at::Tensor> tensors;
    for (const ValueId id : read) {
      if (made.contains(id) || graph_.constant(id) != nullptr) continue;
      const auto found = values_.find(id);
      if (found == values_.end()) continue;  // a missing input: the runner says so
      if (found->second.isTensor() && found->second.toTensor().requires_grad()) {
        segment->inputs.push_back(id);
        tensors.push_back(found->second.toTensor());
      } else {
        segment->other_inputs.push_back({id, found->second});
      }
    }
    const std::vector<at::Tensor> answers =
        tensors.empty() ? segment->run_all({})
                        : Recomputed::apply(at::TensorList(tensors), segment);
    for (std::size_t i = 0; i < segment->outputs.size(); ++i)
      values_[segment->outputs[i]] = answers[i];
    for (std::size_t i = 0; i < segment->numbers.size(); ++i)
      values_[segment->numbers[i]] = segment->number_values[i];
    for (const ValueId id : segment->outputs) show(id);
    std::erase_if(values_, [&](const auto& entry) {
      const auto last = last_reader_.find(entry.first);
      return last == last_reader_.end() || last->second <= part.back();
    });
    part.clear();
  }

  std::shared_ptr<const Runner> runner_;
  const Graph& graph_;
  std::vector<ValueId> wanted_;
  const RunSettings& settings_;
  std::map<ValueId, c10::IValue> values_;
  std::vector<int> nodes_;
  std::map<ValueId, int> last_reader_;
};

// A second run of any part gives what the first gave.
bool is_repeatable(const Graph& graph) {
  const Aliases aliases(graph);
  bool repeatable = std::ranges::none_of(graph.nodes(), is_random);
  for (std::size_t id = 0; id < graph.values().size(); ++id)
    repeatable = repeatable && !aliases.mutated(static_cast<ValueId>(id));
  return repeatable;
}

}  // namespace

RecomputingRunner::RecomputingRunner(std::shared_ptr<const Runner> inner)
    : inner_(std::move(inner)) {}

std::vector<c10::IValue> RecomputingRunner::run(std::span<const Feed> feeds,
                                                std::span<const ValueId> wanted,
                                                const RunSettings& settings) const {
  const bool sees_all = settings.observer != nullptr && settings.observer->values.empty();
  if (!settings.gradient || settings.segments <= 1 || sees_all || !is_repeatable(graph()))
    return inner_->run(feeds, wanted, settings);
  const at::AutoGradMode recording(true);
  return SegmentedRun(inner_, feeds, wanted, settings).run();
}

}  // namespace pellucid

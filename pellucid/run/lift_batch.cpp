// A fixed batch, lifted: verified as it is, else under a functorch vmap level, else sample by
// sample; and any batch sample by sample where data decides which way the graph goes.
//
// Sample-major form, in and out: a value whose first declared size is the batch has the batch
// there; any other value gets the samples as a new first dimension.
#include "pellucid/run/lift_batch.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/blocks.h"

namespace pellucid {
namespace {

using at::functorch::DynamicLayer;

// A batch equals its samples run one by one to float rounding; a different reduction order costs a
// few ulps of the largest value, a mixed batch costs all of it.
constexpr double same_answer = 1e-4;

class VmapLevel {
 public:
  explicit VmapLevel(std::int64_t size)
      : level_(at::functorch::initAndPushDynamicLayer(at::functorch::TransformType::Vmap,
                                                      c10::SymInt(size),
                                                      at::functorch::RandomnessType::Different)) {}
  ~VmapLevel() { at::functorch::popDynamicLayerAndDeleteMetadata(); }
  VmapLevel(const VmapLevel&) = delete;
  VmapLevel& operator=(const VmapLevel&) = delete;
  std::int64_t level() const { return level_; }

 private:
  std::int64_t level_;
};

// One run of one graph at a batch other than its own; a declared batch of any size is run in ones.
class Lift {
 public:
  Lift(const Runner& inner, std::span<const Feed> feeds, std::optional<std::int64_t> declared,
       std::int64_t batch)
      : inner_(inner),
        graph_(inner.graph()),
        declared_(declared),
        group_(declared.value_or(1)),
        batch_(batch),
        groups_((batch + group_ - 1) / group_) {
    for (const Feed& feed : feeds) {
      feeds_.push_back({feed.value, feed.data.isTensor() ? c10::IValue(grouped(feed)) : feed.data});
    }
  }

  std::vector<c10::IValue> by_vmap(std::span<const ValueId> wanted,
                                   const RunSettings& settings) const {
    const VmapLevel level(groups_);
    const auto wrap = [&](const at::Tensor& tensor) {
      return at::functorch::makeBatched(tensor, 0, level.level());
    };
    const auto unwrap = [&](const at::Tensor& tensor) {
      const auto* batched = at::functorch::maybeGetBatchedImpl(tensor);
      if (batched == nullptr || batched->level() != level.level()) return tensor.unsqueeze(0);
      return batched->value().movedim(batched->bdim(), 0);
    };
    std::vector<Feed> wrapped;
    for (const Feed& feed : feeds_) {
      wrapped.push_back(
          {feed.value, per_sample(feed) ? c10::IValue(wrap(feed.data.toTensor())) : feed.data});
    }
    Observer observer;
    RunSettings inside = settings;
    inside.segments = 1;  // a vmap level does not reach into what is computed again
    if (settings.observer != nullptr) {
      observer.values = settings.observer->values;
      observer.see = [&](ValueId id, const at::Tensor& tensor) {
        const auto* batched = at::functorch::maybeGetBatchedImpl(tensor);
        if (batched == nullptr) return tensor;  // the same for every sample
        const Outside outside;
        const at::Tensor shown = flat(id, unwrap(tensor));
        const at::Tensor answer = settings.observer->see(id, shown);
        return unchanged(answer, shown) ? tensor : wrap(grouped({id, answer}));
      };
      inside.observer = &observer;
    }
    std::vector<c10::IValue> answers = inner_.run(wrapped, wanted, inside);
    const Outside outside;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].isTensor()) continue;
      at::Tensor tensor = unwrap(answers[i].toTensor());
      if (tensor.size(0) != groups_) {
        std::vector<std::int64_t> sizes = tensor.sizes().vec();
        sizes[0] = groups_;
        tensor = tensor.expand(sizes);
      }
      answers[i] = flat(wanted[i], tensor);
    }
    return answers;
  }

  std::vector<c10::IValue> one_by_one(std::span<const ValueId> wanted,
                                      const RunSettings& settings) const {
    if (settings.observer != nullptr) return one_by_one_observed(wanted, settings);
    std::vector<std::vector<at::Tensor>> parts(wanted.size());
    std::vector<c10::IValue> answers;
    for (std::int64_t g = 0; g < groups_; ++g) {
      answers = inner_.run(group(g), wanted, settings);
      for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].isTensor()) parts[i].push_back(answers[i].toTensor());
      }
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].isTensor()) answers[i] = flat(wanted[i], at::stack(parts[i]));
    }
    return answers;
  }

 private:
  // While an observer looks at plain tensors, the vmap level must not see its work.
  class Outside {
   public:
    Outside() : saved_(at::functorch::popDynamicLayer()) {}
    ~Outside() { at::functorch::pushDynamicLayer(std::move(saved_)); }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    DynamicLayer saved_;
  };

  // A tensor without dimensions is the same for every sample.
  static bool per_sample(const Feed& feed) {
    return feed.data.isTensor() && feed.data.toTensor().dim() > 0;
  }

  // What was shown is another tensor than the run's: where it is part of a gradient it must take
  // the run's place.
  static bool unchanged(const at::Tensor& answer, const at::Tensor& shown) {
    return answer.is_same(shown) && !shown.requires_grad();
  }

  bool has_batch(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.is_tensor && !value.shape.empty() && value.shape[0] == declared_;
  }

  // [N, ...] → [groups, group, ...] or [groups, ...]; a last group that is not full is filled
  // with its last sample.
  at::Tensor grouped(const Feed& feed) const {
    at::Tensor data = feed.data.toTensor();
    if (!has_batch(feed.value)) return data;
    const std::int64_t missing = groups_ * group_ - data.size(0);
    if (missing > 0) {
      std::vector<std::int64_t> sizes = data.sizes().vec();
      sizes[0] = missing;
      data = at::cat({data, data.slice(0, data.size(0) - 1).expand(sizes)});
    }
    std::vector<std::int64_t> sizes = data.sizes().vec();
    sizes[0] = group_;
    sizes.insert(sizes.begin(), groups_);
    return data.reshape(sizes);
  }

  at::Tensor flat(ValueId id, const at::Tensor& grouped_data) const {
    if (!has_batch(id) || grouped_data.dim() < 2) return grouped_data;
    return grouped_data.flatten(0, 1).slice(0, 0, batch_);
  }

  std::vector<Feed> group(std::int64_t g) const {
    std::vector<Feed> one;
    for (const Feed& feed : feeds_) {
      one.push_back({feed.value, per_sample(feed) ? c10::IValue(feed.data.toTensor().select(0, g))
                                                  : feed.data});
    }
    return one;
  }

  // An observer is promised each value once, with all samples: a pass collects what it would see,
  // the observer is asked, and a later pass puts its answers in place. What depends on an answer is
  // collected anew before it is shown.
  std::vector<c10::IValue> one_by_one_observed(std::span<const ValueId> wanted,
                                               const RunSettings& settings) const {
    std::map<ValueId, std::vector<at::Tensor>> seen;
    std::map<ValueId, at::Tensor> replaced;
    std::vector<ValueId> order;
    std::vector<c10::IValue> answers;
    const auto pass = [&] {
      seen.clear();
      order.clear();
      std::int64_t now = 0;
      const Observer observer{settings.observer->values, [&](ValueId id, const at::Tensor& tensor) {
                                if (seen.find(id) == seen.end()) order.push_back(id);
                                seen[id].push_back(tensor);
                                const auto found = replaced.find(id);
                                return found == replaced.end() ? tensor
                                                               : found->second.select(0, now);
                              }};
      const RunSettings inside{&observer, settings.cancellation, settings.gradient,
                               settings.segments};
      std::vector<std::vector<at::Tensor>> parts(wanted.size());
      for (; now < groups_; ++now) {
        answers = inner_.run(group(now), wanted, inside);
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (answers[i].isTensor()) parts[i].push_back(answers[i].toTensor());
        }
      }
      for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].isTensor()) answers[i] = flat(wanted[i], at::stack(parts[i]));
      }
    };
    pass();
    bool outdated = false;
    for (std::size_t next = 0; next < order.size(); ++next) {
      if (outdated) pass();
      outdated = false;
      const ValueId id = order[next];
      const at::Tensor shown = flat(id, at::stack(seen[id]));
      const at::Tensor answer = settings.observer->see(id, shown);
      if (unchanged(answer, shown)) continue;
      replaced[id] = grouped({id, answer});
      outdated = true;
    }
    if (outdated) pass();
    return answers;
  }

  const Runner& inner_;
  const Graph& graph_;
  std::optional<std::int64_t> declared_;
  std::int64_t group_, batch_, groups_;
  std::vector<Feed> feeds_;
};

double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0.0 : tensor.abs().max().item<double>();
}

bool equal(const at::Tensor& a, const at::Tensor& b) {
  if (!a.sizes().equals(b.sizes())) return false;
  const at::Tensor wide_a = a.to(at::kDouble), wide_b = b.to(at::kDouble);
  return largest(wide_a - wide_b) <= same_answer * (1e-3 + largest(wide_a));
}

std::vector<ValueId> output_values(const Graph& graph) {
  std::vector<ValueId> values;
  for (const Output& output : graph.outputs()) {
    for_each_value(output.operand, [&](ValueId id) {
      if (graph.value(id).is_tensor && graph.constant(id) == nullptr) values.push_back(id);
    });
  }
  return values;
}

// Seeded, so that a run is the same each time and nobody else's random numbers move.
at::Tensor noise(at::IntArrayRef sizes) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(std::uint64_t{7}),
                   at::TensorOptions());
}

// Two batches of the declared size with distinct samples: the caller's where it has fed all inputs,
// else noise.
std::vector<std::vector<Feed>> distinct_samples(const Graph& graph, std::span<const Feed> feeds,
                                                std::int64_t declared) {
  std::vector<std::vector<Feed>> samples(2);
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    at::Tensor given;
    for (const Feed& feed : feeds) {
      if (feed.value == id && feed.data.isTensor()) given = feed.data.toTensor().detach();
    }
    std::vector<std::int64_t> sizes;
    for (const auto& size : value.shape) sizes.push_back(size.value_or(1));
    const at::ScalarType dtype = value.dtype.value_or(at::kFloat);
    for (std::int64_t s = 0; s < 2; ++s) {
      at::Tensor sample;
      if (given.defined() && given.dim() == 0) {
        sample = given;
      } else if (given.defined() && given.size(0) >= declared * (s + 1)) {
        sample = given.slice(0, declared * s, declared * (s + 1));
      } else if (given.defined()) {
        sample = given.index_select(0, at::arange(declared) % given.size(0));
        if (at::isFloatingType(sample.scalar_type())) {
          sample = sample + noise(sample.sizes()).to(sample.options());
        }
      } else {
        sample = at::isFloatingType(dtype) ? noise(sizes).to(dtype) : at::zeros(sizes, dtype);
      }
      samples[static_cast<std::size_t>(s)].push_back({id, sample});
    }
  }
  return samples;
}

}  // namespace

std::string_view to_string(BatchMode mode) {
  switch (mode) {
    case BatchMode::as_is:
      return "as it is";
    case BatchMode::verified:
      return "verified";
    case BatchMode::vmap:
      return "vmap";
    case BatchMode::loop:
      return "one by one";
  }
  return "";
}

DeclaredBatch declared_batch(const Graph& graph) {
  DeclaredBatch batch;
  bool first = true;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    if (!value.is_tensor || value.shape.empty()) continue;
    if (!first && value.shape[0] != batch.size) return {1, false};
    batch.size = value.shape[0];
    first = false;
  }
  return first ? DeclaredBatch{1, false} : batch;
}

BatchRunner::BatchRunner(std::shared_ptr<const Runner> inner)
    : inner_(std::move(inner)), branches_(!decided_by_data(inner_->graph()).empty()) {}

BatchMode BatchRunner::batch_mode() const {
  if (branches_) return BatchMode::loop;
  const std::lock_guard lock(mutex_);
  return mode_.value_or(BatchMode::as_is);
}

std::vector<c10::IValue> BatchRunner::run(std::span<const Feed> feeds,
                                          std::span<const ValueId> wanted,
                                          const RunSettings& settings) const {
  const DeclaredBatch declared = declared_batch(graph());
  std::int64_t batch = 0;
  for (const Feed& feed : feeds) {
    if (batch == 0 && feed.data.isTensor() && feed.data.toTensor().dim() > 0)
      batch = feed.data.toTensor().size(0);
  }
  if (!declared.shared || batch == 0 || batch == declared.size.value_or(branches_ ? 1 : batch))
    return inner_->run(feeds, wanted, settings);
  if (branches_) return Lift(*inner_, feeds, declared.size, batch).one_by_one(wanted, settings);
  BatchMode mode = BatchMode::loop;
  {
    const std::lock_guard lock(mutex_);
    if (!mode_) mode_ = find_mode(feeds, *declared.size);
    mode = *mode_;
  }
  if (mode == BatchMode::verified) return inner_->run(feeds, wanted, settings);
  const Lift lift(*inner_, feeds, *declared.size, batch);
  return mode == BatchMode::vmap ? lift.by_vmap(wanted, settings)
                                 : lift.one_by_one(wanted, settings);
}

BatchMode BatchRunner::find_mode(std::span<const Feed> feeds, std::int64_t declared) const {
  const at::NoGradGuard no_gradient;
  const std::vector<ValueId> outputs = output_values(graph());
  const auto samples = distinct_samples(graph(), feeds, declared);
  std::vector<Feed> both;
  for (std::size_t i = 0; i < samples[0].size(); ++i) {
    if (samples[0][i].data.toTensor().dim() == 0) {
      both.push_back(samples[0][i]);
      continue;
    }
    both.push_back({samples[0][i].value,
                    at::cat({samples[0][i].data.toTensor(), samples[1][i].data.toTensor()})});
  }
  // What the samples answer on their own is what any way of running them together must give.
  const Lift lift(*inner_, both, declared, 2 * declared);
  const std::vector<c10::IValue> truth = lift.one_by_one(outputs, {});
  const auto agrees = [&](const std::vector<c10::IValue>& answers) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!equal(truth[i].toTensor(), answers[i].toTensor())) return false;
    }
    return true;
  };
  try {
    if (agrees(inner_->run(both, outputs, {}))) return BatchMode::verified;
  } catch (const Error&) {  // a literal batch of one that a reshape insists on
  }
  try {
    if (agrees(lift.by_vmap(outputs, {}))) return BatchMode::vmap;
  } catch (const Error&) {  // an operator without a batching rule
  }
  return BatchMode::loop;
}

}  // namespace pellucid

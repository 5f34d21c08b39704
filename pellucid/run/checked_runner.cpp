#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"
#include "pellucid/run/executor.h"

namespace pellucid {
namespace {

double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0.0 : tensor.detach().to(at::kDouble).abs().max().item<double>();
}

void compare(const std::string& name, const at::Tensor& plain, const at::Tensor& rewritten,
             double tolerance) {
  if (!plain.sizes().equals(rewritten.sizes())) {
    throw internal_error("the rewritten graph gives another shape").at("value " + name);
  }
  if (plain.is_complex()) return;
  const double scale = 1.0 + largest(plain);
  const double difference =
      largest(plain.detach().to(at::kDouble) - rewritten.detach().to(at::kDouble));
  if (!(difference <= tolerance * scale)) {
    throw internal_error("the rewritten graph differs by " + number(difference) + " where " +
                         number(tolerance * scale) + " is allowed")
        .at("value " + name);
  }
}

bool watches(const Observer* observer, ValueId id) {
  return observer != nullptr && (observer->values.empty() ||
                                 std::ranges::find(observer->values, id) != observer->values.end());
}

}  // namespace

CheckedRunner::CheckedRunner(std::shared_ptr<const Runner> plain,
                             std::shared_ptr<const Runner> rewritten, double tolerance)
    : plain_(std::move(plain)), rewritten_(std::move(rewritten)), tolerance_(tolerance) {}

std::vector<c10::IValue> CheckedRunner::run(std::span<const Feed> feeds,
                                            std::span<const ValueId> wanted,
                                            const RunSettings& settings) const {
  // What the caller puts in a value's place stands in both runs.
  std::map<std::string, at::Tensor> seen, replaced;
  const Observer keep{{}, [&](ValueId id, const at::Tensor& tensor) {
                        const std::string& name = graph().value(id).name;
                        seen[name] = tensor.detach().clone();
                        if (!watches(settings.observer, id)) return tensor;
                        at::Tensor answer = settings.observer->see(id, tensor);
                        if (!answer.is_same(tensor)) replaced[name] = answer;
                        return answer;
                      }};
  RunSettings watched = settings;
  watched.observer = &keep;
  auto answers = plain_->run(feeds, wanted, watched);

  const Graph& other = rewritten_->graph();
  std::vector<Feed> same_feeds;
  for (const Feed& feed : feeds) {
    const ValueId there = other.find(graph().value(feed.value).name);
    if (there == no_value)
      throw internal_error("the rewritten graph lacks a value").at(graph().value(feed.value).name);
    same_feeds.push_back({there, feed.data});
  }
  std::vector<ValueId> same_wanted;
  for (const ValueId id : wanted) {
    const ValueId there = other.find(graph().value(id).name);
    if (there == no_value)
      throw internal_error("the rewritten graph lacks a value").at(graph().value(id).name);
    same_wanted.push_back(there);
  }
  const Observer check{{}, [&](ValueId id, const at::Tensor& tensor) {
                         const auto found = seen.find(other.value(id).name);
                         if (found == seen.end()) return tensor;
                         compare(found->first, found->second, tensor, tolerance_);
                         const auto put = replaced.find(found->first);
                         return put == replaced.end() ? tensor : put->second;
                       }};
  watched.observer = &check;
  rewritten_->run(same_feeds, same_wanted, watched);
  return answers;
}

}  // namespace pellucid

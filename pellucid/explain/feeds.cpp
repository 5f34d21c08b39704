#include "pellucid/explain/feeds.h"

#include <ATen/ops/cat.h>

#include "pellucid/base/error.h"

namespace pellucid {

at::Tensor ordinary(const at::Tensor& tensor) {
  return tensor.is_inference() ? tensor.clone() : tensor;
}

std::vector<Feed> slice(std::span<const Feed> feeds, std::int64_t begin, std::int64_t end) {
  std::vector<Feed> parts;
  for (const Feed& feed : feeds)
    parts.push_back({feed.value, feed.data.toTensor().slice(0, begin, end)});
  return parts;
}

std::vector<Feed> feeds_of(std::span<const ValueId> values, std::span<const at::Tensor> tensors) {
  if (values.size() != tensors.size()) {
    throw internal_error("the probe got " + std::to_string(tensors.size()) + " tensors for " +
                         std::to_string(values.size()) + " values");
  }
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < values.size(); ++i)
    feeds.push_back({values[i], ordinary(tensors[i])});
  return feeds;
}

std::int64_t batch_of(std::span<const Feed> feeds) { return feeds[0].data.toTensor().size(0); }

std::vector<at::Tensor> joined(const std::vector<std::vector<at::Tensor>>& parts) {
  std::vector<at::Tensor> whole;
  for (const auto& part : parts) whole.push_back(part.size() == 1 ? part.front() : at::cat(part));
  return whole;
}

}  // namespace pellucid

// Tensors as feeds of a model call, cut along the samples and joined again.
#pragma once

#include <span>
#include <vector>

#include "pellucid/run/executor.h"

namespace pellucid {

// Autograd refuses tensors made in inference mode; a copy made outside is an ordinary one.
at::Tensor ordinary(const at::Tensor& tensor);

// Throws Error (Fault::internal) when their numbers differ.
std::vector<Feed> feeds_of(std::span<const ValueId> values, std::span<const at::Tensor> tensors);
std::int64_t batch_of(std::span<const Feed> feeds);
std::vector<Feed> slice(std::span<const Feed> feeds, std::int64_t begin, std::int64_t end);

// Per value the parts that its samples came in, as one tensor.
std::vector<at::Tensor> joined(const std::vector<std::vector<at::Tensor>>& parts);

}  // namespace pellucid

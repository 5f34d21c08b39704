// Rewrites of a graph that have to run parts of it, or that change its numbers' type or place.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// Nodes that do not depend on an input are computed now, in program order, and become constants.
std::shared_ptr<const Graph> fold_constants(std::shared_ptr<const Graph> graph);

// Batch norm in evaluation mode becomes a scale and a shift by constants, under the name of its
// result, so that torch's defective CPU backward of batch norm is never used; instance norm gets
// contiguous operands.
std::shared_ptr<const Graph> rewrite_norms(const std::shared_ptr<const Graph>& graph);

// For speed: a scale and shift that alone follows a convolution or linear layer is folded into its
// weights (the value between the two disappears). Other values keep their names and, to rounding,
// their numbers.
std::shared_ptr<const Graph> fold_batch_norm(const std::shared_ptr<const Graph>& graph);

// For speed, on the CPU: two-dimensional convolutions by constants keep their weights in the layout
// that the processor's kernels want, for both directions, and the pictures between them have their
// channels last. Values keep their names and, to rounding, their numbers, but not their strides; a
// graph that reads strides is returned as it is. With rectifiers fused, what lies between a
// convolution and the ReLU after it (a sum with a shortcut, too) disappears.
enum class Rectifiers { apart, fused };
std::shared_ptr<const Graph> freeze_convolutions(std::shared_ptr<const Graph> graph,
                                                 Rectifiers rectifiers);

// For speed: where one position of a value is selected (a class token), the operators before it
// that treat every position by itself compute that one only. What they made of the others
// disappears, with their values' names.
std::shared_ptr<const Graph> select_early(std::shared_ptr<const Graph> graph);

// For speed: linear layers read their input as one matrix, copied where it is a transposed view.
// Values keep their names and, to rounding, their numbers.
std::shared_ptr<const Graph> contiguous_rows(std::shared_ptr<const Graph> graph);

// For the gradient's check: fake quantisation by constants becomes a clamp to its range, through
// which the same gradient passes but at its very edges. The graph itself where there is none.
std::shared_ptr<const Graph> without_rounding(const std::shared_ptr<const Graph>& graph);

// Floating-point constants and dtype literals become `dtype`; devices of constants and literals
// become `device`.
std::shared_ptr<const Graph> with_dtype(const std::shared_ptr<const Graph>& graph,
                                        at::ScalarType dtype);
std::shared_ptr<const Graph> with_device(const std::shared_ptr<const Graph>& graph,
                                         at::Device device);

}  // namespace pellucid

// Is the gradient right? Autograd is not always (torch 2.13's CPU batch norm at batch 1), so each
// model is tried once: its gradient against differences of its own forward in float64,
// along random directions.
#pragma once

#include <optional>
#include <span>

#include "pellucid/base/json.h"
#include "pellucid/base/progress.h"
#include "pellucid/run/executor.h"

namespace pellucid {

struct GradientCheck {
  double error =
      0;  // largest |g·d − Δ| / max(‖g‖, ‖Δ‖) over the directions, ‖·‖ their root mean square
  int directions = 0;
  bool flat = false;  // the outputs do not change along any direction: nothing could be checked
  double threshold = usual_threshold;
  // The model rounds (fake quantisation) and gradients pass straight through: its gradient was
  // checked with the rounding left out.
  bool without_rounding = false;
  bool passed() const { return !flat && error <= threshold; }

  // Float32 rounding and kinks that the step crosses stay below a hundredth; a wrong backward is
  // off by its own size.
  static constexpr double usual_threshold = 0.02;
};

// What rounding alone may reach: more where the graph computes in fewer digits (bfloat16 networks
// were met with errors of 0.08 to 0.24, float16 with 0.005).
double gradient_threshold(const Graph& graph);

// `runner` is what answers; `graph` is the graph that it was made from. `inputs`: one sample of
// every input, in order. What is differentiated is a fixed random combination of all floating-point
// outputs. Throws Error (Fault::model) when the model has no real-valued input or output, or can't
// run in float64.
GradientCheck check_gradient(const Runner& runner, std::shared_ptr<const Graph> graph,
                             std::span<const at::Tensor> inputs,
                             const Cancellation* cancellation = nullptr);

Json to_json(const GradientCheck& check);

// Where the model itself cuts its gradient (torch.no_grad, detach): the first such node, with its
// source line; empty when nowhere. Such a gradient differs from the forward's change by the
// author's will.
std::string gradient_cut(const Graph& graph);

// The result kept for a model of that SHA-256 in the user's cache; nullopt: none for this version
// of LibTorch.
std::optional<GradientCheck> cached_gradient_check(std::string_view fingerprint);
void keep_gradient_check(std::string_view fingerprint, const GradientCheck& check);

}  // namespace pellucid

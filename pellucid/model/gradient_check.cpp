// Differences (f(x + hd) − f(x)) / h in float64. Real networks have so many kinks that only a tiny
// h stays on one linear piece: on EfficientNet-Lite0 (ReLU6) h = 1e-5 errs by 2 %, 1e-8 by 1e-4,
// and float64 still has seven digits to spare there. A central difference would err less by the
// curvature, which at such an h nobody sees, and costs half as many runs again.
#include "pellucid/model/gradient_check.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <cmath>

#include "pellucid/base/error.h"
#include "pellucid/base/user_cache.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

constexpr int directions = 3;

// Of the ways by which the engine comes to a gradient. To be raised when they change: what was
// found of the old ones says nothing of the new.
constexpr int engine_revision = 5;

std::vector<ValueId> real_outputs(const Graph& graph) {
  std::vector<ValueId> values;
  for (const Output& output : graph.outputs()) {
    if (!output.operand.is_value()) continue;
    const Value& value = graph.value(output.operand.value());
    const bool constant = graph.constant(output.operand.value()) != nullptr;
    if (value.is_tensor && !constant && value.dtype && at::isFloatingType(*value.dtype)) {
      values.push_back(output.operand.value());
    }
  }
  return values;
}

at::Tensor random(at::IntArrayRef sizes, at::Generator& generator) {
  return at::randn(sizes, generator, at::TensorOptions().dtype(at::kDouble));
}

// The largest step between two numbers near 1 of any type that values of the graph have.
double coarsest_step(const Graph& graph) {
  double coarsest = 0;
  for (const Value& value : graph.values()) {
    if (value.dtype == at::kBFloat16) coarsest = std::max(coarsest, 0x1p-7);
    if (value.dtype == at::kHalf) coarsest = std::max(coarsest, 0x1p-10);
  }
  for (const Node& node : graph.nodes()) {
    for (const auto& body : node.bodies) coarsest = std::max(coarsest, coarsest_step(*body));
  }
  return coarsest;
}

class GradientChecker {
 public:
  GradientChecker(const Runner& runner, std::shared_ptr<const Graph> graph,
                  std::span<const at::Tensor> inputs, const Cancellation* cancellation)
      : runner_(runner),
        exact_(with_dtype(std::move(graph), at::kDouble)),
        inputs_(inputs.begin(), inputs.end()),
        cancellation_(cancellation),
        generator_(at::make_generator<at::CPUGeneratorImpl>(std::uint64_t{20})) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (at::isFloatingType(inputs_[i].scalar_type())) real_.push_back(i);
    }
    if (real_.empty() || real_outputs(runner_.graph()).empty()) {
      throw model_error("the model has no real-valued input or output, so it has no gradient");
    }
  }

  // Where a unit lies within float32's rounding of its kink, the gradient is that of the kink's
  // other side, through nobody's fault: of few units one is enough to fail. It is a coincidence of
  // the point, a wrong gradient is not.
  GradientCheck run() {
    constexpr int points = 3;
    constexpr double moved = 1e-3;  // of the largest input
    GradientCheck best = run_here();
    const auto doubtful = [&] { return !best.passed() && !best.flat && std::isfinite(best.error); };
    for (int point = 1; point < points && doubtful(); ++point) {
      for (const std::size_t i : real_) {
        const at::Tensor& input = inputs_[i];
        const double size = std::max(input.abs().max().item<double>(), 1e-30);
        const at::Tensor aside = random(input.sizes(), generator_).to(input.device());
        inputs_[i] = (input.to(at::kDouble) + aside * (moved * size)).to(input.scalar_type());
      }
      const GradientCheck check = run_here();
      if (check.error < best.error && !check.flat) best = check;
    }
    return best;
  }

 private:
  GradientCheck run_here() {
    const std::vector<at::Tensor> gradients = gradient();
    double by_gradient[directions], by_difference[directions];
    const double value = value_at({}, 0);
    for (int k = 0; k < directions; ++k) {
      std::vector<at::Tensor> direction;
      by_gradient[k] = 0;
      double size = 0;
      for (std::size_t i = 0; i < real_.size(); ++i) {
        const at::Tensor& input = inputs_[real_[i]];
        direction.push_back(random(input.sizes(), generator_).to(input.device()));
        by_gradient[k] += (gradients[i].to(at::kDouble) * direction[i]).sum().item<double>();
        size = std::max(size, input.abs().max().item<double>());
      }
      const double step = 1e-8 * std::max(size, 1.0);
      by_difference[k] = (value_at(direction, step) - value) / step;
    }
    GradientCheck check;
    check.directions = directions;
    double gradient_size = 0, difference_size = 0, largest = 0;
    for (int k = 0; k < directions; ++k) {
      gradient_size += by_gradient[k] * by_gradient[k] / directions;
      difference_size += by_difference[k] * by_difference[k] / directions;
      largest = std::max(largest, std::abs(by_gradient[k] - by_difference[k]));
    }
    const double size = std::sqrt(std::max(gradient_size, difference_size));
    check.flat = !(size > 1e-20);
    check.error = check.flat ? 0 : largest / size;
    if (std::isnan(largest)) check = {INFINITY, directions};
    check.threshold = gradient_threshold(runner_.graph());
    return check;
  }

  // Σ over outputs of weights · output; the weights are drawn at the first call and kept.
  at::Tensor combine(const std::vector<c10::IValue>& outputs) {
    at::Tensor sum;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const at::Tensor output = outputs[i].toTensor();
      if (weights_.size() <= i)
        weights_.push_back(random(output.sizes(), generator_).to(output.device()));
      const at::Tensor term = (output * weights_[i].to(output.scalar_type())).sum();
      sum = sum.defined() ? sum + term : term;
    }
    return sum;
  }

  std::vector<at::Tensor> gradient() {
    std::vector<Feed> feeds;
    std::vector<at::Tensor> leaves;
    const at::AutoGradMode recording(true);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      at::Tensor input = inputs_[i].is_inference() ? inputs_[i].clone() : inputs_[i];
      if (std::find(real_.begin(), real_.end(), i) != real_.end()) {
        input = input.detach().requires_grad_(true);
        leaves.push_back(input);
      }
      feeds.push_back({runner_.graph().inputs()[i], input});
    }
    const auto outputs =
        runner_.run(feeds, real_outputs(runner_.graph()), {nullptr, cancellation_, true});
    const at::Tensor value = combine(outputs);
    std::vector<at::Tensor> gradients(leaves.size());
    if (value.requires_grad()) {
      try {
        gradients =
            torch::autograd::grad({value}, leaves, {}, std::nullopt, false, /*allow_unused=*/true);
      } catch (const c10::Error& error) {
        throw model_error("the gradient can't be computed: " +
                          first_line(error.what_without_backtrace()));
      }
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (!gradients[i].defined()) gradients[i] = leaves[i].detach() * 0;
    }
    return gradients;
  }

  // The combination `step` along the direction (per real input); at the inputs where step is 0.
  double value_at(const std::vector<at::Tensor>& direction, double step) {
    std::vector<Feed> feeds;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      feeds.push_back({exact_.graph().inputs()[i], inputs_[i]});
    for (std::size_t i = 0; i < real_.size(); ++i) {
      at::Tensor point = inputs_[real_[i]].to(at::kDouble);
      if (step != 0) point = point + direction[i] * step;
      feeds[real_[i]].data = point;
    }
    return combine(exact_.run(feeds, real_outputs(exact_.graph()), {nullptr, cancellation_, false}))
        .item<double>();
  }

  const Runner& runner_;
  Executor exact_;
  std::vector<at::Tensor> inputs_;
  std::vector<std::size_t> real_;
  const Cancellation* cancellation_;
  at::Generator generator_;
  std::vector<at::Tensor> weights_;
};

}  // namespace

double gradient_threshold(const Graph& graph) {
  constexpr double steps = 48;  // that networks' roundings add up to
  return std::max(GradientCheck::usual_threshold, steps * coarsest_step(graph));
}

GradientCheck check_gradient(const Runner& runner, std::shared_ptr<const Graph> graph,
                             std::span<const at::Tensor> inputs, const Cancellation* cancellation) {
  const auto smooth = without_rounding(graph);
  if (smooth == graph) return GradientChecker(runner, std::move(graph), inputs, cancellation).run();
  const Executor plain(smooth);
  GradientCheck check = GradientChecker(plain, smooth, inputs, cancellation).run();
  check.without_rounding = true;
  return check;
}

Json to_json(const GradientCheck& check) {
  Json document = {{"error", check.error},           {"threshold", check.threshold},
                   {"directions", check.directions}, {"flat", check.flat},
                   {"passed", check.passed()},       {"libtorch", TORCH_VERSION},
                   {"engine", engine_revision}};
  if (check.without_rounding) document["without_rounding"] = true;
  return document;
}

std::string gradient_cut(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    bool cuts = node.op.starts_with("aten::detach");
    for (const auto& body : node.bodies) cuts = cuts || !gradient_cut(*body).empty();
    if (!cuts) continue;
    return node.name + (node.origin.source.empty() ? "" : ", " + node.origin.source);
  }
  return {};
}

std::optional<GradientCheck> cached_gradient_check(std::string_view fingerprint) {
  const auto kept = read_cached("gradient", fingerprint);
  if (!kept || !kept->is_object()) return std::nullopt;
  try {
    if (kept->at("libtorch") != TORCH_VERSION || kept->at("engine") != engine_revision)
      return std::nullopt;
    return GradientCheck{kept->at("error").get<double>(), kept->at("directions").get<int>(),
                         kept->at("flat").get<bool>(), kept->at("threshold").get<double>(),
                         kept->value("without_rounding", false)};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

void keep_gradient_check(std::string_view fingerprint, const GradientCheck& check) {
  if (std::isfinite(check.error)) write_cached("gradient", fingerprint, to_json(check));
}

}  // namespace pellucid

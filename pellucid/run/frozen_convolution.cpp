// oneDNN reorders a convolution's weights at every call, which at batch 1 is a good part of its
// cost. Weights that never change are reordered once here, for the pass forward and for the pass
// back, which is the transposed convolution by the same weights.
#include "pellucid/run/frozen_convolution.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/hardtanh_backward.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <mutex>

#include "pellucid/base/error.h"
#include "pellucid/run/memory.h"

namespace pellucid {
namespace {

using Sizes = std::vector<std::int64_t>;
using Scalars = torch::List<std::optional<at::Scalar>>;
using Bias = std::optional<at::Tensor>;
using Forward = at::Tensor(const at::Tensor&, const at::Tensor&, const Bias&, at::IntArrayRef,
                           at::IntArrayRef, at::IntArrayRef, std::int64_t, std::string_view,
                           Scalars, std::optional<std::string_view>);
using Backward = at::Tensor(const at::Tensor&, const at::Tensor&, const Bias&, at::IntArrayRef,
                            at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, std::int64_t,
                            std::string_view, Scalars, std::optional<std::string_view>);
using ForwardWithSum = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                  const Bias&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                                  std::int64_t, std::string_view, std::optional<at::Scalar>,
                                  std::optional<std::string_view>, Scalars,
                                  std::optional<std::string_view>);
using PackForward = at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                               std::int64_t, at::OptionalIntArrayRef);
using PackBackward = at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef,
                                at::IntArrayRef, at::IntArrayRef, std::int64_t,
                                at::OptionalIntArrayRef);

template <class Signature>
c10::TypedOperatorHandle<Signature> operator_named(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

// Packed weights by the sizes of what they are applied to: the layout depends on the batch. Two are
// kept, since an explanation asks with one sample and with a chunk of them.
class Packed {
 public:
  template <class Pack>
  at::Tensor of(at::IntArrayRef sizes, const Pack& pack) {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) {
      if (sizes == entry.sizes) return entry.weight;
    }
    if (entries_.size() == 2) entries_.erase(entries_.begin());
    // The gradient's runs use what an inference run may have made.
    const c10::InferenceMode ordinary(false);
    const at::NoGradGuard no_gradient;
    const ModelMemory stays;
    entries_.push_back({sizes.vec(), pack()});
    return entries_.back().weight;
  }

 private:
  struct Entry {
    Sizes sizes;
    at::Tensor weight;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

struct Weights {
  at::Tensor weight;
  Bias bias;
};

// Shared with the gradients that are still to run: they may outlive the graph.
struct Convolution : torch::CustomClassHolder {
  Convolution(ConvolutionGeometry given, Rectifier rectified)
      : geometry(std::move(given)), rectifier(rectified) {}

  // rectifier(convolution(x) + summand)
  at::Tensor forward(const at::Tensor& x, const Weights& weights,
                     const std::optional<at::Tensor>& summand) {
    static const auto pack = operator_named<PackForward>("mkldnn::_reorder_convolution_weight");
    static const auto convolve = operator_named<Forward>("mkldnn::_convolution_pointwise");
    static const auto convolve_and_add =
        operator_named<ForwardWithSum>("mkldnn::_convolution_pointwise", "binary");
    const at::Tensor own = packed_forward.of(x.sizes(), [&] {
      return pack.call(weights.weight, geometry.padding, geometry.stride, geometry.dilation,
                       geometry.groups, x.sizes());
    });
    const auto& [stride, padding, dilation, groups] = geometry;
    const Bias& bias = weights.bias;
    const at::Tensor last = x.contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor answer =
        summand ? convolve_and_add.call(last, summand->contiguous(at::MemoryFormat::ChannelsLast),
                                        own, bias, padding, stride, dilation, groups, "add", 1,
                                        std::nullopt, Scalars(), std::nullopt)
                : convolve.call(last, own, bias, padding, stride, dilation, groups, "none",
                                Scalars(), "");
    return rectified(std::move(answer));
  }

  // In place, by the operators themselves: oneDNN's own rectifiers turn NaN into 0.
  at::Tensor rectified(at::Tensor sum) const {
    switch (rectifier) {
      case Rectifier::none:
        return sum;
      case Rectifier::relu:
        return at::relu_(sum);
      case Rectifier::relu6:
        return at::hardtanh_(sum, 0, 6);
    }
    throw internal_error("no such rectifier");
  }

  // The gradient of the sum that the rectifier sees: both rectifiers' slopes show in what they
  // gave.
  at::Tensor before_rectifier(const at::Tensor& gradient, const at::Tensor& answer) const {
    switch (rectifier) {
      case Rectifier::none:
        return gradient;
      case Rectifier::relu:
        return at::threshold_backward(gradient, answer, 0);
      case Rectifier::relu6:
        return at::hardtanh_backward(gradient, answer, 0, 6);
    }
    throw internal_error("no such rectifier");
  }

  // The gradient of the input, of `sizes`, from that of the convolution's answer.
  at::Tensor backward(const at::Tensor& gradient, const at::Tensor& weight, at::IntArrayRef sizes) {
    const auto& [stride, padding, dilation, groups] = geometry;
    Sizes rest;  // the rows and columns that the stride left over
    for (std::size_t i = 0; i < 2; ++i) {
      const auto d = static_cast<std::int64_t>(i) + 2;
      rest.push_back(sizes[i + 2] - ((gradient.size(d) - 1) * stride[i] - 2 * padding[i] +
                                     dilation[i] * (weight.size(d) - 1) + 1));
    }
    // Who differentiates the gradient once more needs an operator that autograd knows.
    if (c10::GradMode::is_enabled()) {
      return at::conv_transpose2d(gradient, weight, {}, stride, padding, rest, groups, dilation);
    }
    static const auto pack =
        operator_named<PackBackward>("mkldnn::_reorder_convolution_transpose_weight");
    static const auto convolve =
        operator_named<Backward>("mkldnn::_convolution_transpose_pointwise");
    const at::Tensor own = packed_backward.of(gradient.sizes(), [&] {
      return pack.call(weight, geometry.padding, rest, geometry.stride, geometry.dilation,
                       geometry.groups, gradient.sizes());
    });
    return convolve.call(gradient.contiguous(at::MemoryFormat::ChannelsLast), own, {}, padding,
                         rest, stride, dilation, groups, "none", Scalars(), "");
  }

  const ConvolutionGeometry geometry;
  const Rectifier rectifier;
  Packed packed_forward, packed_backward;
};

using SharedConvolution = c10::intrusive_ptr<Convolution>;

class Differentiable : public torch::autograd::Function<Differentiable> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& summand, const Weights& weights,
                            const SharedConvolution& convolution) {
    context->saved_data["convolution"] = c10::IValue::make_capsule(convolution);
    context->saved_data["weight"] = weights.weight;
    context->saved_data["sizes"] = x.sizes();
    context->saved_data["summed"] = summand.has_value();
    at::Tensor answer = convolution->forward(x, weights, summand);
    if (convolution->rectifier != Rectifier::none) context->save_for_backward({answer});
    return answer;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto held = context->saved_data["convolution"].toCapsule();
    auto& convolution = static_cast<Convolution&>(*held);
    const at::Tensor weight = context->saved_data["weight"].toTensor();
    const Sizes sizes = context->saved_data["sizes"].toIntVector();
    at::Tensor gradient = gradients[0];
    if (convolution.rectifier != Rectifier::none)
      gradient = convolution.before_rectifier(gradient, context->get_saved_variables()[0]);
    at::Tensor of_x, of_summand;
    if (context->needs_input_grad(0)) of_x = convolution.backward(gradient, weight, sizes);
    const bool summed = context->saved_data["summed"].toBool();
    if (summed && context->needs_input_grad(1)) of_summand = gradient;
    return {of_x, of_summand, {}, {}};
  }
};

class FrozenConvolution final : public Kernel {
 public:
  FrozenConvolution(ConvolutionGeometry geometry, Rectifier rectifier)
      : convolution_(c10::make_intrusive<Convolution>(std::move(geometry), rectifier)) {}

  at::Tensor run(std::span<const c10::IValue> operands) const override {
    const at::Tensor x = operands[0].toTensor();
    const Weights weights{operands[1].toTensor(), operands[2].toOptional<at::Tensor>()};
    std::optional<at::Tensor> summand;
    if (operands.size() > 3) summand = operands[3].toTensor();
    if (!fits(x, weights.weight, summand)) return plainly(x, weights, summand);
    const bool differentiable =
        c10::GradMode::is_enabled() && (x.requires_grad() || (summand && summand->requires_grad()));
    return differentiable ? Differentiable::apply(x, summand, weights, convolution_)
                          : convolution_->forward(x, weights, summand);
  }

 private:
  static bool is_plain(const at::Tensor& tensor) {
    return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 4 &&
           tensor.layout() == at::kStrided && tensor.numel() > 0 &&
           !tensor.key_set().has(c10::DispatchKey::FuncTorchBatched);
  }

  bool fits(const at::Tensor& x, const at::Tensor& weight,
            const std::optional<at::Tensor>& summand) const {
    const auto& [stride, padding, dilation, groups] = convolution_->geometry;
    if (at::autocast::is_autocast_enabled(at::kCPU) || !is_plain(x) ||
        x.size(1) != weight.size(1) * groups)
      return false;
    Sizes answer = {x.size(0), weight.size(0)};
    for (std::size_t i = 0; i < 2; ++i) {
      const auto d = static_cast<std::int64_t>(i) + 2;
      const std::int64_t room = x.size(d) + 2 * padding[i] - dilation[i] * (weight.size(d) - 1) - 1;
      if (room < 0) return false;
      answer.push_back(room / stride[i] + 1);
    }
    return !summand || (is_plain(*summand) && summand->sizes() == at::IntArrayRef(answer));
  }

  // The operators themselves; they also say what is wrong with a picture that does not fit.
  at::Tensor plainly(const at::Tensor& x, const Weights& weights,
                     const std::optional<at::Tensor>& summand) const {
    const auto& [stride, padding, dilation, groups] = convolution_->geometry;
    at::Tensor answer =
        at::conv2d(x, weights.weight, weights.bias, stride, padding, dilation, groups);
    return convolution_->rectified(summand ? answer + *summand : answer);
  }

  SharedConvolution convolution_;
};

}  // namespace

bool can_freeze_convolutions() {
  // They are LibTorch's own affair and may change with its version: tried once, on one pixel.
  static const bool answers = [] {
    if (!at::globalContext().userEnabledMkldnn()) return false;
    try {
      const at::NoGradGuard no_gradient;
      const at::Tensor two = at::full({1, 1, 1, 1}, 2.0);
      const ConvolutionGeometry pixel{{1, 1}, {0, 0}, {1, 1}, 1};
      const auto with = [&](Rectifier rectifier, double x,
                            const std::optional<at::Tensor>& summand) {
        return Convolution(pixel, rectifier)
            .forward(at::full({1, 1, 1, 1}, x), {two, at::ones({1})}, summand)
            .item<float>();
      };
      Convolution convolution(pixel, Rectifier::none);
      return with(Rectifier::none, -2, {}) == -3 && with(Rectifier::relu, -2, {}) == 0 &&
             with(Rectifier::relu, -2, two * 2) == 1 && with(Rectifier::relu6, 4, {}) == 6 &&
             convolution.backward(two, two, two.sizes()).item<float>() == 4;
    } catch (const c10::Error&) {
      return false;
    }
  }();
  return answers;
}

std::shared_ptr<const Kernel> frozen_convolution(ConvolutionGeometry geometry,
                                                 Rectifier rectifier) {
  return std::make_shared<FrozenConvolution>(std::move(geometry), rectifier);
}

}  // namespace pellucid

// The recorded sample where there is one; else numbers of the declared sizes.
#include "pellucid/model/trial_inputs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

// Numbers that are the same everywhere and look like pixels after preprocessing: the fractional
// parts of multiples of the golden ratio. Whole numbers are 0, which every table of tokens has.
at::Tensor made_up(at::IntArrayRef sizes, at::ScalarType dtype) {
  if (!at::isFloatingType(dtype)) return at::zeros(sizes, dtype);
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  const at::Tensor steps = at::arange(count, at::kDouble) * 0.6180339887498949;
  return (steps.frac() * 2 - 1).reshape(sizes).to(dtype);
}

// The side that the preprocessing gives a picture; of a resize that keeps the aspect, a square's.
std::optional<std::int64_t> pictured(const InputInfo& info, std::size_t dimension) {
  if (!info.preprocessing) return std::nullopt;
  const Preprocessing& wanted = *info.preprocessing;
  if (!wanted.crop && wanted.resize == Preprocessing::Resize::none) return std::nullopt;
  const Size size = wanted.crop.value_or(wanted.size);
  const std::size_t rows = wanted.layout == Preprocessing::Layout::nchw ? 2 : 1;
  if (dimension == rows) return size.height;
  if (dimension == rows + 1) return size.width;
  return std::nullopt;
}

at::Tensor made_up(const Value& value, const InputInfo& info) {
  constexpr std::int64_t most = std::int64_t{1} << 28;
  std::vector<std::int64_t> sizes;
  std::int64_t count = 1;
  for (std::size_t d = 0; d < value.shape.size(); ++d) {
    const auto guessed = value.shape[d] ? value.shape[d] : pictured(info, d);
    // An open batch is one sample; of an open length nothing is known.
    sizes.push_back(guessed ? *guessed : d == 0 ? 1 : info.kind == InputKind::image ? 64 : 8);
    if (__builtin_mul_overflow(count, sizes.back(), &count) || count > most)
      throw model_error("the input \"" + value.name + "\" is too large to try the model with");
  }
  return made_up(sizes, value.dtype.value_or(at::kFloat));
}

}  // namespace

std::vector<at::Tensor> trial_inputs(const Model& model) {
  std::vector<at::Tensor> inputs;
  const Graph& graph = *model.graph;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& value = graph.value(graph.inputs()[i]);
    if (!value.is_tensor) {
      throw model_error("the input \"" + value.name + "\" is a number, no tensor")
          .hint("export the model with that number fixed");
    }
    const InputInfo& info = model.metadata.inputs[i];
    const SampleTensor* recorded = nullptr;
    if (model.metadata.sample) {
      for (const SampleTensor& each : model.metadata.sample->inputs)
        if (each.name == info.name) recorded = &each;
    }
    inputs.push_back(recorded != nullptr ? recorded->data : made_up(value, info));
  }
  return inputs;
}

}  // namespace pellucid

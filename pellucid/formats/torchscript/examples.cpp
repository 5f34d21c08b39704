// Pictures are by far the most; the first layer's weights say how many channels they have, and
// whether it is pictures at all.
#include "pellucid/formats/torchscript/examples.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "pellucid/model/metadata.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

constexpr std::int64_t most_elements = std::int64_t{1} << 28;

at::Tensor tensor_of(const std::vector<std::int64_t>& shape, at::ScalarType dtype) {
  if (!at::isFloatingType(dtype)) return at::zeros(shape, at::TensorOptions().dtype(dtype));
  return at::randn(shape, at::detail::createCPUGenerator(1), at::TensorOptions().dtype(at::kFloat))
      .to(dtype);
}

std::string in_words(const std::vector<std::int64_t>& shape) {
  std::string words;
  for (const std::int64_t size : shape)
    words += (words.empty() ? "" : " x ") + std::to_string(size);
  return words;
}

// Changes every tensor in the value.
template <class Change>
c10::IValue mapped(const c10::IValue& value, const Change& change) {
  if (value.isTensor()) return change(value.toTensor());
  if (value.isTuple()) {
    std::vector<c10::IValue> items;
    for (const c10::IValue& item : value.toTupleRef().elements())
      items.push_back(mapped(item, change));
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (value.isTensorList()) {
    c10::List<at::Tensor> items;
    for (const c10::IValue& item : value.toListRef()) items.push_back(change(item.toTensor()));
    return items;
  }
  if (value.isGenericDict()) {
    const auto given = value.toGenericDict();
    c10::impl::GenericDict made(given.keyType(), given.valueType());
    for (const auto& entry : given) made.insert(entry.key(), mapped(entry.value(), change));
    return made;
  }
  return value;
}

std::optional<std::vector<std::int64_t>> described_shape(const Json& input) {
  std::vector<std::int64_t> shape;
  if (input.contains("shape") && input["shape"].is_array()) {
    std::int64_t elements = 1;
    for (const Json& size : input["shape"]) {
      const bool whole = size.is_number_integer();
      if (!whole && !(size.is_null() && shape.empty())) return std::nullopt;
      shape.push_back(whole ? size.get<std::int64_t>() : 1);
      if (shape.back() < 1 || shape.back() > most_elements / elements) return std::nullopt;
      elements *= shape.back();
    }
    return shape;
  }
  if (!input.contains("preprocessing") || !input["preprocessing"].is_object()) return std::nullopt;
  const Json& steps = input["preprocessing"];
  for (const char* step : {"crop", "resize"}) {
    if (!steps.contains(step) || !steps[step].is_object() || !steps[step].contains("size"))
      continue;
    const Json& size = steps[step]["size"];
    if (!size.is_array() || size.size() != 2 || !size[0].is_number_integer() ||
        !size[1].is_number_integer())
      continue;
    const auto height = size[0].get<std::int64_t>(), width = size[1].get<std::int64_t>();
    if (height < 1 || width < 1 || height > 16384 || width > 16384) continue;
    const std::int64_t channels = steps.value("color", "RGB") == "L" ? 1 : 3;
    if (steps.value("layout", "NCHW") == "NHWC")
      return std::vector{std::int64_t{1}, height, width, channels};
    return std::vector{std::int64_t{1}, channels, height, width};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Arguments> traced(const std::vector<c10::IValue>& arguments) {
  Arguments made;
  bool plausible = true;
  for (const c10::IValue& argument : arguments) {
    made.values.push_back(mapped(argument, [&](const at::Tensor& tensor) {
      if (!tensor.defined()) return tensor;
      plausible = plausible && tensor.numel() <= most_elements;
      return plausible ? tensor_of(tensor.sizes().vec(), tensor.scalar_type()) : at::Tensor();
    }));
  }
  return plausible ? std::optional(std::move(made)) : std::nullopt;
}

std::optional<Arguments> described(const Json& metadata, std::size_t count) {
  if (!metadata.is_object() || !metadata.contains("inputs") || !metadata["inputs"].is_array() ||
      metadata["inputs"].size() != count || count == 0)
    return std::nullopt;
  Arguments arguments;
  for (const Json& input : metadata["inputs"]) {
    if (!input.is_object()) return std::nullopt;
    const auto shape = described_shape(input);
    if (!shape) return std::nullopt;
    at::ScalarType dtype = at::kFloat;
    if (input.contains("dtype") && input["dtype"].is_string())
      dtype = dtype_of(input["dtype"].get<std::string>()).value_or(at::kFloat);
    arguments.values.emplace_back(tensor_of(*shape, dtype));
    arguments.shape += (arguments.shape.empty() ? "" : ", ") + in_words(*shape);
  }
  return arguments;
}

std::vector<Arguments> guesses(const jit::Module& module, std::size_t count) {
  std::vector<std::pair<std::vector<std::int64_t>, at::ScalarType>> likely;
  for (const auto& [name, weight] : jit::named_parameter_list(module.named_parameters())) {
    const auto sizes = weight.sizes();
    const bool embeds = sizes.size() == 2 && name.find("emb") != std::string::npos;
    if (embeds) {
      likely = {{{1, 16}, at::kLong}};
    } else if (sizes.size() == 5) {
      likely = {{{1, sizes[1], 16, 112, 112}, at::kFloat},
                {{1, sizes[1], 16, 224, 224}, at::kFloat}};
    } else if (sizes.size() == 4) {
      for (const std::int64_t side : {224, 299, 256, 32, 28, 64, 384, 512})
        likely.push_back({{1, sizes[1], side, side}, at::kFloat});
    } else if (sizes.size() == 3 && name.ends_with("weight")) {
      likely = {{{1, sizes[1], 256}, at::kFloat}};
    } else if (sizes.size() == 2 && name.find("weight") != std::string::npos) {
      likely = {{{1, sizes[1]}, at::kFloat}, {{1, 16, sizes[1]}, at::kFloat}, {{1, 16}, at::kLong}};
    } else {
      continue;  // a class token, a scale
    }
    break;
  }
  if (likely.empty()) likely = {{{1, 3, 224, 224}, at::kFloat}};
  std::vector<Arguments> made;
  for (const auto& [shape, dtype] : likely) {
    Arguments arguments;
    arguments.guessed = true;
    arguments.shape = in_words(shape);
    for (std::size_t i = 0; i < count; ++i) arguments.values.emplace_back(tensor_of(shape, dtype));
    made.push_back(std::move(arguments));
  }
  return made;
}

c10::IValue first_sample(const c10::IValue& value) {
  return mapped(value, [](const at::Tensor& tensor) {
    return tensor.dim() == 0 || tensor.size(0) < 2 ? tensor.clone()
                                                   : tensor.narrow(0, 0, 1).clone();
  });
}

c10::IValue two_samples(const c10::IValue& value) {
  return mapped(value, [](const at::Tensor& tensor) -> at::Tensor {
    if (tensor.dim() == 0 || tensor.size(0) == 0) return tensor.clone();
    const at::Tensor first = tensor.narrow(0, 0, 1);
    at::Tensor other = at::flip(first, {tensor.dim() - 1});
    if (at::isFloatingType(tensor.scalar_type())) other = other.mul(0.8).add(0.1);
    return at::cat({first, other}, 0);
  });
}

}  // namespace pellucid::script

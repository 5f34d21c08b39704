// Guesses from shapes and the last operator, for files that record nothing; they are marked as
// guesses.
#include <c10/core/ScalarType.h>

#include "pellucid/model/metadata.h"

namespace pellucid {
namespace {

InputKind guess_input(const Value& value) {
  const auto size = [&](std::size_t axis) { return value.shape[axis].value_or(-1); };
  if (!value.is_tensor || !value.dtype) return InputKind::tensor;
  const bool real = c10::isFloatingType(*value.dtype);
  if (value.shape.size() == 2) {
    if (real) return InputKind::vector;
    return *value.dtype == at::kLong || *value.dtype == at::kInt ? InputKind::tokens
                                                                 : InputKind::tensor;
  }
  const bool channels = value.shape.size() == 4 && (size(1) == 1 || size(1) == 3 || size(3) == 3);
  return real && channels ? InputKind::image : InputKind::tensor;
}

bool guess_channels_last(const Value& value) {
  const auto few = [&](std::size_t axis) {
    return value.shape[axis] == 1 || value.shape[axis] == 3;
  };
  return value.shape.size() == 4 && few(3) && !few(1);
}

OutputKind guess_output(const Graph& graph, const Output& output) {
  if (!output.operand.is_value()) return OutputKind::other;
  const ValueId id = output.operand.value();
  const Value& value = graph.value(id);
  if (!value.is_tensor || !value.dtype || !c10::isFloatingType(*value.dtype))
    return OutputKind::other;
  const int producer = graph.producer(id);
  const std::string op = producer < 0 ? "" : graph.nodes()[static_cast<std::size_t>(producer)].op;
  if (value.shape.size() == 4) return OutputKind::dense;
  if (value.shape.size() != 2) return OutputKind::other;
  if (op.starts_with("aten::softmax") || op.starts_with("aten::_softmax"))
    return OutputKind::probabilities;
  // A sigmoid at the end gives probabilities already: the kinds that apply one must not apply it
  // again.
  if (op.starts_with("aten::sigmoid")) return OutputKind::other;
  const auto classes = value.shape[1];
  if (classes == 1) return OutputKind::regression;
  return classes.has_value() ? OutputKind::logits : OutputKind::other;
}

}  // namespace

Metadata guess_metadata(const Graph& graph) {
  Metadata metadata;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    metadata.inputs.push_back({.name = value.name,
                               .kind = guess_input(value),
                               .preprocessing = {},
                               .features = {},
                               .guessed_channels_last = guess_channels_last(value)});
  }
  for (const Output& output : graph.outputs()) {
    metadata.outputs.push_back(
        {.name = output.name, .kind = guess_output(graph, output), .guessed = true});
  }
  return metadata;
}

}  // namespace pellucid

// What a model's file tells beside its graph: preprocessing, labels, kinds of output, a recorded sample.
// Read from extra/pellucid.json inside the file, a sidecar MODEL.json, or flags; docs/metadata.md is the format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/input/preprocess.h"

namespace pellucid {

enum class InputKind { image, tensor, vector, tokens };
enum class OutputKind { logits, probabilities, multilabel, binary, regression, dense, other };
std::string_view to_string(InputKind kind);
std::string_view to_string(OutputKind kind);

struct InputInfo {
  std::string name;
  InputKind kind = InputKind::tensor;
  std::optional<Preprocessing> preprocessing;  // of an image
  std::vector<std::string> features;           // names of a vector's entries
};

struct OutputInfo {
  std::string name;
  OutputKind kind = OutputKind::other;
  bool guessed = true;  // not recorded in the file: said wherever it matters
};

struct SampleTensor {
  std::string name;
  at::Tensor data;
};

// What the training framework was given and what it answered.
struct Sample {
  std::vector<SampleTensor> inputs, outputs;
  std::vector<std::pair<std::string, std::vector<std::byte>>> photos;  // input name → PNG bytes
};

struct Metadata {
  std::string name;      // of the model; the file's stem where nothing was recorded
  std::string producer;  // "pellucid.export 0.1.0, torch 2.13.0"; "" unknown
  std::vector<InputInfo> inputs;    // in the graph's order, all of them
  std::vector<OutputInfo> outputs;  // in the graph's order, all of them
  std::vector<std::vector<std::string>> labels;  // per class: the shown name, then synonyms; empty: none recorded
  std::optional<Sample> sample;
};

}  // namespace pellucid

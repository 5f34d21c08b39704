// What a model's file tells beside its graph: preprocessing, labels, kinds of output, a recorded
// sample. Read from extra/pellucid.json inside the file, a sidecar MODEL.json, or flags;
// docs/metadata.md is the format.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/graph/graph.h"
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
  bool guessed_channels_last = false;          // of an image whose preprocessing is not known
};

// True for a picture whose tensor is [N, H, W, C].
bool channels_last(const InputInfo& info);

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
  std::string recorded_by;  // empty: the framework; else who gave the outputs in its place
  std::vector<SampleTensor> inputs, outputs;
  std::vector<std::pair<std::string, std::vector<std::byte>>> photos;  // input name → PNG bytes
};

// The file that a converted one was made of.
struct ConvertedFrom {
  std::string format;  // "onnx"
  std::string file;    // its name, without folders
  std::string sha256;
  std::string producer;  // empty: it did not say
};

struct Metadata {
  std::string name;                 // of the model; the file's stem where nothing was recorded
  std::string producer;             // "pellucid.export 0.1.0, torch 2.13.0"; "" unknown
  std::vector<InputInfo> inputs;    // in the graph's order, all of them
  std::vector<OutputInfo> outputs;  // in the graph's order, all of them
  std::vector<std::vector<std::string>>
      labels;  // per class: the shown name, then synonyms; empty: none recorded
  std::optional<Sample> sample;
  std::optional<ConvertedFrom> converted_from;
};

// The bytes of an entry of the model file ("pellucid/sample/input_0.bin"); empty when it has none
// of that path.
using EntrySource = std::function<std::optional<std::vector<std::byte>>(const std::string& path)>;

// What the graph alone tells: names of inputs and outputs, and guesses of their kinds.
Metadata guess_metadata(const Graph& graph);

// Lays a document (docs/metadata.md) over `metadata`, whose inputs and outputs are the graph's;
// what it leaves out stays. Throws Error (Fault::model) naming the key: unknown, of a wrong type,
// of an unknown input or output, a sample whose entry is missing or of another size. Returns what
// is odd, one line each.
std::vector<std::string> apply_metadata(const Json& document, const EntrySource& entries,
                                        Metadata& metadata);

// The metadata as such a document, without the sample; a kind that was guessed says "guessed":
// true.
Json to_json(const Metadata& metadata);

// "float32", "int64", ... as Python's torch names them; nullopt for another word.
std::optional<at::ScalarType> dtype_of(std::string_view name);
std::string_view dtype_name(at::ScalarType type);

}  // namespace pellucid

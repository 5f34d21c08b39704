// ONNX files, opsets 7 to 28, as every exporter writes them: protobuf read in place, each operator
// written as ATen's. No code is run but ATen's own; weights in other files are read only from
// beside the model. Either the whole model is read or nothing.
#include <future>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"
#include "pellucid/formats/onnx/metadata.h"
#include "pellucid/formats/onnx/program.h"
#include "pellucid/formats/reading/model_reading.h"
#include "pellucid/formats/reading/stored_tensor.h"

namespace pellucid {

extern constinit const Format onnx;

namespace {

constexpr std::size_t most_shown = 40;

void refuse(const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string all;
  for (std::size_t i = 0; i < std::min(problems.size(), most_shown); ++i)
    all += (i == 0 ? "" : "; ") + problems[i];
  if (problems.size() > most_shown)
    all += "; and " + std::to_string(problems.size() - most_shown) + " more";
  throw model_error("the model uses what this reader does not know: " + all)
      .hint("export the model again with ONNX's own operators, opset " +
            std::to_string(from_onnx::oldest_opset) + " to " +
            std::to_string(from_onnx::newest_opset) +
            ", or from PyTorch as .pt2: python -m pellucid.export");
}

Model read_model(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  const from_onnx::ModelRecord record = from_onnx::read_model_record(file.bytes);
  refuse(from_onnx::problems_of(record));
  from_onnx::TensorSource tensors(file, settings);
  from_onnx::Program program(record, tensors, settings.allow_nonfinite);
  Model model;
  model.graph = program.read();
  model.warnings = program.warnings();
  guess_metadata_of(model, name);
  from_onnx::read_metadata(record, settings, model);
  prepare(model);
  model.parameters = program.parameters();  // reading folds small ones
  model.fingerprint = fingerprint_of(file, tensors.further(), {});
  return model;
}

bool recognises(std::span<const std::byte> bytes) { return from_onnx::looks_like_onnx(bytes); }

Model read(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  return read_guarded(onnx, name, "export the model again",
                      [&] { return read_model(file, name, settings); });
}

}  // namespace

extern constinit const Format onnx = {
    .name = "onnx",
    .summary = "ONNX model, as PyTorch, TensorFlow, Keras and others export it",
    .extensions = ".onnx",
    .recognises = recognises,
    .read = read,
};

}  // namespace pellucid

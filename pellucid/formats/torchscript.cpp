// TorchScript (.pt of torch.jit.save), from torch.jit.trace or torch.jit.script. LibTorch's loader
// reads the file, and only where the user trusts it: a TorchScript program can run code, and its
// pickles are not safe to read. The program is then walked once, on example inputs
// (torchscript/interpreter.h), into the same graph that every other format gives.
#include <future>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/base/fingerprint.h"
#include "pellucid/formats/format.h"
#include "pellucid/formats/pt2/recorded_metadata.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/formats/reading/model_reading.h"
#include "pellucid/formats/torchscript/archive.h"
#include "pellucid/formats/torchscript/program.h"
#include "pellucid/model/count_weights.h"

namespace pellucid {

extern constinit const Format torchscript;

namespace {

bool recognises(std::span<const std::byte> bytes) {
  if (!pt2::looks_like_zip(bytes)) return false;
  try {
    return script::is_script(pt2::ZipArchive(bytes));
  } catch (const Error&) {
    return false;  // a damaged archive: the reader of exported programs says what is wrong
  }
}

void check_trust(const LoadSettings& settings) {
  if (settings.trust) return;
  throw model_error(
      "this is a TorchScript file: PyTorch's loader for it can run code of the file and is not "
      "safe on a hostile one")
      .hint(
          "pass --trust (trust=True in Python) if you made it or trust who did, never to a server; "
          "or export the PyTorch model as .pt2, which is read without running anything: python -m "
          "pellucid.export");
}

// A recurrent layer holds its own in a list; a frozen module has none left, all are constants.
std::int64_t count_parameters(const torch::jit::Module& module, const Graph& graph) {
  std::int64_t numbers = 0;
  std::set<const void*> seen;
  for (const at::Tensor& parameter : module.parameters()) {
    if (seen.insert(parameter.const_data_ptr()).second) numbers += parameter.numel();
  }
  return numbers > 0 ? numbers
                     : count_weights(graph, {ConstantKind::buffer, ConstantKind::literal}).numbers;
}

Model read_archive(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  const pt2::ZipArchive archive(file.bytes);
  const std::string root = pt2::root_of(archive);
  check_trust(settings);
  const Json described = pt2::metadata_document(archive, root, settings.sidecar);
  const script::Loaded loaded = script::load_trusted(file, archive);
  script::Program program = script::read_program(loaded, described);
  Model model;
  model.graph = std::move(program.graph);
  model.warnings = std::move(program.warnings);
  verify_weights(settings, model);
  guess_metadata_of(model, name);
  model.metadata.producer = "TorchScript";
  pt2::read_metadata(file, archive, root, settings.sidecar, model);
  const std::int64_t parameters = count_parameters(loaded.module, *model.graph);
  prepare(model);
  model.parameters = parameters;
  return model;
}

Model read(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  return read_guarded(
      torchscript, name, "export the PyTorch model as .pt2: python -m pellucid.export", [&] {
        // Hashing takes as long as all the rest: it runs beside it.
        auto fingerprint = std::async(std::launch::async, [&] { return sha256(file.bytes); });
        Model model = read_archive(file, name, settings);
        model.fingerprint = fingerprint.get();
        return model;
      });
}

}  // namespace

extern constinit const Format torchscript = {
    .name = "torchscript",
    .summary = "TorchScript, as torch.jit.save writes it; needs --trust",
    .extensions = ".pt",
    .recognises = recognises,
    .read = read,
};

}  // namespace pellucid

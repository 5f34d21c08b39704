// TorchScript (.pt of torch.jit.save), from torch.jit.trace or torch.jit.script. LibTorch's loader
// reads the file, and only where the user trusts it: a TorchScript program can run code, and its
// pickles are not safe to read. The program is then walked once, on example inputs
// (torchscript/interpreter.h), into the same graph that every other format gives.
#include <future>

#include "pellucid/base/error.h"
#include "pellucid/base/fingerprint.h"
#include "pellucid/formats/format.h"
#include "pellucid/formats/pt2/recorded_metadata.h"
#include "pellucid/formats/pt2/weights.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/formats/torchscript/archive.h"
#include "pellucid/formats/torchscript/program.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/model/count_weights.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
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

void verify_weights(const LoadSettings& settings, Model& model) {
  for (const Constant& constant : model.graph->constants()) {
    auto odd =
        pt2::verify_finite(constant.name, constant.data, constant.kind == ConstantKind::parameter,
                           settings.allow_nonfinite);
    if (odd) model.warnings.push_back(std::move(*odd));
  }
}

Model read_archive(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  const pt2::ZipArchive archive(file.bytes);
  const std::string root = pt2::root_of(archive);
  check_trust(settings);
  const Json described = pt2::metadata_document(archive, root, settings.sidecar);
  script::Program program = script::read_program(script::load_trusted(file, archive), described);
  Model model;
  model.graph = std::move(program.graph);
  model.warnings = std::move(program.warnings);
  verify_weights(settings, model);
  model.metadata = guess_metadata(*model.graph);
  model.metadata.name = pt2::stem(name);
  model.metadata.producer = "TorchScript";
  pt2::read_metadata(file, archive, root, settings.sidecar, model);
  model.parameters = count_weights(*model.graph, {ConstantKind::parameter}).numbers;
  model.graph = fold_constants(rewrite_norms(functionalise(*model.graph)));
  return model;
}

Model read(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  // Hashing takes as long as all the rest: it runs beside it.
  auto fingerprint = std::async(std::launch::async, [bytes = file.bytes] { return sha256(bytes); });
  Model model;
  try {
    model = read_archive(file, name, settings);
  } catch (Error& error) {
    if (error.remedy().empty())
      error.hint("export the PyTorch model as .pt2: python -m pellucid.export");
    throw error.at(name);
  } catch (const std::bad_alloc&) {
    throw Error(Fault::too_large, "the model needs more memory than there is")
        .at(name)
        .hint("explain it on a machine with more memory");
  } catch (const c10::Error& error) {
    throw model_error("PyTorch refused a part of the program: " +
                      first_line(error.what_without_backtrace()))
        .at(name)
        .hint("export the PyTorch model as .pt2: python -m pellucid.export");
  }
  model.format = "torchscript";
  model.file = std::string(name);
  model.fingerprint = fingerprint.get();
  return model;
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

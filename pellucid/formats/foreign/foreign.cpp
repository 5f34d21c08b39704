// Told by their first bytes or by the names of their records; nothing of them is parsed.
#include "pellucid/formats/foreign/foreign.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace pellucid {
namespace {

constexpr const char* from_module =
    "in Python, load the model and export it: python -m pellucid.export, or "
    "torch.export.save(torch.export.export(model.eval(), (example,)), \"model.pt2\")";

Error foreign(const char* what, const char* remedy = from_module) {
  return model_error("this is no model that is read (.pt2, .onnx) but " + std::string(what))
      .hint(remedy);
}

Error foreign_bytes(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 4096));
  const auto starts = [&](std::string_view magic) { return text.starts_with(magic); };
  constexpr const char* order = "the order is: pellucid VERB MODEL INPUT";
  if (text.empty()) return foreign("an empty file");
  if (starts("\x89PNG") || starts("\xff\xd8\xff") || starts("GIF8") || starts("RIFF") ||
      starts("BM"))
    return foreign("a picture", order);
  if (starts("\x93NUMPY")) return foreign("a NumPy array", order);
  if (starts("\x89HDF")) return foreign("an HDF5 file (Keras weights, perhaps)");
  if (starts("GGUF")) return foreign("a GGUF file");
  if (starts("\x1f\x8b")) return foreign("a gzip archive", "unpack it and name the model inside");
  if (text.size() >= 8 && text.substr(4, 4) == "TFL3") return foreign("a TensorFlow Lite model");
  if (text.size() > 262 && text.substr(257, 5) == "ustar")
    return foreign("a tar archive", "unpack it and name the model inside");
  if (text.size() >= 9 && text[8] == '{') {
    std::uint64_t length = 0;
    std::memcpy(&length, text.data(), sizeof length);
    if (length <= bytes.size() - 8) return foreign("a safetensors file: weights without a network");
  }
  if (text[0] == '\x80' && text.size() > 1 && text[1] >= 2 && text[1] <= 5) {
    return foreign("a pickle (an old checkpoint), which can run code and is never read");
  }
  return foreign("a file of an unknown kind");
}

}  // namespace

Error foreign_file(std::span<const std::byte> bytes) {
  if (!pt2::looks_like_zip(bytes)) return foreign_bytes(bytes);
  try {
    return foreign_archive(pt2::ZipArchive(bytes));
  } catch (const Error& damaged) {
    return damaged;
  }
}

Error foreign_archive(const pt2::ZipArchive& archive) {
  bool script = false, pickle = false, older = false, compiled = false, lowered = false,
       keras = false;
  std::string code;
  for (const pt2::Record& record : archive.records()) {
    const std::string_view name = record.name;
    script |= name.ends_with("/constants.pkl") || name.find("/code/") != name.npos;
    pickle |= name.ends_with("/data.pkl");
    older |= name.ends_with("serialized_exported_program.json");
    lowered |= name.find("/executorch/") != name.npos;
    keras |= name.ends_with("model.weights.h5");
    const bool is_code = name.ends_with(".so") || name.ends_with(".cpp") ||
                         name.ends_with(".dll") || name.find("/aotinductor/") != name.npos;
    if (is_code && code.empty()) code = name;
    compiled |= is_code;
  }
  if (older) {
    return foreign(
        "an export of an older torch (before 2.8), in another layout",
        "load it with the torch that wrote it and export the model again with torch 2.9 or newer");
  }
  if (script)
    return foreign("a part of a TorchScript file",
                   "save it again with torch.jit.save, or export the PyTorch model it was made "
                   "from: python -m pellucid.export");
  if (compiled) {
    return foreign("compiled code (AOTInductor), which is never loaded",
                   "export the model with torch.export.save instead of compiling it")
        .at("record " + code);
  }
  if (lowered)
    return foreign("an ExecuTorch program",
                   "export the model with torch.export.save instead of lowering it");
  if (pickle)
    return foreign(
        "a checkpoint of torch.save: pickled weights without a network, which are never read");
  if (keras) return foreign("a Keras model");
  return foreign("a zip archive without a program in it",
                 "name a .pt2 file written by torch.export.save");
}

}  // namespace pellucid

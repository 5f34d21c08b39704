// PyTorch's exported programs (.pt2), as torch.export.save of torch 2.9 to 2.15 writes them: a zip
// archive of JSON and raw tensors, read in place. No pickle is read, no code is run, nothing is
// written, and what the file claims is checked before anything is allocated. Either the whole
// program is read or nothing.
#include <future>

#include "pellucid/base/error.h"
#include "pellucid/formats/foreign/foreign.h"
#include "pellucid/formats/format.h"
#include "pellucid/formats/pt2/program.h"
#include "pellucid/formats/pt2/recorded_metadata.h"
#include "pellucid/formats/pt2/weights.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/formats/reading/model_reading.h"

namespace pellucid {

extern constinit const Format exported_program;

namespace {

using namespace pt2;

constexpr std::size_t most_shown = 40;

// "models/model.json" or the only program that there is.
std::string program_name(const ZipArchive& archive, const std::string& root) {
  const std::string folder = root + "/models/";
  std::vector<std::string> names;
  for (const Record& record : archive.records()) {
    const std::string_view name = record.name;
    if (!name.starts_with(folder) || !name.ends_with(".json")) continue;
    names.emplace_back(name.substr(folder.size(), name.size() - folder.size() - 5));
    if (names.back() == "model") return names.back();
  }
  if (names.empty()) throw foreign_archive(archive);
  if (names.size() == 1) return names[0];
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  throw model_error("the archive holds several programs: " + all)
      .hint("save each in its own file, or name one of them \"model\"");
}

void check_byte_order(const ZipArchive& archive, const std::string& root) {
  const Record* record = archive.find(root + "/byteorder");
  if (record == nullptr) return;
  Content content;
  if (archive.text(*record, content) != "little") {
    throw model_error("the weights are not little-endian")
        .at("record " + root + "/byteorder")
        .hint("export the model on a little-endian machine");
  }
}

void refuse(const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string all;
  for (std::size_t i = 0; i < std::min(problems.size(), most_shown); ++i)
    all += (i == 0 ? "" : "; ") + problems[i];
  if (problems.size() > most_shown)
    all += "; and " + std::to_string(problems.size() - most_shown) + " more";
  throw model_error("the program uses what this reader does not know: " + all)
      .hint(
          "export the model again with torch 2.9 to 2.15, custom operators replaced by PyTorch's "
          "own and plain tensors as weights");
}

bool recognises(std::span<const std::byte> bytes) {
  if (!looks_like_zip(bytes)) return false;
  try {
    const ZipArchive archive(bytes);
    const std::string folder = root_of(archive) + "/models/";
    for (const Record& record : archive.records()) {
      if (record.name.starts_with(folder) && record.name.ends_with(".json")) return true;
    }
    return false;
  } catch (const Error&) {
    return true;  // a damaged archive: reading it says what is wrong
  }
}

Model read_archive(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  if (!looks_like_zip(file.bytes)) throw foreign_file(file.bytes);
  const ZipArchive archive(file.bytes);
  const std::string root = root_of(archive), model_name = program_name(archive, root);
  check_byte_order(archive, root);

  const std::string program_record = root + "/models/" + model_name + ".json";
  Content text;
  const JsonTree tree(archive.text(archive.get(program_record), text), "record " + program_record);
  Weights weights(file, archive, root, model_name);
  Model model;
  try {
    std::vector<std::string> problems = problems_of(tree.root());
    if (problems.empty() || !problems[0].starts_with("schema version")) {
      std::vector<std::string_view> own = weights_of(tree.root());
      std::erase_if(own, [&](std::string_view fqn) { return settings.weights.contains(fqn); });
      for (std::string& problem : weights.problems(own)) problems.push_back(std::move(problem));
    }
    refuse(problems);
    model.graph = read_program(tree.root(), [&](std::string_view fqn) {
      const auto given = settings.weights.find(fqn);
      return given == settings.weights.end() ? weights.tensor(fqn) : given->second;
    });
  } catch (Error& error) {
    throw error.where().find("record ") == std::string::npos ? error.at("record " + program_record)
                                                             : error;
  }
  model.warnings = weights.verify(settings.allow_nonfinite);
  verify_given(settings, model);

  guess_metadata_of(model, name);
  if (const JsonItem* version = tree.root().find("torch_version"))
    model.metadata.producer = "torch " + std::string(version->text());
  read_metadata(file, archive, root, settings.sidecar, model);
  prepare(model);
  return model;
}

Model read(const ModelBytes& file, std::string_view name, const LoadSettings& settings) {
  return read_guarded(exported_program, name, "export the model again with torch.export.save", [&] {
    // Hashing takes as long as all the rest: it runs beside it.
    auto fingerprint =
        std::async(std::launch::async, [&] { return fingerprint_of(file, {}, settings.weights); });
    Model model = read_archive(file, name, settings);
    model.fingerprint = fingerprint.get();
    return model;
  });
}

}  // namespace

extern constinit const Format exported_program = {
    .name = "exported_program",
    .summary = "PyTorch exported program, as torch.export.save writes it",
    .extensions = ".pt2",
    .recognises = recognises,
    .read = read,
};

}  // namespace pellucid

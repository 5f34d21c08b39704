// Everything of the command line that touches files: inputs and folders of them, the model, and the
// answers.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

// FILE, DIR or NAME=FILE as inputs of a request, each read only when it is needed. A folder stands
// for the pictures and arrays in it and below it, by name. Throws Error (Fault::input) for a folder
// without any.
// Files of a folder that are no inputs are added to `passed_over`.
std::vector<RequestInput> read_inputs(std::span<const std::string> words,
                                      std::vector<std::string>& passed_over);

// What is said of them.
std::string passed_over_words(std::span<const std::string> files, Language language);

// The model's bytes, mapped, with what stands in --metadata, --labels or in the sidecar beside the
// model.
ModelSource model_source(const std::string& path, const std::optional<std::string>& metadata,
                         const std::optional<std::string>& labels);

// FILE or NAME=FILE, each with what stands in the sidecar beside it. Messages and answers show the
// file's name without its folder. Throws Error (Fault::usage) for a name twice, or one that no URL
// could hold.
std::vector<std::pair<std::string, ModelSource>> model_sources(std::span<const std::string> words);

// The whole file. Throws Error (Fault::input) when it can't be read.
std::vector<std::byte> read_file(const std::string& path);

// The one file that an operation makes (Operation::writes), which appears only when it is whole.
class OutputFile {
 public:
  // Nothing is made yet. Throws Error: Fault::usage for a name without the ending, Fault::storage
  // when it is clear already that nothing can be written there.
  OutputFile(std::string path, std::string_view ending);

  // Writes beside the name, then renames; a file of that name gives way. Throws Error
  // (Fault::storage).
  void write(const Artefact& artefact);
  const std::string& path() const { return path_; }
  double bytes() const { return bytes_; }  // 0 until it is written

 private:
  std::string path_;
  double bytes_ = 0;
};

// The folder of the answers. A file appears under its name only when it is whole.
class OutputFolder {
 public:
  // Nothing is made yet. Throws Error (Fault::storage) when it is clear already that nothing can be
  // written there.
  explicit OutputFolder(std::string path);

  // Writes beside the name, then renames. Throws Error (Fault::storage): disk full, read-only
  // folder.
  void write(std::string_view name, const Artefact& artefact);
  const std::vector<std::string>& written() const { return written_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> written_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace pellucid

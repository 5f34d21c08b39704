// The weights and constants of a PT2 archive as tensors over the archive's own memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pellucid/formats/pt2/zip.h"
#include "pellucid/formats/reading/json_tree.h"
#include "pellucid/formats/reading/stored_tensor.h"
#include "pellucid/model/file.h"

namespace pellucid::pt2 {

// Throws Error (Fault::model): an unknown dtype, a layout that is not strided, symbolic or negative
// sizes.
TensorLayout tensor_layout(const JsonItem& meta);

class Weights {
 public:
  // `root` is the archive's outermost folder, `name` the program's: "r50", "model".
  Weights(const ModelBytes& file, const ZipArchive& archive, std::string root,
          std::string_view name);

  bool has(std::string_view fqn) const { return entries_.contains(fqn); }
  // Throws Error (Fault::model) naming the weight and its record: missing, pickled, out of bounds.
  at::Tensor tensor(std::string_view fqn);

  // What can't be read of those that are named, one line each; looks at descriptions only.
  std::vector<std::string> problems(const std::vector<std::string_view>& fqns) const;

  // Compares every record with its checksum and looks at the weights handed out for NaN and
  // infinities. Returns what was found and allowed; throws Error (Fault::model) naming record and
  // weight otherwise.
  struct Handed {
    std::string fqn;
    at::Tensor data;
    bool is_parameter;
  };
  std::vector<std::string> verify(bool allow_nonfinite) const;

 private:
  struct Entry {
    const JsonItem* meta;
    std::string record;  // full name
  };
  Content unpacked(const Record& record);
  void read_config(const std::string& config, const std::string& folder);

  const ModelBytes& file_;
  const ZipArchive& archive_;
  std::string root_;
  std::vector<std::unique_ptr<JsonTree>> trees_;
  std::vector<Content> contents_;
  std::unordered_map<std::string_view, Entry> entries_;
  std::map<std::string, std::vector<Handed>, std::less<>> handed_;  // by record
  std::map<std::string_view, Content> unpacked_;                    // compressed records
  std::uint64_t shown_ = 0;  // bytes of all the weights handed out
};

}  // namespace pellucid::pt2

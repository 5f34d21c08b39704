// The contract of a model format: bytes → Model. One file per format in this folder, collected by
// CMake.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "pellucid/model/file.h"
#include "pellucid/model/model.h"

namespace pellucid {

// Tensors that take the place of a file's own weights of those names: a live module's, which are
// used where they lie.
using GivenWeights = std::map<std::string, at::Tensor, std::less<>>;

struct LoadSettings {
  bool allow_nonfinite = false;  // NaN or infinite weights
  bool trust = false;            // formats that can run code
  std::string sidecar;           // JSON text that supplies or overrides metadata; empty: none
  GivenWeights weights = {};     // of formats that can take them
  // A file that the model's own names, beside it; empty: none may be read.
  std::function<ModelBytes(std::string_view path)> beside = {};
};

struct Format {
  std::string_view name;        // "exported_program"
  std::string_view summary;     // "PyTorch exported program (.pt2)"
  std::string_view extensions;  // ".pt2"
  bool (*recognises)(std::span<const std::byte> bytes);
  // Throws Error (Fault::model) naming the record or node, and what to do.
  Model (*read)(const ModelBytes& bytes, std::string_view file, const LoadSettings& settings);
};

}  // namespace pellucid

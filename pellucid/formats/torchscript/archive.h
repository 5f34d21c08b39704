// A TorchScript archive through LibTorch's own loader, which runs code of the file and trusts its
// pickles: only for files the user trusts.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <vector>

#include "pellucid/formats/pt2/zip.h"
#include "pellucid/model/file.h"

namespace pellucid::script {

// True for a zip archive whose records are those of torch.jit.save.
bool is_script(const pt2::ZipArchive& archive);

struct Loaded {
  torch::jit::Module module;  // in evaluation mode, on the CPU, without gradients of its own
  // What it was traced with: torch keeps the shapes and types of these tensors, not their values,
  // which must not be read.
  std::optional<std::vector<c10::IValue>> traced;
};

// Throws Error (Fault::model) where a record is damaged or the loader refuses the program.
Loaded load_trusted(const ModelBytes& file, const pt2::ZipArchive& archive);

}  // namespace pellucid::script

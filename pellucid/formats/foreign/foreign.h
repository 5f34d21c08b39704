// Files that no format of ours reads: what they are, and how to make one that is read.
#pragma once

#include <cstddef>
#include <span>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/zip.h"

namespace pellucid {

// For any bytes: a pickle, ONNX, safetensors, a picture, a zip archive of another program's, ...
Error foreign_file(std::span<const std::byte> bytes);

// For a zip archive without a program: TorchScript, a checkpoint, an older export, compiled code,
// ...
Error foreign_archive(const pt2::ZipArchive& archive);

}  // namespace pellucid

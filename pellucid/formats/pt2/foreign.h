// Files that are no PT2 archive: what they are, and how to make one of them.
#pragma once

#include <cstddef>
#include <span>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/zip.h"

namespace pellucid::pt2 {

// For bytes that are no zip archive: a pickle, ONNX, safetensors, a picture, ...
Error foreign_bytes(std::span<const std::byte> bytes);

// For a zip archive without a program: TorchScript, a checkpoint, an older export, compiled code,
// ...
Error foreign_archive(const ZipArchive& archive);

}  // namespace pellucid::pt2

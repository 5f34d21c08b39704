// What an ONNX file tells beside its graph.
#pragma once

#include "pellucid/formats/format.h"
#include "pellucid/formats/onnx/records.h"

namespace pellucid::from_onnx {

// Producer; labels under "names" as YOLO's exports write them; a document (docs/metadata.md) under
// "pellucid"; the sidecar over all. Throws Error (Fault::model) where a document is malformed.
void read_metadata(const ModelRecord& record, const LoadSettings& settings, Model& model);

}  // namespace pellucid::from_onnx

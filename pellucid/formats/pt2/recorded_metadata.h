// The metadata record of an archive (docs/metadata.md), and the sidecar that is laid over it.
#pragma once

#include <string>
#include <string_view>

#include "pellucid/base/json.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/model/file.h"
#include "pellucid/model/model.h"

namespace pellucid::pt2 {

// The outermost folder of the archive, which all its records share.
std::string root_of(const ZipArchive& archive);

// The document that says most of the inputs: the sidecar's where it speaks of them, else the
// archive's; null where there is none. Throws Error (Fault::model) for what is no JSON.
Json metadata_document(const ZipArchive& archive, const std::string& root,
                       std::string_view sidecar);

// Lays the archive's record and then the sidecar (JSON text; empty: none) over the model's
// metadata, which were guessed from its graph; what is odd becomes a warning. Throws Error
// (Fault::model) naming the record or the sidecar.
void read_metadata(const ModelBytes& file, const ZipArchive& archive, const std::string& root,
                   std::string_view sidecar, Model& model);

}  // namespace pellucid::pt2

// What reading a model is whatever the format: its metadata, its identity, the graph's rewrites,
// and how an error leaves.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pellucid/base/json.h"
#include "pellucid/formats/format.h"

namespace pellucid {

// What `read` gives, with format and file filled in. An Error that leaves names the file, and the
// remedy unless it has one; so do LibTorch's exceptions and want of memory.
Model read_guarded(const Format& format, std::string_view file, const char* remedy,
                   const std::function<Model()>& read);

// A document of metadata, bounded before it is parsed. Throws Error (Fault::model) naming `place`.
Json parse_metadata(std::string_view text, const std::string& place);

// Guesses from the graph, and the file's stem as a name.
void guess_metadata_of(Model& model, std::string_view file);
// Lays a document (docs/metadata.md) over what is known; its oddities become warnings.
void lay_metadata(std::string_view text, const std::string& place, const EntrySource& entries,
                  Model& model);

// All weights, where the format did not look at them as it read. Throws Error (Fault::model).
void verify_weights(const LoadSettings& settings, Model& model);
// Weights that the caller gave are looked at as a file's are. Throws Error (Fault::model).
void verify_given(const LoadSettings& settings, Model& model);

// SHA-256 of the file, then of what it was read together with.
std::string fingerprint_of(const ModelBytes& file, std::span<const ModelBytes> further,
                           const GivenWeights& weights);

// The graph as all that comes after wants it: blocks put in their place, functional where that is
// safe, norms rewritten, constants folded. Its parameters are counted before.
void prepare(Model& model);

}  // namespace pellucid

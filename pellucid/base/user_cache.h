// What a user's machine remembers between starts: small JSON documents that can be made anew at any
// time.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "pellucid/base/json.h"

namespace pellucid {

// $XDG_CACHE_HOME/pellucid, else ~/.cache/pellucid; empty when neither is set.
std::filesystem::path cache_folder();

// The document kept under kind/key ("gradient", a SHA-256); nullopt when there is none or it can't
// be read.
std::optional<Json> read_cached(std::string_view kind, std::string_view key);

// Keeps it, atomically. A cache that can't be written is no error: false.
bool write_cached(std::string_view kind, std::string_view key, const Json& document);

}  // namespace pellucid

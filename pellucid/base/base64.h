// Base64 (RFC 4648), for bytes inside JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

std::string to_base64(std::span<const std::byte> bytes);

// Standard or URL-safe letters, padded or not; nullopt for anything else.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace pellucid

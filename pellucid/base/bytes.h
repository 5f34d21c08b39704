// Text as bytes and bytes as text: the same memory, or a copy of it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace pellucid {

// Takes bytes piece by piece.
using ByteSink = std::function<void(std::span<const std::byte>)>;

// The bytes' own memory.
inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A copy.
inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace pellucid

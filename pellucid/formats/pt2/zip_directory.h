// The end of a zip archive: where its directory lies, and bounded access to its bytes. Internal to
// the zip reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "pellucid/base/error.h"

namespace pellucid::pt2 {

inline constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50;
inline constexpr std::uint64_t local_size = 30, central_size = 46;
inline constexpr std::uint32_t end_signature = 0x06054b50, end64_signature = 0x06064b50,
                               locator64_signature = 0x07064b50;
inline constexpr std::uint64_t end_size = 22, end64_size = 56, locator64_size = 20;
inline constexpr std::uint32_t all_ones = 0xffffffff;  // "look at the zip64 field"
inline constexpr std::uint16_t all_ones_16 = 0xffff;
inline constexpr const char* damaged = "the file is damaged: copy or export it again";

// Little-endian fields at checked positions.
class ZipBytes {
 public:
  explicit ZipBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const { return bytes_.size(); }
  bool has(std::uint64_t offset, std::uint64_t count) const {
    return offset <= bytes_.size() && count <= bytes_.size() - offset;
  }
  std::span<const std::byte> part(std::uint64_t offset, std::uint64_t count) const {
    if (!has(offset, count)) throw model_error("the zip archive ends too early").hint(damaged);
    return bytes_.subspan(offset, count);
  }
  template <class Number>
  Number read(std::uint64_t offset) const {
    const auto from = part(offset, sizeof(Number));
    Number number = 0;
    std::memcpy(&number, from.data(), sizeof number);
    return number;
  }
  std::string_view text(std::uint64_t offset, std::uint64_t count) const {
    const auto from = part(offset, count);
    return {reinterpret_cast<const char*>(from.data()), from.size()};
  }

 private:
  std::span<const std::byte> bytes_;
};

// "record NAME", as errors name an entry.
std::string quoted(std::string_view name);

struct ZipDirectory {
  std::uint64_t offset = 0, size = 0, count = 0;
  std::uint64_t end = 0;  // where the first record that closes the archive begins
};

// Throws Error (Fault::model): truncated (naming the entry in which the file ends), spread over
// several disks, or a directory that can't lie in the file.
ZipDirectory find_directory(const ZipBytes& bytes);

}  // namespace pellucid::pt2

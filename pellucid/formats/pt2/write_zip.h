// Writes the zip archive that a PT2 file is, from its first byte to its last, into a sink.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/bytes.h"

namespace pellucid::pt2 {

// Entries are stored, not compressed, and their bytes start at multiples of 64, so that a reader
// can map them; sizes beyond 4 GB are written as zip64 has them.
class ZipWriter {
 public:
  explicit ZipWriter(ByteSink sink) : sink_(std::move(sink)) {}

  // One entry. Throws Error (Fault::internal) for a name that was taken; what the sink throws goes
  // through.
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add(std::string_view name, std::string_view text);
  // The directory; nothing may be added after it.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t crc = 0;
    std::uint64_t size = 0, offset = 0;
  };
  void put(std::string_view bytes);

  ByteSink sink_;
  std::uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace pellucid::pt2

// The directory of a zip archive that lies in memory. Nothing is extracted: stored entries are
// views into the archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pellucid::pt2 {

struct Record {
  std::string_view name;
  std::span<const std::byte> packed;  // as it lies in the archive
  std::uint64_t size = 0;             // unpacked
  std::uint32_t crc = 0;
  bool deflated = false;
};

struct Content {
  std::shared_ptr<const void> owner;  // nullptr: a view into the archive
  std::span<const std::byte> bytes;
};

class ZipArchive {
 public:
  // Reads and checks the whole directory. Throws Error (Fault::model) naming the entry: truncated,
  // overlapping, duplicate or encrypted entries, names that leave the archive, sizes beyond the
  // file.
  explicit ZipArchive(std::span<const std::byte> bytes);

  std::span<const Record> records() const { return records_; }
  const Record* find(std::string_view name) const;
  // Throws Error (Fault::model) when there is none of that name.
  const Record& get(std::string_view name) const;
  // The unpacked bytes, compared with their checksum.
  Content content(const Record& record) const;
  std::string_view text(const Record& record, Content& keep) const;

 private:
  std::vector<Record> records_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

// CRC-32 as zip has it; `so_far` is 0 at the start.
std::uint32_t crc32(std::uint32_t so_far, std::span<const std::byte> bytes);
// Throws Error (Fault::model) naming the record unless the sums are equal.
void check_crc(const Record& record, std::uint32_t computed);

// True when the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> bytes);

}  // namespace pellucid::pt2

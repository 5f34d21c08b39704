// An archive is read from its end: the end record, its zip64 twin where there is one, and the
// directory they point at.
#include "pellucid/formats/pt2/zip_directory.h"

namespace pellucid::pt2 {
namespace {

constexpr std::uint64_t most_records = 1'000'000;

// Where a cut file ends: the last entry whose header is still there.
Error truncated(const ZipBytes& bytes) {
  Error error = model_error("the zip archive has no directory at its end: the file is truncated");
  for (std::uint64_t at = bytes.size() < local_size ? 0 : bytes.size() - local_size;; --at) {
    if (bytes.has(at, local_size) && bytes.read<std::uint32_t>(at) == local_signature) {
      const auto length = bytes.read<std::uint16_t>(at + 26);
      if (bytes.has(at + local_size, length) && length > 0) {
        error.at(quoted(bytes.text(at + local_size, length)));
        break;
      }
    }
    if (at == 0) break;
  }
  return error.hint("copy the file again; it ends in the middle");
}

std::uint64_t find_end(const ZipBytes& bytes) {
  if (bytes.size() >= end_size) {
    const std::uint64_t lowest =
        bytes.size() > end_size + all_ones_16 ? bytes.size() - end_size - all_ones_16 : 0;
    for (std::uint64_t at = bytes.size() - end_size;; --at) {
      if (bytes.read<std::uint32_t>(at) == end_signature &&
          at + end_size + bytes.read<std::uint16_t>(at + 20) == bytes.size()) {
        return at;
      }
      if (at == lowest) break;
    }
  }
  throw truncated(bytes);
}

}  // namespace

std::string quoted(std::string_view name) { return "record " + std::string(name.substr(0, 200)); }

ZipDirectory find_directory(const ZipBytes& bytes) {
  const std::uint64_t end = find_end(bytes);
  const auto wrong = [](const char* what) {
    return model_error(what).at("zip directory").hint(damaged);
  };
  const auto disk = bytes.read<std::uint16_t>(end + 4),
             directory_disk = bytes.read<std::uint16_t>(end + 6);
  const auto here = bytes.read<std::uint16_t>(end + 8), count = bytes.read<std::uint16_t>(end + 10);
  const auto size = bytes.read<std::uint32_t>(end + 12),
             offset = bytes.read<std::uint32_t>(end + 16);
  ZipDirectory directory{.offset = offset, .size = size, .count = count, .end = end};
  if ((disk != 0 && disk != all_ones_16) ||
      (directory_disk != 0 && directory_disk != all_ones_16) || here != count) {
    throw model_error("the zip archive is spread over several disks")
        .at("zip directory")
        .hint("join its parts first");
  }
  if (end >= locator64_size &&
      bytes.read<std::uint32_t>(end - locator64_size) == locator64_signature) {
    const std::uint64_t locator = end - locator64_size;
    const auto at = bytes.read<std::uint64_t>(locator + 8);
    if (!bytes.has(at, end64_size) || at > locator ||
        bytes.read<std::uint32_t>(at) != end64_signature) {
      throw wrong("the zip64 end record is not where it should be");
    }
    if (bytes.read<std::uint32_t>(at + 16) != 0 || bytes.read<std::uint32_t>(at + 20) != 0 ||
        bytes.read<std::uint32_t>(locator + 16) > 1) {
      throw wrong("the zip archive is spread over several disks");
    }
    const ZipDirectory large{.offset = bytes.read<std::uint64_t>(at + 48),
                             .size = bytes.read<std::uint64_t>(at + 40),
                             .count = bytes.read<std::uint64_t>(at + 32),
                             .end = at};
    if ((count != all_ones_16 && count != large.count) ||
        (size != all_ones && size != large.size) ||
        (offset != all_ones && offset != large.offset) ||
        bytes.read<std::uint64_t>(at + 24) != large.count) {
      throw wrong("the two end records of the zip archive disagree");
    }
    directory = large;
  }
  if (!bytes.has(directory.offset, directory.size) ||
      directory.offset + directory.size > directory.end) {
    throw wrong("the zip directory lies beyond the file");
  }
  if (directory.count > most_records || directory.count > directory.size / central_size) {
    throw wrong("the zip directory claims more entries than it has room for");
  }
  return directory;
}

}  // namespace pellucid::pt2

// Zip, as its APPNOTE describes it, with bounds: every offset is checked against the file before it
// is followed, every entry's local header must agree with the central directory, and no byte may
// belong to two entries.
#include "pellucid/formats/pt2/zip.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/zip_directory.h"

namespace pellucid::pt2 {
namespace {

constexpr std::uint64_t longest_name = 4096;
// torch packs nothing; what other tools packed is unpacked into memory, so it is bounded: each
// entry and all together.
constexpr std::uint64_t most_unpacked = std::uint64_t{1} << 30, least_checked_ratio = 1 << 20,
                        highest_ratio = 200;

void check_name(std::string_view name) {
  const auto refuse = [&](const char* why) {
    return model_error("an entry's name " + std::string(why))
        .at(quoted(name))
        .hint("the file was not written by torch.export.save");
  };
  if (name.empty()) throw refuse("is empty");
  if (name.size() > longest_name) throw refuse("is too long");
  if (name.find('\0') != name.npos) throw refuse("contains a zero byte");
  if (name.find('\\') != name.npos) throw refuse("contains a backslash");
  if (name.front() == '/' || (name.size() > 1 && name[1] == ':'))
    throw refuse("is an absolute path");
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t slash = std::min(name.find('/', from), name.size());
    if (name.substr(from, slash - from) == "..") throw refuse("leaves the archive by \"..\"");
    from = slash + 1;
  }
}

struct Wide {
  std::uint64_t packed, size, offset;
};

// The 64-bit fields that stand in the extra field for those that are all ones.
void read_zip64_extra(const ZipBytes& bytes, std::uint64_t at, std::uint64_t length, Wide& sizes,
                      std::string_view name) {
  const bool wide_size = sizes.size == all_ones, wide_packed = sizes.packed == all_ones,
             wide_offset = sizes.offset == all_ones;
  if (!wide_size && !wide_packed && !wide_offset) return;
  for (const std::uint64_t end = at + length; at + 4 <= end;) {
    const auto id = bytes.read<std::uint16_t>(at), count = bytes.read<std::uint16_t>(at + 2);
    std::uint64_t field = at + 4;
    at = field + count;
    if (id != 1 || at > end) continue;
    for (auto [wanted, target] : {std::pair{wide_size, &sizes.size},
                                  {wide_packed, &sizes.packed},
                                  {wide_offset, &sizes.offset}}) {
      if (!wanted) continue;
      if (field + 8 > at)
        throw model_error("an entry's zip64 sizes are missing").at(quoted(name)).hint(damaged);
      *target = bytes.read<std::uint64_t>(field);
      field += 8;
    }
    return;
  }
  throw model_error("an entry's zip64 sizes are missing").at(quoted(name)).hint(damaged);
}

struct Extent {
  std::uint64_t begin, end;
  std::size_t record;
};

// Checks the local header against the directory's entry; gives where the entry's bytes lie.
Extent locate(const ZipBytes& bytes, Record& record, const Wide& sizes, std::uint16_t flags,
              std::uint16_t method) {
  const auto wrong = [&](const char* what) {
    return model_error(what).at(quoted(record.name)).hint(damaged);
  };
  const std::uint64_t at = sizes.offset;
  if (!bytes.has(at, local_size)) throw wrong("an entry begins beyond the end of the file");
  if (bytes.read<std::uint32_t>(at) != local_signature)
    throw wrong("an entry has no header where it should begin");
  const auto name_length = bytes.read<std::uint16_t>(at + 26),
             extra_length = bytes.read<std::uint16_t>(at + 28);
  if (!bytes.has(at + local_size, std::uint64_t{name_length} + extra_length))
    throw wrong("an entry's header lies beyond the file");
  if (bytes.text(at + local_size, name_length) != record.name)
    throw wrong("an entry's two names disagree");
  const auto local_flags = bytes.read<std::uint16_t>(at + 6);
  if (bytes.read<std::uint16_t>(at + 8) != method || ((local_flags ^ flags) & 0x2049) != 0) {
    throw wrong("an entry's two headers disagree");
  }
  const bool sizes_follow = (local_flags & 8) != 0;
  Wide local{.packed = bytes.read<std::uint32_t>(at + 18),
             .size = bytes.read<std::uint32_t>(at + 22),
             .offset = 0};
  if (!sizes_follow) {
    read_zip64_extra(bytes, at + local_size + name_length, extra_length, local, record.name);
    if (local.size != sizes.size || local.packed != sizes.packed ||
        bytes.read<std::uint32_t>(at + 14) != record.crc) {
      throw wrong("an entry's two headers disagree about its size or checksum");
    }
  }
  const std::uint64_t data = at + local_size + name_length + extra_length;
  if (!bytes.has(data, sizes.packed)) {
    throw model_error("an entry claims " + std::to_string(sizes.packed) +
                      " bytes, more than the file has left")
        .at(quoted(record.name))
        .hint(damaged);
  }
  record.packed = bytes.part(data, sizes.packed);
  return {at, data + sizes.packed, 0};
}

void check_packing(const Record& record, std::uint64_t& unpacked) {
  if (!record.deflated) {
    if (record.packed.size() != record.size)
      throw model_error("a stored entry has two sizes").at(quoted(record.name)).hint(damaged);
    return;
  }
  unpacked += record.size;
  const bool bomb =
      record.size > least_checked_ratio && record.size / highest_ratio > record.packed.size();
  if (bomb || record.size > most_unpacked || unpacked > most_unpacked) {
    throw model_error("a compressed entry would unpack to " + std::to_string(record.size) +
                      " bytes, beyond the bound")
        .at(quoted(record.name))
        .hint("write the file with torch.export.save, which compresses nothing");
  }
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> span) {
  const ZipBytes bytes(span);
  const ZipDirectory directory = find_directory(bytes);
  records_.reserve(directory.count);
  std::vector<Extent> extents;
  extents.reserve(directory.count);
  std::uint64_t at = directory.offset, unpacked = 0;
  const std::uint64_t directory_end = directory.offset + directory.size;
  const auto wrong = [](const char* what) {
    return model_error(what).at("zip directory").hint(damaged);
  };
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (at + central_size > directory_end || bytes.read<std::uint32_t>(at) != central_signature) {
      throw wrong("the zip directory ends too early").at("entry " + std::to_string(i));
    }
    const auto flags = bytes.read<std::uint16_t>(at + 8),
               method = bytes.read<std::uint16_t>(at + 10);
    const std::uint64_t name_length = bytes.read<std::uint16_t>(at + 28),
                        extra_length = bytes.read<std::uint16_t>(at + 30),
                        comment_length = bytes.read<std::uint16_t>(at + 32);
    const std::uint64_t next = at + central_size + name_length + extra_length + comment_length;
    if (next > directory_end)
      throw wrong("an entry of the zip directory is longer than it")
          .at("entry " + std::to_string(i));

    Record record;
    record.name = bytes.text(at + central_size, name_length);
    check_name(record.name);
    record.crc = bytes.read<std::uint32_t>(at + 16);
    if ((flags & 0x2041) != 0)
      throw model_error("an entry is encrypted")
          .at(quoted(record.name))
          .hint("decrypt the file first");
    if (method != 0 && method != 8) {
      throw model_error("an entry is compressed by method " + std::to_string(method))
          .at(quoted(record.name))
          .hint("write the file with torch.export.save, which compresses nothing");
    }
    record.deflated = method == 8;
    Wide sizes{.packed = bytes.read<std::uint32_t>(at + 20),
               .size = bytes.read<std::uint32_t>(at + 24),
               .offset = bytes.read<std::uint32_t>(at + 42)};
    read_zip64_extra(bytes, at + central_size + name_length, extra_length, sizes, record.name);
    record.size = sizes.size;
    Extent extent = locate(bytes, record, sizes, flags, method);
    extent.record = records_.size();
    if (extent.end > directory.offset)
      throw model_error("an entry reaches into the zip directory")
          .at(quoted(record.name))
          .hint(damaged);
    extents.push_back(extent);
    check_packing(record, unpacked);
    if (!by_name_.emplace(record.name, records_.size()).second) {
      throw model_error("two entries have the same name")
          .at(quoted(record.name))
          .hint("the file was altered: export it again");
    }
    records_.push_back(record);
    at = next;
  }
  if (at != directory_end) throw wrong("the zip directory has bytes that belong to no entry");

  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end) {
      throw model_error("two entries overlap: " + std::string(records_[extents[i - 1].record].name))
          .at(quoted(records_[extents[i].record].name))
          .hint("the file was altered: export it again");
    }
  }
}

const Record* ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &records_[found->second];
}

const Record& ZipArchive::get(std::string_view name) const {
  if (const Record* record = find(name)) return *record;
  throw model_error("the archive lacks a record").at(quoted(name)).hint("export the model again");
}

Content ZipArchive::content(const Record& record) const {
  Content content{nullptr, record.packed};
  if (record.deflated) {
    const auto memory = std::make_shared<std::vector<std::byte>>(record.size);
    const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> unpacker(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::size_t written = 0;
    const auto result = unpacker == nullptr
                            ? LIBDEFLATE_BAD_DATA
                            : libdeflate_deflate_decompress(unpacker.get(), record.packed.data(),
                                                            record.packed.size(), memory->data(),
                                                            memory->size(), &written);
    if (result != LIBDEFLATE_SUCCESS || written != record.size) {
      throw model_error("a compressed entry cannot be unpacked")
          .at(quoted(record.name))
          .hint(damaged);
    }
    content = {memory, *memory};
  }
  check_crc(record, crc32(0, content.bytes));
  return content;
}

std::string_view ZipArchive::text(const Record& record, Content& keep) const {
  keep = content(record);
  return {reinterpret_cast<const char*>(keep.bytes.data()), keep.bytes.size()};
}

std::uint32_t crc32(std::uint32_t so_far, std::span<const std::byte> bytes) {
  return libdeflate_crc32(so_far, bytes.data(), bytes.size());
}

void check_crc(const Record& record, std::uint32_t computed) {
  if (computed == record.crc) return;
  throw model_error("a record's bytes do not match their checksum")
      .at(quoted(record.name))
      .hint(damaged);
}

bool looks_like_zip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0;
}

}  // namespace pellucid::pt2

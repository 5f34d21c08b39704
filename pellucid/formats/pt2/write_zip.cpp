// Zip, as its APPNOTE describes it. The checksum stands before the bytes, so that they are gone
// through twice and never copied.
#include "pellucid/formats/pt2/write_zip.h"

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/formats/pt2/zip_directory.h"

namespace pellucid::pt2 {
namespace {

constexpr std::uint64_t alignment = 64;
constexpr std::uint16_t padding_id = 0x4246;  // what torch calls the field it aligns records with
constexpr std::uint16_t zip64_id = 1;
constexpr std::uint16_t plain_version = 20, zip64_version = 45;
constexpr std::uint16_t first_day = (1 << 5) | 1;  // 1980-01-01: the same model is the same file

class Fields {
 public:
  Fields& two(std::uint64_t value) { return little(value, 2); }
  Fields& four(std::uint64_t value) { return little(value, 4); }
  Fields& eight(std::uint64_t value) { return little(value, 8); }
  Fields& text(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Fields& little(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>((value >> (8 * i)) & 0xff);
    return *this;
  }
  std::string bytes_;
};

bool is_wide(std::uint64_t number) { return number >= all_ones; }
std::uint64_t narrow(std::uint64_t number) { return is_wide(number) ? all_ones : number; }

}  // namespace

void ZipWriter::put(std::string_view bytes) {
  sink_(std::as_bytes(std::span(bytes)));
  written_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::string_view text) {
  add(name, std::as_bytes(std::span(text)));
}

void ZipWriter::add(std::string_view name, std::span<const std::byte> bytes) {
  if (std::ranges::find(entries_, name, &Entry::name) != entries_.end())
    throw internal_error("two entries of one name").at(quoted(name));
  const Entry& entry =
      entries_.emplace_back(Entry{std::string(name), crc32(0, bytes), bytes.size(), written_});
  Fields wide;
  if (is_wide(entry.size)) wide.two(zip64_id).two(16).eight(entry.size).eight(entry.size);
  const std::uint64_t unpadded =
      written_ + local_size + name.size() + wide.bytes().size() + 4;  // the padding's own head
  const std::uint64_t padding = (alignment - unpadded % alignment) % alignment;
  put(Fields()
          .four(local_signature)
          .two(is_wide(entry.size) ? zip64_version : plain_version)
          .two(0)
          .two(0)
          .two(0)
          .two(first_day)
          .four(entry.crc)
          .four(narrow(entry.size))
          .four(narrow(entry.size))
          .two(name.size())
          .two(wide.bytes().size() + 4 + padding)
          .text(name)
          .text(wide.bytes())
          .two(padding_id)
          .two(padding)
          .text(std::string(padding, '\0'))
          .bytes());
  // A disk fills up, and a user presses Ctrl-C, in the middle of a large weight.
  constexpr std::size_t piece = std::size_t{1} << 24;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    sink_(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  written_ += bytes.size();
}

void ZipWriter::finish() {
  const std::uint64_t begin = written_;
  for (const Entry& entry : entries_) {
    Fields wide;
    if (is_wide(entry.size)) wide.eight(entry.size).eight(entry.size);
    if (is_wide(entry.offset)) wide.eight(entry.offset);
    const std::uint64_t length = wide.bytes().size();
    Fields extra;
    if (length > 0) extra.two(zip64_id).two(length).text(wide.bytes());
    const auto version = length > 0 ? zip64_version : plain_version;
    put(Fields()
            .four(central_signature)
            .two(version)
            .two(version)
            .two(0)
            .two(0)
            .two(0)
            .two(first_day)
            .four(entry.crc)
            .four(narrow(entry.size))
            .four(narrow(entry.size))
            .two(entry.name.size())
            .two(extra.bytes().size())
            .two(0)
            .two(0)
            .two(0)
            .four(0)
            .four(narrow(entry.offset))
            .text(entry.name)
            .text(extra.bytes())
            .bytes());
  }
  const std::uint64_t end = written_, size = end - begin, count = entries_.size();
  const bool many = count >= all_ones_16;
  if (is_wide(begin) || is_wide(size) || many) {
    put(Fields()
            .four(end64_signature)
            .eight(end64_size - 12)
            .two(zip64_version)
            .two(zip64_version)
            .four(0)
            .four(0)
            .eight(count)
            .eight(count)
            .eight(size)
            .eight(begin)
            .bytes());
    put(Fields().four(locator64_signature).four(0).eight(end).four(1).bytes());
  }
  put(Fields()
          .four(end_signature)
          .two(0)
          .two(0)
          .two(many ? all_ones_16 : count)
          .two(many ? all_ones_16 : count)
          .four(narrow(size))
          .four(narrow(begin))
          .two(0)
          .bytes());
}

}  // namespace pellucid::pt2

// BMP by our own reader: headers of Windows and OS/2, 1, 4, 8, 16, 24 and 32 bits, bit fields, run
// lengths, either row order. Pixels equal Pillow's. Every read is checked against the file's end.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid::codecs {
namespace {

enum Compression : std::uint32_t {
  plain = 0,
  runs8 = 1,
  runs4 = 2,
  fields = 3,
  jpeg = 4,
  png = 5,
  alpha_fields = 6
};

struct Header {
  std::size_t data = 0;     // where the pixels begin
  std::size_t palette = 0;  // where the palette begins
  std::size_t entry = 4;    // bytes of a palette's entry
  std::size_t colors = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = plain;
  std::array<std::uint32_t, 3> masks = {};
};

std::uint32_t number(Bytes bytes, std::size_t offset, std::size_t width) {
  if (offset > bytes.size() || bytes.size() - offset < width)
    throw truncated_error("its header is incomplete");
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i)
    value |= static_cast<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return value;
}

Header read_header(Bytes bytes) {
  constexpr std::size_t file_header = 14;
  Header header;
  header.data = number(bytes, 10, 4);
  const std::uint32_t size = number(bytes, file_header, 4);
  std::uint32_t colors = 0;
  if (size == 12) {
    header.width = number(bytes, file_header + 4, 2);
    header.height = number(bytes, file_header + 6, 2);
    header.bits = number(bytes, file_header + 10, 2);
    header.entry = 3;
  } else if (size == 16 || (size >= 40 && size <= 256)) {
    header.width = static_cast<std::int32_t>(number(bytes, file_header + 4, 4));
    header.height = static_cast<std::int32_t>(number(bytes, file_header + 8, 4));
    header.bits = number(bytes, file_header + 14, 2);
    if (size >= 40) {
      header.compression = number(bytes, file_header + 16, 4);
      colors = number(bytes, file_header + 32, 4);
    }
    header.top_down = header.height < 0;
    header.height = header.top_down ? -header.height : header.height;
  } else {
    throw input_error("a BMP with an unknown header of " + std::to_string(size) + " bytes");
  }
  header.palette = file_header + size;
  if (header.compression == fields || header.compression == alpha_fields) {
    for (std::size_t i = 0; i < 3; ++i)
      header.masks[i] = number(bytes, file_header + 40 + 4 * i, 4);
    if (size == 40) header.palette += header.compression == fields ? 12 : 16;
  } else if (header.bits == 16) {
    header.masks = {0x7c00, 0x03e0, 0x001f};
  } else {
    header.masks = {0xff0000, 0x00ff00, 0x0000ff};
  }
  if (header.bits <= 8)
    header.colors =
        std::min<std::size_t>(colors == 0 ? 256 : colors, std::size_t{1} << header.bits);
  return header;
}

void check_kind(const Header& header) {
  const std::uint32_t bits = header.bits;
  const bool known = bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32;
  bool fits = false;
  switch (header.compression) {
    case plain:
      fits = known;
      break;
    case runs8:
      fits = bits == 8 && !header.top_down;
      break;
    case runs4:
      fits = bits == 4 && !header.top_down;
      break;
    case fields:
    case alpha_fields:
      fits = bits == 16 || bits == 32;
      break;
    default:
      break;
  }
  if (!fits) {
    throw input_error("a BMP of " + std::to_string(bits) + " bits with compression " +
                      std::to_string(header.compression) + " is not read")
        .hint("save it as a PNG");
  }
}

using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

Palette read_palette(Bytes bytes, const Header& header) {
  Palette palette = {};
  for (std::size_t i = 0; i < header.colors; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      palette[i][2 - channel] =
          static_cast<std::uint8_t>(number(bytes, header.palette + header.entry * i + channel, 1));
    }
  }
  return palette;
}

struct Canvas {
  std::uint8_t* pixels;
  const Header* header;

  std::uint8_t* row(std::int64_t y) const {  // y in the file's order
    return pixels + 3 * header->width * (header->top_down ? y : header->height - 1 - y);
  }
};

std::uint8_t field(std::uint32_t value, std::uint32_t mask) {
  if (mask == 0) return 0;
  const std::uint64_t most = mask >> std::countr_zero(mask);
  const std::uint64_t part = (value & mask) >> std::countr_zero(mask);
  return static_cast<std::uint8_t>(part * 255 / most);
}

// Returns how many rows the file holds.
std::int64_t read_plain(Bytes data, const Header& header, const Palette& palette,
                        const Canvas& canvas) {
  const std::size_t stride = (static_cast<std::size_t>(header.width) * header.bits + 31) / 32 * 4;
  for (std::int64_t y = 0; y < header.height; ++y) {
    const std::size_t offset = stride * static_cast<std::size_t>(y);
    const std::size_t needed = (static_cast<std::size_t>(header.width) * header.bits + 7) / 8;
    if (offset > data.size() || data.size() - offset < needed)
      return y;  // the last row's padding may be missing
    const auto* source = reinterpret_cast<const std::uint8_t*>(data.data()) + offset;
    std::uint8_t* target = canvas.row(y);
    for (std::int64_t x = 0; x < header.width; ++x, target += 3) {
      if (header.bits <= 8) {
        const std::size_t bit = static_cast<std::size_t>(x) * header.bits;
        const unsigned index =
            (source[bit / 8] >> (8 - header.bits - bit % 8)) & ((1U << header.bits) - 1);
        std::memcpy(target, palette[index].data(), 3);
      } else if (header.bits == 24) {
        target[0] = source[3 * x + 2];
        target[1] = source[3 * x + 1];
        target[2] = source[3 * x];
      } else {
        std::uint32_t value = 0;
        for (std::uint32_t i = 0; i < header.bits / 8; ++i) {
          value |= std::uint32_t{source[x * (header.bits / 8) + i]} << (8 * i);
        }
        for (std::size_t channel = 0; channel < 3; ++channel)
          target[channel] = field(value, header.masks[channel]);
      }
    }
  }
  return header.height;
}

// Run lengths: (count, value) repeats; (0, 0) ends a row, (0, 1) the picture, (0, 2) moves, (0, n)
// copies n indices. Pixels that nothing reaches have the palette's first colour. Returns how many
// rows were begun before the data ended.
std::int64_t read_runs(Bytes data, const Header& header, const Palette& palette,
                       const Canvas& canvas) {
  for (std::int64_t y = 0; y < header.height; ++y) {
    for (std::int64_t x = 0; x < header.width; ++x)
      std::memcpy(canvas.row(y) + 3 * x, palette[0].data(), 3);
  }
  const bool nibbles = header.compression == runs4;
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::size_t at = 0;
  const auto put = [&](unsigned index) {
    if (x < header.width && y < header.height)
      std::memcpy(canvas.row(y) + 3 * x, palette[index].data(), 3);
    ++x;
  };
  const auto byte = [&](std::size_t offset) { return static_cast<unsigned>(data[offset]); };
  const auto pick = [&](unsigned value, unsigned i) {
    return !nibbles ? value : i % 2 == 0 ? value >> 4 : value & 15;
  };
  while (at + 2 <= data.size() && y < header.height) {
    const unsigned count = byte(at);
    const unsigned value = byte(at + 1);
    at += 2;
    if (count > 0) {
      for (unsigned i = 0; i < count; ++i) put(pick(value, i));
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      return header.height;
    } else if (value == 2) {
      if (at + 2 > data.size()) break;
      x += byte(at);
      y += byte(at + 1);
      at += 2;
    } else {
      const std::size_t length = nibbles ? (value + 1) / 2 : value;
      if (at + length > data.size()) break;
      for (unsigned i = 0; i < value; ++i) put(pick(byte(at + (nibbles ? i / 2 : i)), i));
      at += length + length % 2;
    }
  }
  return y;
}

}  // namespace

Decoded decode_bmp(Bytes bytes, const DecodeLimits& limits) {
  const Header header = read_header(bytes);
  check_kind(header);
  check_area(header.width, header.height, limits);
  const Palette palette = read_palette(bytes, header);
  if (header.data > bytes.size()) throw truncated_error("its pixels are missing");

  Decoded decoded;
  decoded.pixels = allocate_pixels(header.width, header.height, true);
  const Canvas canvas{decoded.pixels.mutable_data_ptr<std::uint8_t>(), &header};
  const Bytes data = bytes.subspan(header.data);
  const bool runs = header.compression == runs8 || header.compression == runs4;
  const std::int64_t rows =
      runs ? read_runs(data, header, palette, canvas) : read_plain(data, header, palette, canvas);
  if (header.bits <= 8) decoded.conversions.emplace_back("palette to RGB");
  if (header.bits == 16) decoded.conversions.emplace_back("5 or 6 bits per channel stretched to 8");
  if (rows < header.height) {
    const std::string found =
        std::to_string(rows) + " of " + std::to_string(header.height) + " rows";
    if (!limits.salvage) throw truncated_error(found);
    decoded.conversions.push_back("salvaged, part of the picture is missing (" + found + ")");
  }
  return decoded;
}

}  // namespace pellucid::codecs

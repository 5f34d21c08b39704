// Labels and file names are whatever their authors wrote. They are drawn as outlines, so markup
// cannot act; what is taken out here is what would stop Cairo (invalid UTF-8) or mislead a reader
// (reordering, invisible characters).
#include "pellucid/render/line.h"

#include <algorithm>
#include <cstdint>

namespace pellucid {
namespace {

constexpr char32_t replacement = 0xfffd;

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x034f || c == 0x061c ||
         c == 0x115f || c == 0x1160 || (c >= 0x180b && c <= 0x180e) ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
         (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe ||
         (c >= 0xfdd0 && c <= 0xfdef);
}

}  // namespace

std::vector<char32_t> decode_utf8(std::string_view text) {
  std::vector<char32_t> result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const int length = lead < 0x80                   ? 1
                       : lead >= 0xc2 && lead < 0xe0 ? 2
                       : (lead & 0xf0) == 0xe0       ? 3
                       : lead >= 0xf0 && lead < 0xf5 ? 4
                                                     : 0;
    char32_t character = length < 2 ? lead : lead & (0x7fu >> length);
    bool valid = length > 0 && i + static_cast<std::size_t>(length) <= text.size();
    for (int k = 1; valid && k < length; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]);
      valid = (next & 0xc0) == 0x80;
      character = (character << 6) | (next & 0x3fu);
    }
    valid = valid &&
            !(length == 3 && (character < 0x800 || (character >= 0xd800 && character < 0xe000))) &&
            !(length == 4 && (character < 0x10000 || character > 0x10ffff));
    result.push_back(valid ? character : replacement);
    i += valid ? static_cast<std::size_t>(length) : 1;
  }
  return result;
}

void append_utf8(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) {
    text += static_cast<char>(static_cast<std::uint8_t>(byte));
  };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6));
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3f));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

std::string plain_line(std::string_view text, std::size_t most) {
  // Four bytes a character at most, and the rest is cut anyway: a text of megabytes is not even
  // read.
  const bool cut = text.size() > 4 * most + 4;
  std::vector<char32_t> line;
  bool space = false;
  for (const char32_t c : decode_utf8(cut ? text.substr(0, 4 * most + 4) : text)) {
    if (is_space(c)) {
      space = !line.empty();
    } else if (!is_invisible(c)) {
      if (space) line.push_back(U' ');
      space = false;
      line.push_back(c);
    }
  }
  if (line.size() > most || cut) {
    line.resize(std::min(line.size(), std::max<std::size_t>(most, 1) - 1));
    line.push_back(U'\u2026');
  }
  std::string result;
  for (const char32_t c : line) append_utf8(result, c);
  return result;
}

std::string escape_xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace pellucid

// Foreign text as one line that is safe to draw and to put into a document.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

// UTF-8 → code points; each invalid byte becomes U+FFFD.
std::vector<char32_t> decode_utf8(std::string_view text);
void append_utf8(std::string& text, char32_t character);

// Invalid UTF-8 becomes U+FFFD; control, bidirectional and invisible characters go; white space
// becomes one space; what exceeds `most` code points becomes an ellipsis.
std::string plain_line(std::string_view text, std::size_t most = 300);

// The text as XML character data.
std::string escape_xml(std::string_view text);

}  // namespace pellucid

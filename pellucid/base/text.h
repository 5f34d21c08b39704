// The words people read. The English text in the code is the key; Simplified Chinese stands in one
// table (chinese.cpp); a text missing there falls back to English, and the test of that table lists
// what is missing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pellucid {

enum class Language { english, chinese };

// "en" or "zh"; throws Error (Fault::usage) for anything else.
Language language(std::string_view name);

// The text in the language, with {0}, {1}, ... replaced by the values.
std::string say(Language language, std::string_view english,
                std::initializer_list<std::string_view> values = {});

// The text in the language, its {0}, {1}, ... left as they are: for texts that come from a table.
std::string_view translated(Language language, std::string_view english);

// English → Chinese pairs, sorted by nothing in particular; the table of chinese.cpp.
std::span<const std::pair<std::string_view, std::string_view>> chinese_table();

// "1.2 MiB", "734 B".
std::string human_bytes(double bytes);
// "1.24 s", "38 ms".
std::string human_seconds(double seconds);
// This moment, "2026-11-22T16:30:00Z".
std::string utc_now();
// A number with the given significant digits, without a locale: "0.00123".
std::string number(double value, int digits = 4);
// Bytes of "20MiB", "1.5GB", "4096"; throws Error (Fault::usage) otherwise.
std::int64_t parse_bytes(std::string_view text);
// Up to `count` of `names` nearest to `word` (edit distance, case-insensitive; names containing it
// first), as "a, b, c"; empty when none is like it.
std::string nearest(std::string_view word, std::span<const std::string> names, int count = 3);
std::string lower_case(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);
// Columns of a terminal that UTF-8 text takes: Chinese characters take two.
int display_width(std::string_view text);
// Foreign text (a label, a file name) that is safe on a terminal: control characters are escaped as
// \x1b, signs that turn the direction of writing are dropped.
std::string on_one_line(std::string_view text);

}  // namespace pellucid

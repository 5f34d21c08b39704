// Words, numbers and sizes as people read and write them. Nothing here depends on a locale.
#include "pellucid/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>
#include <unordered_map>
#include <vector>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

const std::unordered_map<std::string_view, std::string_view>& chinese() {
  static const std::unordered_map<std::string_view, std::string_view> table = [] {
    const auto pairs = chinese_table();
    return std::unordered_map<std::string_view, std::string_view>(pairs.begin(), pairs.end());
  }();
  return table;
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1
// each.
int distance(std::string_view a, std::string_view b) {
  std::vector<int> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({replaced, row[j] + 1, next[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

Language language(std::string_view name) {
  if (name == "en") return Language::english;
  if (name == "zh") return Language::chinese;
  throw usage_error("unknown language \"" + std::string(name) + "\"").hint("use en or zh");
}

std::string_view translated(Language language, std::string_view english) {
  if (language == Language::english) return english;
  const auto found = chinese().find(english);
  return found == chinese().end() ? english : found->second;
}

std::string say(Language language, std::string_view english,
                std::initializer_list<std::string_view> values) {
  const std::string_view text = translated(language, english);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool place = text[i] == '{' && i + 2 < text.size() && text[i + 1] >= '0' &&
                       text[i + 1] <= '9' && text[i + 2] == '}';
    const std::size_t which = place ? static_cast<std::size_t>(text[i + 1] - '0') : values.size();
    if (which < values.size()) {
      result += values.begin()[which];
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string utc_now() {
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string number(double value, int digits) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::general, digits);
  return {buffer.data(), end.ptr};
}

std::string human_bytes(double bytes) {
  static constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  if (unit > 0 && std::abs(bytes) < 100)
    bytes = std::round(bytes * 10) / 10;
  else
    bytes = std::round(bytes);
  return number(bytes, 6) + " " + std::string(units[unit]);
}

std::string human_seconds(double seconds) {
  if (seconds < 1e-3) return number(seconds * 1e6, 3) + " µs";
  if (seconds < 0.9995) return number(seconds * 1e3, 3) + " ms";
  if (seconds < 59.995) return number(seconds, 3) + " s";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::int64_t parse_bytes(std::string_view text) {
  const auto wrong = [&] {
    return usage_error("\"" + std::string(text) + "\" is not a size")
        .hint("write a number of bytes, or one with KB, MB, GB, KiB, MiB or GiB, such as 2GiB");
  };
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || !(value >= 0)) throw wrong();
  std::string unit = lower_case(text.substr(static_cast<std::size_t>(read.ptr - text.data())));
  unit.erase(0, std::min(unit.find_first_not_of(' '), unit.size()));
  static constexpr std::pair<std::string_view, double> units[] = {{"", 1},
                                                                  {"b", 1},
                                                                  {"k", 1e3},
                                                                  {"kb", 1e3},
                                                                  {"m", 1e6},
                                                                  {"mb", 1e6},
                                                                  {"g", 1e9},
                                                                  {"gb", 1e9},
                                                                  {"t", 1e12},
                                                                  {"tb", 1e12},
                                                                  {"kib", 1024.0},
                                                                  {"mib", 1048576.0},
                                                                  {"gib", 1073741824.0},
                                                                  {"tib", 1099511627776.0}};
  const auto found = std::ranges::find(units, unit, [](const auto& pair) { return pair.first; });
  if (found == std::end(units)) throw wrong();
  const double bytes = std::floor(value * found->second);
  if (bytes > 9e18) throw wrong();
  return static_cast<std::int64_t>(bytes);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string whole;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) whole += separator;
    whole += part;
  }
  return whole;
}

std::string nearest(std::string_view word, std::span<const std::string> names, int count) {
  // Names are bounded so that a hostile list of long names can't make a message expensive.
  constexpr std::size_t longest = 200;
  const std::string wanted = lower_case(word.substr(0, longest));
  struct Ranked {
    int distance;
    const std::string* name;
  };
  std::vector<Ranked> ranked;
  for (const std::string& name : names) {
    const std::string lower = lower_case(std::string_view(name).substr(0, longest));
    const bool contains = !wanted.empty() && lower.find(wanted) != std::string::npos;
    const int d = contains ? -1 : distance(wanted, lower);
    // Farther than half of the longer word is no likeness any more.
    if (d <= static_cast<int>(std::max(wanted.size(), lower.size()) + 1) / 2)
      ranked.push_back({d, &name});
  }
  std::ranges::stable_sort(ranked, {}, &Ranked::distance);
  std::vector<std::string> best;
  for (const Ranked& each : ranked) {
    // Beside a good guess a poor one only distracts.
    if (static_cast<int>(best.size()) == count || each.distance > ranked.front().distance + 1)
      break;
    best.push_back(*each.name);
  }
  return join(best, ", ");
}

int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    // E2 and below: Latin, Greek, punctuation, bars. E3 and above: CJK, which terminals draw two
    // columns wide.
    width += first >= 0xe3 ? 2 : 1;
    at += first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  }
  return width;
}

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      constexpr std::string_view digits = "0123456789abcdef";
      line += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      line += c;
    }
  }
  // C1 controls (U+0080–U+009F) and the signs that turn the direction of writing, as UTF-8.
  std::string safe;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto at = [&](std::size_t k) {
      return k < line.size() ? static_cast<unsigned char>(line[k]) : 0;
    };
    if (at(i) == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) <= 0x9f) {
      i += 1;
    } else if (at(i) == 0xe2 && ((at(i + 1) == 0x80 &&
                                  ((at(i + 2) >= 0xaa && at(i + 2) <= 0xae) || at(i + 2) == 0x8e ||
                                   at(i + 2) == 0x8f || at(i + 2) == 0xa8 || at(i + 2) == 0xa9)) ||
                                 (at(i + 1) == 0x81 && at(i + 2) >= 0xa6 && at(i + 2) <= 0xa9))) {
      i += 2;
    } else {
      safe += line[i];
    }
  }
  return safe;
}

}  // namespace pellucid

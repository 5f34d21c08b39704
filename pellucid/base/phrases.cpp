// Patterns are cut at their places once; a text fits if it begins and ends with the outer pieces
// and has the others between them in order, each as early as it can be. There is no going back, so
// a text costs a search for each piece at most; what is nested is bounded in depth and in all.
#include "pellucid/base/phrases.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr std::size_t longest = 16384;  // bytes of a text
constexpr int deepest = 4;              // phrases within phrases
constexpr int most_tries = 100000;      // patterns for one text, with all that is nested in it

enum class Value { kept, perhaps_phrase, phrase };

// A piece of Chinese and the place behind it; the last one has none.
struct Part {
  std::string literal;
  int place = -1;
  Value value = Value::kept;
};

struct Pattern {
  std::vector<std::string> pieces;  // of the English text, around its places
  std::vector<Part> parts;
  std::size_t letters = 0;
  bool tail = false;  // a phrase and what stands behind it: "{0!} (3 times)"
};

using Values = std::vector<std::string_view>;

// The length of the place that begins at `at`: "{0}", "{0~}", "{0!}"; else 0.
std::size_t place_length(std::string_view text, std::size_t at) {
  const auto letter = [&](std::size_t i) { return at + i < text.size() ? text[at + i] : '\0'; };
  if (letter(0) != '{' || letter(1) < '0' || letter(1) > '9') return 0;
  if (letter(2) == '}') return 3;
  return (letter(2) == '~' || letter(2) == '!') && letter(3) == '}' ? 4 : 0;
}

std::vector<Part> parts_of(std::string_view text) {
  std::vector<Part> parts(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = place_length(text, at);
    if (length == 0) {
      parts.back().literal += text[at++];
      continue;
    }
    parts.back().place = text[at + 1] - '0';
    if (length == 4) {
      const bool needed = text[at + 2] == '!';
      parts.back().value = needed ? Value::phrase : Value::perhaps_phrase;
    }
    parts.emplace_back();
    at += length;
  }
  return parts;
}

Pattern pattern_of(std::string_view english, std::string_view chinese) {
  Pattern pattern;
  for (Part& part : parts_of(english)) {
    pattern.letters += part.literal.size();
    pattern.pieces.push_back(std::move(part.literal));
  }
  pattern.parts = parts_of(chinese);
  const Part& first = pattern.parts.front();
  pattern.tail = first.place == 0 && first.literal.empty() && first.value == Value::phrase &&
                 pattern.pieces.front().empty() && !pattern.pieces.back().empty();
  return pattern;
}

// The flag that begins at `at`, "--memory-limit"; empty where none does.
std::string_view flag_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (!rest.starts_with("--")) return {};
  const std::size_t end = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");
  return rest.size() > 2 && rest[2] != '-' && end != 2 ? rest.substr(0, end) : std::string_view();
}

std::vector<std::string_view> flags_of(std::string_view text) {
  std::vector<std::string_view> flags;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view flag = flag_at(text, at);
    if (flag.empty()) continue;
    if (std::ranges::find(flags, flag) == flags.end()) flags.push_back(flag);
    at += flag.size() - 1;
  }
  return flags;
}

// As operation/spelling.h spells some flags for requests: "--memory-limit" is "memory_limit",
// "--set" is "settings". Bit k of `which`: the k-th of the flags.
std::string spelled_for_requests(std::string_view text, std::span<const std::string_view> flags,
                                 unsigned which) {
  std::string spelled;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view flag = flag_at(text, at);
    const auto k = static_cast<unsigned>(std::ranges::find(flags, flag) - flags.begin());
    if (flag.empty() || (which >> k & 1U) == 0) {
      const std::size_t length = std::max<std::size_t>(flag.size(), 1);
      spelled += text.substr(at, length);
      at += length;
      continue;
    }
    std::string name(flag.substr(2));
    std::ranges::replace(name, '-', '_');
    spelled += name == "set" ? "settings" : name;
    at += flag.size();
  }
  return spelled;
}

struct Patterns {
  std::unordered_map<std::string, std::string> exact;
  std::vector<Pattern> inexact;  // tails, then those of most letters

  void add(std::string_view english, std::string_view chinese) {
    Pattern pattern = pattern_of(english, chinese);
    if (pattern.pieces.size() > 1)
      inexact.push_back(std::move(pattern));
    else
      exact.emplace(english, chinese);
  }

  explicit Patterns(std::initializer_list<std::span<const Phrase>> tables) {
    for (const std::span<const Phrase> table : tables) {
      for (const auto& [english, chinese] : table) {
        // Which flags are options of the operation, and so spelled otherwise, nobody knows here.
        const std::vector<std::string_view> flags = flags_of(english);
        for (unsigned which = 0; which < 1U << flags.size(); ++which) {
          add(spelled_for_requests(english, flags, which),
              spelled_for_requests(chinese, flags, which));
        }
      }
    }
    std::ranges::stable_sort(inexact, std::ranges::greater{}, [](const Pattern& pattern) {
      return std::pair(pattern.tail, pattern.letters);
    });
  }
};

const Patterns& texts() {
  static const Patterns all{phrases_of_faces(),         phrases_of_questions(), phrases_of_inputs(),
                            phrases_of_models(),        phrases_of_scripts(),   phrases_of_onnx(),
                            phrases_of_written_models()};
  return all;
}

const Patterns& places() {
  static const Patterns all{phrases_of_places()};
  return all;
}

bool fits(const Pattern& pattern, std::string_view text, Values& values) {
  const std::string_view first = pattern.pieces.front(), last = pattern.pieces.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first) || !text.ends_with(last))
    return false;
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  values.clear();
  for (std::size_t i = 1; i + 1 < pattern.pieces.size(); ++i) {
    const std::size_t at = text.find(pattern.pieces[i]);
    if (at == std::string_view::npos) return false;
    values.push_back(text.substr(0, at));
    text = text.substr(at + pattern.pieces[i].size());
  }
  values.push_back(text);
  return true;
}

class Rephrasing {
 public:
  explicit Rephrasing(const Patterns& patterns) : patterns_(patterns) {}

  // nullopt: no phrase.
  std::optional<std::string> phrase(std::string_view text, int depth) {
    if (depth > deepest || text.empty()) return std::nullopt;
    if (const auto found = patterns_.exact.find(std::string(text)); found != patterns_.exact.end())
      return found->second;
    if (const std::string_view known = translated(Language::chinese, text); known != text)
      return std::string(known);
    Values values;
    for (const Pattern& pattern : patterns_.inexact) {
      if (++tries_ > most_tries) return std::nullopt;
      if (!fits(pattern, text, values)) continue;
      if (std::optional<std::string> said = fill(pattern, values, depth)) return said;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> fill(const Pattern& pattern, const Values& values, int depth) {
    std::string said;
    for (const Part& part : pattern.parts) {
      said += part.literal;
      if (part.place < 0 || static_cast<std::size_t>(part.place) >= values.size()) continue;
      const std::string_view value = values[static_cast<std::size_t>(part.place)];
      std::optional<std::string> phrased;
      if (part.value != Value::kept) phrased = list(value, depth + 1);
      if (!phrased && part.value == Value::phrase) return std::nullopt;
      said += phrased.value_or(std::string(value));
    }
    return said;
  }

  // Several phrases with "; " between them; one; or several texts of which some are phrases.
  std::optional<std::string> list(std::string_view text, int depth) {
    constexpr std::string_view comma = "; ";
    if (text.find(comma) == std::string_view::npos) return phrase(text, depth);
    std::string said;
    bool some = false, all = true;
    for (std::string_view rest = text;;) {
      const std::size_t end = rest.find(comma);
      const std::string_view item = rest.substr(0, end);
      const std::optional<std::string> one = phrase(item, depth);
      some = some || one;
      all = all && one;
      said += one.value_or(std::string(item));
      if (end == std::string_view::npos) break;
      said += "；";
      rest = rest.substr(end + comma.size());
    }
    if (all) return said;
    const std::optional<std::string> one = phrase(text, depth);
    return one || !some ? one : std::optional(said);
  }

  const Patterns& patterns_;
  int tries_ = 0;
};

std::string rephrased_by(const Patterns& patterns, std::string_view text) {
  if (text.size() > longest) return std::string(text);
  std::string said = Rephrasing(patterns).phrase(text, 0).value_or(std::string(text));
  // Some phrases begin with the space that parts Latin letters from Chinese ones before them.
  if (said.starts_with(' ') && !text.starts_with(' ')) said.erase(0, 1);
  return said;
}

// What control characters become in Error::what().
std::string in_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string rephrased(Language language, std::string_view text) {
  if (language == Language::english) return std::string(text);
  return rephrased_by(texts(), text);
}

std::string rephrased_place(Language language, std::string_view where) {
  if (language == Language::english || where.size() > longest) return std::string(where);
  constexpr std::string_view comma = ", ";
  std::string said;
  while (true) {
    const std::size_t end = where.find(comma);
    std::string_view place = where.substr(0, end);
    // translated() knows words that are names here: the option "layer".
    const bool name = place.find(' ') == std::string_view::npos;
    said += name ? std::string(place) : rephrased_by(places(), place);
    if (end == std::string_view::npos) return said;
    said += "，";
    where = where.substr(end + comma.size());
  }
}

std::string line_of(const Error& error, Language language) {
  if (language == Language::english) return error.what();
  std::string line = rephrased(language, error.message());
  if (!error.where().empty()) line += "（" + rephrased_place(language, error.where()) + "）";
  if (!error.remedy().empty()) line += "：" + rephrased(language, error.remedy());
  return in_one_line(std::move(line));
}

}  // namespace pellucid

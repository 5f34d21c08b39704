// Every English text that the sources hand to say() stands in the Chinese table, with the same
// places.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "pellucid/base/text.h"

namespace pellucid {
namespace {

namespace fs = std::filesystem;

std::string unescape(const std::string& literal) {
  std::string text;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i];
    } else {
      ++i;
      text += literal[i] == 'n' ? '\n' : literal[i];
    }
  }
  return text;
}

// Adjacent literals after `from`, joined; "" when there is none.
std::string literal_at(const std::string& source, std::size_t from) {
  std::string joined;
  while (true) {
    from = source.find_first_not_of(" \n\t", from);
    if (from == std::string::npos || source[from] != '"') return unescape(joined);
    for (++from; from < source.size() && source[from] != '"'; ++from) {
      joined += source[from];
      if (source[from] == '\\') joined += source[++from];
    }
    ++from;
  }
}

// The texts of say(language, "...") and of the shorthand tell("..."), which classes have, in one
// source.
void collect(const std::string& source, std::set<std::string>& found) {
  for (const std::string_view call : {"say(", "tell("}) {
    for (std::size_t at = source.find(call); at != std::string::npos;
         at = source.find(call, at + 1)) {
      std::size_t first = at + call.size();
      if (call == "say(") first = source.find(',', first) + 1;  // behind the language
      const std::string text = literal_at(source, first);
      if (!text.empty()) found.insert(text);
    }
  }
}

std::set<std::string> texts() {
  std::set<std::string> found;
  for (const char* folder : {"pellucid", "apps"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(PELLUCID_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      std::ostringstream stream;
      stream << std::ifstream(entry.path()).rdbuf();
      collect(stream.str(), found);
    }
  }
  return found;
}

std::set<std::string> places(std::string_view text) {
  std::set<std::string> found;
  for (std::size_t at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
    const std::string_view place = text.substr(at, 3);
    if (place.size() == 3 && place[1] >= '0' && place[1] <= '9' && place[2] == '}')
      found.emplace(place);
  }
  return found;
}

TEST(Chinese, HasEveryTextThatTheSourcesSay) {
  std::set<std::string> known;
  for (const auto& [english, chinese] : chinese_table()) known.emplace(english);
  const std::set<std::string> said = texts();
  EXPECT_GT(said.size(), 100) << "the scan finds nothing any more";
  std::string missing;
  for (const std::string& text : said) {
    if (!known.contains(text)) missing += "\n  " + text;
  }
  EXPECT_TRUE(missing.empty()) << "add to pellucid/base/chinese.cpp:" << missing;
}

TEST(Chinese, KeepsThePlacesOfEveryText) {
  for (const auto& [english, chinese] : chinese_table())
    EXPECT_EQ(places(english), places(chinese)) << english;
}

TEST(Chinese, HasNoTextTwice) {
  std::set<std::string_view> seen;
  for (const auto& [english, chinese] : chinese_table())
    EXPECT_TRUE(seen.insert(english).second) << english;
}

}  // namespace
}  // namespace pellucid

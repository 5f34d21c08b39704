// The shell's two places are filled: the title and the data, which stand in a block that no browser
// runs. Invariant: no text of the answer can end that block, or the title.
#include "pellucid/report/html.h"

#include "pellucid/base/bytes.h"
#include "pellucid/base/error.h"
#include "pellucid/base/phrases.h"
#include "pellucid/report/assets.h"

namespace pellucid {
namespace {

constexpr std::string_view title_place = "<!--pellucid:title-->",
                           data_place = "<!--pellucid:data-->";

std::string escaped(std::string_view text,
                    std::initializer_list<std::pair<char, std::string_view>> names) {
  std::string result;
  for (const char letter : text) {
    const auto* const found =
        std::ranges::find(names, letter, &std::pair<char, std::string_view>::first);
    if (found == names.end())
      result += letter;
    else
      result += found->second;
  }
  return result;
}

constexpr std::string_view spoken[] = {"words", "notes", "warnings", "conversions"};
constexpr int deepest = 32;

// `said`: the value stands under one of those names.
void add_words(const Json& value, Language language, bool said, int depth, Json& words) {
  if (depth > deepest) return;
  if (value.is_string() && said) {
    const std::string& english = value.get_ref<const std::string&>();
    if (words.contains(english)) return;
    if (std::string text = rephrased(language, english); text != english)
      words[english] = std::move(text);
  } else if (value.is_array()) {
    for (const Json& item : value) add_words(item, language, said, depth + 1, words);
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      const bool own = std::ranges::find(spoken, key) != std::end(spoken);
      add_words(item, language, own, depth + 1, words);
    }
  }
}

}  // namespace

Json words_of(Language language) {
  Json table = Json::object();
  if (language == Language::english) return table;
  if (const Asset* own = find_asset("words.zh.json")) table = parse_json(own->bytes, own->name);
  for (const auto& [english, chinese] : chinese_table()) table[std::string(english)] = chinese;
  return table;
}

Json words_in(const Json& document, Language language) {
  Json words = Json::object();
  if (language != Language::english) add_words(document, language, false, 0, words);
  return words;
}

std::vector<std::byte> html_report(Json report, std::string_view title, Language language) {
  const Asset* shell = find_asset("report.html");
  if (shell == nullptr) throw internal_error("the program was built without the report's page");
  report["version"] = 1;
  report["language"] = language == Language::chinese ? "zh" : "en";
  report["words"] = words_of(language);
  if (report.contains("document")) report["words"].update(words_in(report["document"], language));
  report["made"] = utc_now();
  report["engine"] = PELLUCID_VERSION;
  const std::string data = R"(<script type="application/json" id="pellucid-report">)" +
                           escaped(to_text(report, false), {{'<', "\\u003c"}}) + "</script>";
  std::string page(shell->bytes);
  const auto fill = [&](std::string_view place, const std::string& text) {
    const std::size_t at = page.find(place);
    if (at == std::string::npos)
      throw internal_error("the report's page has no place for its data");
    page.replace(at, place.size(), text);
  };
  // The data last: a text in it may look like a place.
  fill(title_place, escaped(title, {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}}));
  fill(data_place, data);
  return bytes_of(page);
}

}  // namespace pellucid

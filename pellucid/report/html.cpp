// The shell's two places are filled: the title and the data, which stand in a block that no browser
// runs. Invariant: no text of the answer can end that block, or the title.
#include "pellucid/report/html.h"

#include "pellucid/base/bytes.h"
#include "pellucid/base/error.h"
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

}  // namespace

Json words_of(Language language) {
  Json table = Json::object();
  if (language == Language::english) return table;
  if (const Asset* own = find_asset("words.zh.json")) table = parse_json(own->bytes, own->name);
  for (const auto& [english, chinese] : chinese_table()) table[std::string(english)] = chinese;
  return table;
}

std::vector<std::byte> html_report(Json report, std::string_view title, Language language) {
  const Asset* shell = find_asset("report.html");
  if (shell == nullptr) throw internal_error("the program was built without the report's page");
  report["version"] = 1;
  report["language"] = language == Language::chinese ? "zh" : "en";
  report["words"] = words_of(language);
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

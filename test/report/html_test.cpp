// The one-file report: the answer is inside, whole, and no text of it leaves its place.
#include "pellucid/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/report/assets.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page(const Json& report, std::string_view title, Language language) {
  const std::vector<std::byte> bytes = html_report(report, title, language);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Json data_of(const std::string& page) {
  constexpr std::string_view opening = R"(<script type="application/json" id="pellucid-report">)";
  const std::size_t begin = page.find(opening) + opening.size();
  return parse_json(page.substr(begin, page.find("</script>", begin) - begin), "data");
}

TEST(HtmlReport, CarriesTheAnswer) {
  const Json document = {{"answers", {{{"input", "cat.jpg"}}}}};
  const Json data = data_of(page({{"document", document}}, "cat", Language::english));
  EXPECT_EQ(data["document"], document);
  EXPECT_EQ(data["language"], "en");
  EXPECT_EQ(data["engine"], PELLUCID_VERSION);
  EXPECT_TRUE(data["words"].empty());
}

TEST(HtmlReport, BringsTheChineseWords) {
  const Json data = data_of(page(Json::object(), "cat", Language::chinese));
  EXPECT_EQ(data["language"], "zh");
  EXPECT_EQ(data["words"]["Model"], "模型");
}

TEST(HtmlReport, BringsTheChineseOfWhatTheEngineSays) {
  const Json record = {{"input", "the file is empty"},
                       {"notes", {"layer conv was chosen: the input of the last attention"}},
                       {"checks", {{{"words", "2 of 9 scores are NaN or infinite."}}}}};
  const Json document = {{"answers", {record}}, {"warnings", {"nobody's words"}}};
  const Json words = words_in(document, Language::chinese);
  EXPECT_EQ(words.size(), 2U);
  EXPECT_EQ(words["2 of 9 scores are NaN or infinite."], "9 个分数中有 2 个是 NaN 或无穷大。");
  EXPECT_TRUE(words_in(document, Language::english).empty());
  const Json data = data_of(page({{"document", document}}, "cat", Language::chinese));
  EXPECT_EQ(data["words"]["2 of 9 scores are NaN or infinite."],
            words["2 of 9 scores are NaN or infinite."]);
  EXPECT_EQ(data["document"], document);
}

TEST(HtmlReport, KeepsHostileTextsWhereTheyAre) {
  const std::string hostile =
      "</script><script>alert(1)</script><!--pellucid:data--><img src=x onerror=alert(1)>";
  const std::string text = page({{"document", {{"label", hostile}}}}, hostile, Language::english);
  EXPECT_THAT(text, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(text, Not(HasSubstr("<img src=x")));
  EXPECT_EQ(data_of(text)["document"]["label"], hostile);
}

TEST(HtmlReport, LoadsNothing) {
  const Asset* shell = find_asset("report.html");
  ASSERT_NE(shell, nullptr);
  EXPECT_THAT(std::string(shell->bytes), HasSubstr("Content-Security-Policy"));
  EXPECT_THAT(std::string(shell->bytes), HasSubstr("default-src 'none'"));
  EXPECT_THAT(std::string(shell->bytes), Not(HasSubstr("'unsafe-inline'")));
  // What an answer adds to it leaves room for: 2 MB and 100 KB for each picture.
  EXPECT_LE(shell->bytes.size(), 500U << 10);
}

TEST(Assets, AreWholeAndCompressed) {
  for (const char* name : {"index.html", "page.js", "page.css", "report.html"}) {
    const Asset* asset = find_asset(name);
    ASSERT_NE(asset, nullptr) << name;
    EXPECT_GT(asset->bytes.size(), 0U) << name;
    ASSERT_GT(asset->gzip.size(), 2U) << name;
    EXPECT_EQ(asset->gzip.substr(0, 2), "\x1f\x8b") << name;
  }
  EXPECT_EQ(find_asset("../page.js"), nullptr);
}

}  // namespace
}  // namespace pellucid

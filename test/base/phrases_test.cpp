// Composed English texts are found again by their patterns and said in Chinese. That no text of the
// sources lacks its Chinese is tools/check_phrases.py's to hold.
#include "pellucid/base/phrases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

std::string chinese(std::string_view text) { return rephrased(Language::chinese, text); }

std::vector<std::span<const Phrase>> tables() {
  return {phrases_of_faces(),         phrases_of_questions(), phrases_of_inputs(),
          phrases_of_models(),        phrases_of_scripts(),   phrases_of_onnx(),
          phrases_of_written_models()};
}

// The text with each place as `value` says, marks and all.
template <class Value>
std::string filled(std::string_view text, const Value& value) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool place = text[i] == '{' && i + 2 < text.size() && text[i + 1] >= '0' &&
                       text[i + 1] <= '9' && text.find('}', i) <= i + 3;
    if (!place) {
      result += text[i];
      continue;
    }
    result += value(text[i + 1]);
    i = text.find('}', i);
  }
  return result;
}

std::multiset<char> places(std::string_view text) {
  std::multiset<char> found;
  filled(text, [&](char place) {
    found.insert(place);
    return std::string();
  });
  return found;
}

TEST(Phrases, StayEnglishForTheEnglish) {
  EXPECT_EQ(rephrased(Language::english, "cancelled"), "cancelled");
  EXPECT_EQ(rephrased_place(Language::english, "node a, record b"), "node a, record b");
}

TEST(Phrases, OfTheTableAreTakenWhole) {
  EXPECT_EQ(chinese("cancelled"), "已取消");
  EXPECT_EQ(chinese("Every score is a finite number."), "每个分数都是有限数。");
  // Of chinese.cpp, too.
  EXPECT_EQ(chinese("yes"), "有");
}

TEST(Phrases, KeepTheirValues) {
  EXPECT_EQ(chinese("the model has no layer \"layer9\""), "模型没有层“layer9”");
  EXPECT_EQ(chinese("class 1000 does not exist"), "类别 1000 不存在");
  // A value may be empty, or look like a phrase: it is no phrase for that.
  EXPECT_EQ(chinese("no class is called \"\""), "没有名为“”的类别");
  EXPECT_EQ(chinese("no class is called \"cancelled\""), "没有名为“cancelled”的类别");
}

TEST(Phrases, MayHaveTheirValuesInAnotherOrder) {
  EXPECT_EQ(chinese("3 of 10 scores are NaN or infinite."), "10 个分数中有 3 个是 NaN 或无穷大。");
  EXPECT_EQ(chinese("2 files for the input \"a\", 1 for \"b\""), "输入“a”有 2 个文件，“b”有 1 个");
}

TEST(Phrases, AreSaidWithinPhrases) {
  EXPECT_EQ(chinese("expected a whole number from 0 to 65535"), "应为 0 到 65535 的整数");
  EXPECT_EQ(chinese("the metadata's \"inputs[0].name\" is missing"),
            "元数据的“inputs[0].name”缺失");
  EXPECT_EQ(chinese("can't write: No space left on device"), "无法写入：磁盘空间不足");
  EXPECT_EQ(chinese("unknown option of explain \"colour\""), "未知的 explain 选项“colour”");
  EXPECT_EQ(chinese("cat.png, grad_cam: No attribution: the map is constant 0."),
            "cat.png，grad_cam：没有归因：图恒为 0。");
  EXPECT_EQ(chinese("the program uses what this reader does not know: operator my::op (3 times); "
                    "weight w (in no record); and 4 more"),
            "程序使用了本读取器不认识的内容：算子 my::op（3 次）；权重 w（不在任何记录中）；"
            "以及另外 4 项");
}

TEST(Phrases, FitOnlyWhereTheyMustHoldAPhraseAndDo) {
  EXPECT_EQ(chinese("cat.png, grad_cam: something new"), "cat.png, grad_cam: something new");
  EXPECT_EQ(chinese("flights from 3 to 4"), "flights from 3 to 4");
}

TEST(Phrases, NobodyKnowsStayAsTheyAre) {
  EXPECT_EQ(chinese("a text that nobody ever wrote"), "a text that nobody ever wrote");
  EXPECT_EQ(chinese(""), "");
  EXPECT_EQ(chinese("模型没有层"), "模型没有层");
}

TEST(Phrases, KnowFlagsAsRequestsSpellThem) {
  EXPECT_EQ(chinese("set a --memory-limit"), "请设定 --memory-limit");
  EXPECT_EQ(chinese("set a memory_limit"), "请设定 memory_limit");
  EXPECT_EQ(chinese("leave out layer, or take grad_cam"), "请去掉 layer，或改用 grad_cam");
  // The flags of other operations stay.
  EXPECT_EQ(chinese("name one with layer: `pellucid inspect MODEL --layers` lists them"),
            "请用 layer 指定一层：`pellucid inspect MODEL --layers` 会列出各层");
}

TEST(Phrases, OfMostLettersWin) {
  // "not valid JSON: {0}" and "not valid JSON at byte {0}: {1}", "{0}: {1}" as well.
  EXPECT_EQ(chinese("not valid JSON at byte 7: a key was expected"),
            "第 7 字节处不是有效的 JSON：应有键");
}

TEST(Phrases, TellThePlacesOfAnError) {
  const auto place = [](std::string_view where) {
    return rephrased_place(Language::chinese, where);
  };
  EXPECT_EQ(place("node conv1, module net.conv, model.pt2"),
            "节点 conv1，模块 net.conv，model.pt2");
  // The options and files of these names.
  EXPECT_EQ(place("layer"), "layer");
  EXPECT_EQ(place("input, output"), "input，output");
  EXPECT_EQ(place("parameter \"top\""), "参数“top”");
}

TEST(Phrases, MakeOneLineOfAnError) {
  const Error error =
      usage_error("no class is called \"caat\"").at("target").hint("the nearest are cat, bat");
  EXPECT_EQ(line_of(error, Language::chinese),
            "没有名为“caat”的类别（target）：最相近的有 cat, bat");
  EXPECT_EQ(line_of(error, Language::english), error.what());
  EXPECT_EQ(line_of(model_error("the file is empty"), Language::chinese), "文件为空");
  EXPECT_EQ(line_of(input_error("this is new\nto all"), Language::chinese), "this is new to all");
}

TEST(Phrases, OfHostileTextsAreQuicklyGivenUp) {
  const auto start = std::chrono::steady_clock::now();
  std::string pieces, nested = "expected ", quotes(16000, '"');
  while (pieces.size() < 16000) pieces += ", : ; \" does not fit (in no record) of ";
  while (nested.size() < 16000) nested += "one of a whole number from 1 to 2, at least 3; ";
  for (const std::string& text :
       {pieces, nested, quotes, std::string(16000, ':'), std::string(50'000'000, 'a')})
    EXPECT_EQ(chinese(text).empty(), false);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  EXPECT_LT(taken.count(), 5);
  std::string long_text(20000, 'a');
  long_text += " needs a value";
  EXPECT_EQ(chinese(long_text), long_text);
}

TEST(Phrases, OfTheTablesHaveTheSamePlacesInBothLanguages) {
  for (const auto& table : tables()) {
    for (const auto& [english, text] : table) EXPECT_EQ(places(english), places(text)) << english;
  }
}

TEST(Phrases, OfTheTablesStandThereOnce) {
  std::set<std::string_view> seen;
  for (const auto& [english, text] : chinese_table()) seen.insert(english);
  for (const auto& table : tables()) {
    for (const auto& [english, text] : table) EXPECT_TRUE(seen.insert(english).second) << english;
  }
}

// A phrase that a wider one hides would be said by that one.
TEST(Phrases, OfTheTablesAreEachFound) {
  for (const auto& table : tables()) {
    for (const auto& [english, text] : table) {
      if (text.find("!}") != text.npos) continue;
      const auto value = [](char place) { return std::string("value") + place; };
      std::string wanted = filled(text, value);
      if (wanted.starts_with(' ')) wanted.erase(0, 1);
      EXPECT_EQ(chinese(filled(english, value)), wanted);
    }
  }
}

}  // namespace
}  // namespace pellucid

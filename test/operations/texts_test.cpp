// Every text of the tables can be read in Chinese: a new operation, method, format or option brings
// its line with it.
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

void expect_translated(std::string_view english) {
  if (english.empty()) return;
  EXPECT_NE(translated(Language::chinese, english), english) << "add to pellucid/base/chinese.cpp";
}

TEST(Texts, OfEveryOperationAreInTheChineseTable) {
  for (const Operation* operation : operations()) {
    expect_translated(operation->group);
    expect_translated(operation->summary);
    expect_translated(operation->details);
    for (const Option& option : operation->options) expect_translated(option.help);
  }
}

TEST(Texts, OfEveryMethodAndFormatAreInTheChineseTable) {
  for (const Method* method : methods()) {
    expect_translated(method->summary);
    for (const Option& option : method->options) expect_translated(option.help);
  }
  for (const Format* format : formats()) expect_translated(format->summary);
}

TEST(Texts, OfEveryOperationAreSentences) {
  for (const Operation* operation : operations()) {
    EXPECT_TRUE(operation->summary.ends_with('.')) << operation->name;
    for (const Option& option : operation->options) {
      EXPECT_TRUE(option.help.ends_with('.')) << operation->name << " " << option.name;
    }
  }
}

}  // namespace
}  // namespace pellucid

// Model files and answer formats, under two headings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

TEST(Formats, ListsModelFilesAndAnswerFormatsApart) {
  const Answer answer = ask("formats", {}).answer;
  ASSERT_EQ(answer.document["model_files"].size(), 1);
  EXPECT_EQ(answer.document["model_files"][0]["name"], "small");
  bool npy = false;
  for (const Json& format : answer.document["answer_formats"]) {
    EXPECT_FALSE(format["verbs"].empty()) << format;
    npy = npy || format["name"] == "npy";
  }
  EXPECT_TRUE(npy);
}

TEST(Formats, KnowsEveryFormatThatAnOperationDeclares) {
  const Catalogue catalogue = whole_catalogue();
  const Json listed = ask("formats", {}).answer.document["answer_formats"];
  for (const Operation* operation : catalogue.operations) {
    for (const std::string_view format : operation->formats) {
      const auto named = [&](const Json& entry) { return entry["name"] == format; };
      EXPECT_TRUE(std::ranges::any_of(listed, named)) << operation->name << " writes " << format;
    }
  }
}

}  // namespace
}  // namespace pellucid

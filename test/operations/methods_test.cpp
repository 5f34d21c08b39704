// The list of methods is the table, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

TEST(Methods, ListsEveryMethodOfTheTable) {
  const Catalogue catalogue = whole_catalogue();
  const Answer answer = ask("methods", {}, catalogue).answer;
  ASSERT_EQ(answer.document["methods"].size(), catalogue.methods.size());
  for (std::size_t i = 0; i < catalogue.methods.size(); ++i) {
    const Json& entry = answer.document["methods"][i];
    EXPECT_EQ(entry["name"], catalogue.methods[i]->name);
    EXPECT_FALSE(entry["citation"].get<std::string>().empty());
    EXPECT_EQ(entry["options"].size(), catalogue.methods[i]->options.size());
    EXPECT_THAT(answer.text, HasSubstr(std::string(catalogue.methods[i]->name)));
  }
}

TEST(Methods, TellsOneMethodWithItsOptionsAndDefaults) {
  Request request;
  request.options["name"] = "saliency";
  const Answer answer = ask("methods", request).answer;
  EXPECT_EQ(answer.document["name"], "saliency");
  EXPECT_EQ(answer.document["needs"], "gradient");
  EXPECT_EQ(answer.document["options"][0]["name"], "absolute");
  EXPECT_EQ(answer.document["options"][0]["default"], true);
  EXPECT_THAT(answer.text, HasSubstr("Simonyan"));
}

TEST(Methods, NamesTheNearestForAnUnknownOne) {
  Request request;
  request.options["name"] = "salency";
  try {
    ask("methods", request);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("saliency"));
  }
}

TEST(Methods, EveryOptionAndDefaultOfTheTableIsAccepted) {
  for (const Method* method : whole_catalogue().methods) {
    const Json defaults = method->defaults();
    EXPECT_NO_THROW(check_settings(method->options, defaults)) << method->name;
  }
}

}  // namespace
}  // namespace pellucid

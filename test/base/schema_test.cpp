// Options from words and JSON: every kind of value, and every way in which one can be wrong.
#include "pellucid/base/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

struct Shared {
  std::int64_t threads = 0;
};
struct Settings : Shared {
  bool absolute = true;
  std::int64_t steps = 50;
  double alpha = 0.5;
  std::string rule = "left";
  std::vector<std::string> targets;
  std::optional<double> limit;
};

constexpr std::string_view rules[] = {"left", "right"};
constexpr std::array own = {
    option<&Settings::absolute>("absolute", "Magnitude only."),
    option<&Settings::steps>("n_steps", "Steps of the path.").between(1, 1000),
    option<&Settings::alpha>("alpha", "How strong.").between(0, 1),
    option<&Settings::rule>("rule", "Which rule.").one_of(rules),
    option<&Settings::targets>("target", "What is asked.").with_commas(),
    option<&Settings::limit>("limit", "A bound."),
};
template <class S>
constexpr std::array shared = {option<&S::threads, S>("threads", "Threads.").between(0, 64)};
constexpr auto options = all_options(own, shared<Settings>);

std::string message(const auto& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Schema, WritesEveryTypeIntoTheStruct) {
  Settings settings;
  write_settings(
      options,
      Json::parse(R"({"absolute":false,"n_steps":7,"alpha":1,"rule":"right","target":["a","b"],
                                 "limit":2.5,"threads":3})"),
      &settings);
  EXPECT_FALSE(settings.absolute);
  EXPECT_EQ(settings.steps, 7);
  EXPECT_EQ(settings.alpha, 1);
  EXPECT_EQ(settings.rule, "right");
  EXPECT_EQ(settings.targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings.limit, 2.5);
  EXPECT_EQ(settings.threads, 3);
}

TEST(Schema, ReadsDefaultsInTheOrderOfTheTable) {
  const Settings settings;
  EXPECT_EQ(
      to_text(read_settings(options, &settings), false),
      R"({"absolute":true,"n_steps":50,"alpha":0.5,"rule":"left","target":[],"limit":null,"threads":0})");
}

TEST(Schema, LeavesWhatIsNotGivenAlone) {
  Settings settings;
  settings.steps = 9;
  write_settings(options, Json::parse(R"({"alpha":0.25})"), &settings);
  EXPECT_EQ(settings.steps, 9);
}

TEST(Schema, NamesTheNearestForAnUnknownKey) {
  Settings settings;
  const std::string text =
      message([&] { write_settings(options, Json::parse(R"({"nsteps":1})"), &settings); });
  EXPECT_THAT(text, HasSubstr("nsteps"));
  EXPECT_THAT(text, HasSubstr("did you mean n_steps"));
}

TEST(Schema, WritesNothingWhenOneValueDoesNotFit) {
  Settings settings;
  EXPECT_THROW(write_settings(options, Json::parse(R"({"n_steps":3,"alpha":1.5})"), &settings),
               Error);
  EXPECT_EQ(settings.steps, 50);
}

TEST(Schema, RefusesWrongTypesRangesAndChoices) {
  for (const char* bad :
       {R"({"absolute":1})", R"({"n_steps":2.5})", R"({"n_steps":0})", R"({"n_steps":"3"})",
        R"({"alpha":-0.1})", R"({"alpha":null})", R"({"rule":"middle"})", R"({"target":"a"})",
        R"({"target":[1]})", R"({"threads":18446744073709551615})", R"([1])"}) {
    Settings settings;
    EXPECT_THROW(write_settings(options, Json::parse(bad), &settings), Error) << bad;
  }
}

TEST(Schema, AcceptsNullOnlyForOptionalFields) {
  Settings settings;
  settings.limit = 1;
  write_settings(options, Json::parse(R"({"limit":null})"), &settings);
  EXPECT_FALSE(settings.limit.has_value());
}

TEST(Schema, ReadsWordsAsTheTypeOfTheOption) {
  EXPECT_EQ(parse_word(*find_option(options, "absolute"), "off"), Json(false));
  EXPECT_EQ(parse_word(*find_option(options, "absolute"), "True"), Json(true));
  EXPECT_EQ(parse_word(*find_option(options, "n_steps"), "12"), Json(12));
  EXPECT_EQ(parse_word(*find_option(options, "alpha"), "1e-1"), Json(0.1));
  EXPECT_EQ(parse_word(*find_option(options, "rule"), "right"), Json("right"));
}

TEST(Schema, SplitsListsAtCommasUnlessWordsAreWhole) {
  constexpr Option plain = option<&Settings::targets>("format", "Formats.");
  EXPECT_EQ(parse_word(plain, "png, svg,,npy"), Json({"png", "svg", "npy"}));
  EXPECT_EQ(parse_word(*find_option(options, "target"), "tabby, tabby cat"),
            Json::array({"tabby, tabby cat"}));
}

TEST(Schema, SaysWhatAWordShouldHaveBeen) {
  EXPECT_THAT(message([] { parse_word(*find_option(options, "n_steps"), "many"); }),
              HasSubstr("a whole number from 1 to 1000"));
  EXPECT_THAT(message([] { parse_word(*find_option(options, "n_steps"), "5x"); }),
              HasSubstr("whole number"));
  EXPECT_THAT(message([] { parse_word(*find_option(options, "n_steps"), "99999999999999999999"); }),
              HasSubstr("whole number"));
  EXPECT_THAT(message([] { parse_word(*find_option(options, "rule"), "up"); }),
              HasSubstr("one of left, right"));
  EXPECT_THAT(message([] { parse_word(*find_option(options, "absolute"), "maybe"); }),
              HasSubstr("on or off"));
  EXPECT_THAT(message([] { parse_word(*find_option(options, "alpha"), "nan"); }),
              HasSubstr("number from 0 to 1"));
}

TEST(Schema, DescribesEveryOptionForListsAndSchemas) {
  const Settings settings;
  const Json list = describe(options, read_settings(options, &settings));
  ASSERT_EQ(list.size(), options.size());
  EXPECT_EQ(list[1]["name"], "n_steps");
  EXPECT_EQ(list[1]["type"], "integer");
  EXPECT_EQ(list[1]["default"], 50);
  EXPECT_EQ(list[1]["least"], 1);
  EXPECT_EQ(list[3]["choices"], Json({"left", "right"}));
}

}  // namespace
}  // namespace pellucid

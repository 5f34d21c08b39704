// Texts, numbers and sizes as people read and write them.
#include "pellucid/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

TEST(Text, PutsValuesIntoTheirPlaces) {
  EXPECT_EQ(say(Language::english, "{1} before {0}, {1}", {"a", "b"}), "b before a, b");
  EXPECT_EQ(say(Language::english, "{0} and {7} {x}", {"a"}), "a and {7} {x}");
}

TEST(Text, DoesNotReplaceInsideValues) {
  EXPECT_EQ(say(Language::english, "{0}-{1}", {"{1}", "b"}), "{1}-b");
}

TEST(Text, FallsBackToEnglishWhereChineseIsMissing) {
  EXPECT_EQ(say(Language::chinese, "never translated {0}", {"1"}), "never translated 1");
}

TEST(Text, KnowsItsTwoLanguages) {
  EXPECT_EQ(language("zh"), Language::chinese);
  EXPECT_THROW(language("fr"), Error);
}

TEST(Text, WritesNumbersWithSignificantDigits) {
  EXPECT_EQ(number(0.00123456), "0.001235");
  EXPECT_EQ(number(1234567, 3), "1.23e+06");
  EXPECT_EQ(number(-0.5), "-0.5");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(Text, WritesSizesAndTimes) {
  EXPECT_EQ(human_bytes(734), "734 B");
  EXPECT_EQ(human_bytes(1.2 * 1048576), "1.2 MiB");
  EXPECT_EQ(human_bytes(102.4 * 1073741824.0), "102 GiB");
  EXPECT_EQ(human_seconds(1.239), "1.24 s");
  EXPECT_EQ(human_seconds(0.038), "38 ms");
  EXPECT_EQ(human_seconds(0.9999), "1 s");
  EXPECT_EQ(human_seconds(59.999), "1 min 0 s");
  EXPECT_EQ(human_seconds(3725), "1 h 2 min");
}

TEST(Text, ReadsSizes) {
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("20MiB"), 20 * 1048576);
  EXPECT_EQ(parse_bytes("1.5 gb"), 1'500'000'000);
  for (const char* bad : {"", "much", "-1", "3 parsecs", "1e300GB", "nan", "inf"}) {
    EXPECT_THROW(parse_bytes(bad), Error) << bad;
  }
}

TEST(Text, NamesTheNearestWords) {
  const std::string names[] = {"saliency", "grad_cam", "input_x_gradient", "integrated_gradients"};
  EXPECT_EQ(nearest("salency", names), "saliency");
  EXPECT_EQ(nearest("gard_cam", names), "grad_cam");
  EXPECT_EQ(nearest("gradient", names), "input_x_gradient, integrated_gradients");
  EXPECT_EQ(nearest("gradcam", names), "grad_cam");
  EXPECT_EQ(nearest("zzzzzzzz", names), "");
  EXPECT_EQ(nearest("SALIENCY", names, 1), "saliency");
}

TEST(Text, MakesForeignTextSafeForATerminal) {
  EXPECT_EQ(on_one_line("a\x1b[31mb\nc"), "a\\x1b[31mb\\x0ac");
  EXPECT_EQ(on_one_line("caf\xc3\xa9 \xe7\x8c\xab"), "caf\xc3\xa9 \xe7\x8c\xab");
  EXPECT_EQ(on_one_line("a\xe2\x80\xae"
                        "b\xc2\x9b"
                        "c"),
            "abc")
      << "right-to-left override, C1 control";
}

}  // namespace
}  // namespace pellucid

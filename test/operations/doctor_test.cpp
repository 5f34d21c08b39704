// doctor finds what it should, and its self-test can fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/operation/self_test.h"
#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

Attribution twice_too_much(const Question& question, Probe& probe, const Json& settings) {
  Attribution answer = whole_catalogue().method("saliency").explain(question, probe, settings);
  answer.maps[0].scores = answer.maps[0].scores * 2;
  return answer;
}

TEST(Doctor, PassesItsSelfTestHere) {
  for (const Check& check : run_self_test(whole_catalogue(), Language::english)) {
    EXPECT_EQ(check.verdict, "pass") << check.words;
    EXPECT_LE(*check.value, *check.threshold);
  }
}

TEST(Doctor, FailsWhenTheMapIsWrong) {
  Catalogue catalogue = whole_catalogue();
  Method wrong = catalogue.method("saliency");
  wrong.explain = twice_too_much;
  catalogue.methods = {&wrong};
  const Asked asked = ask("doctor", {}, catalogue);
  EXPECT_TRUE(asked.answer.verdict_failed);
  EXPECT_EQ(asked.answer.document["verdict"], "fail");
  EXPECT_THAT(asked.answer.text, HasSubstr("can't be trusted"));
}

TEST(Doctor, ReportsVersionsProcessorMemoryAndFonts) {
  const Asked asked = ask("doctor", {});
  EXPECT_FALSE(asked.answer.verdict_failed);
  for (const char* name :
       {"LibTorch", "processor", "memory", "font", "cache", "GPU", "self-test", "gradient"}) {
    const auto named = [&](const Json& finding) { return finding["name"] == name; };
    EXPECT_TRUE(std::ranges::any_of(asked.answer.document["findings"], named)) << name;
  }
}

}  // namespace
}  // namespace pellucid

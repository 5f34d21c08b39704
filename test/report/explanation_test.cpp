// What is said of a map beside its picture.
#include "pellucid/report/explanation.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "test/questions.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Caption caption_with(const std::string& verdict, const std::string& words = "The sum is off.",
                     Language language = Language::english) {
  const Model model = model_of(multi_layer());
  const Question question = question_of(model, {noise({1, 3}, 1)}, {entry(0)});
  Attribution attribution;
  attribution.maps.push_back({"x", Coordinates::input, noise({1, 3}, 2), false, "target"});
  Method method{};
  method.title = "Toy method";
  method.uses_baseline = true;
  return caption_of({{}, "285 Egyptian cat", "class 285", false}, method, attribution,
                    {{"completeness_gap", verdict, 0.5, {}, words}}, question, language);
}

TEST(Caption, NamesMethodBaselineAndClass) {
  const Caption caption = caption_with("pass");
  EXPECT_EQ(caption.title, "285 Egyptian cat");
  EXPECT_THAT(caption.subtitle, HasSubstr("Toy method"));
  EXPECT_THAT(caption.subtitle, HasSubstr("baseline zero"));
  EXPECT_THAT(caption.alarms, IsEmpty());
}

TEST(Caption, RaisesAnAlarmForACheckThatDidNotPass) {
  for (const char* verdict : {"warn", "fail"})
    EXPECT_THAT(caption_with(verdict).alarms, ElementsAre("The sum is off."));
  EXPECT_THAT(caption_with("info").alarms, IsEmpty());
}

TEST(Caption, RaisesItsAlarmsInItsLanguage) {
  const std::string words = "No attribution: the score is NaN.";
  EXPECT_THAT(caption_with("fail", words).alarms, ElementsAre(words));
  EXPECT_THAT(caption_with("fail", words, Language::chinese).alarms,
              ElementsAre("没有归因：分数为 NaN。"));
}

TEST(ExplanationLine, SaysNotesInTheLanguageOfTheTerminal) {
  const Json document = {{"input", "cat.png"},
                         {"target", {{"text", "cat"}}},
                         {"method", {{"name", "grad_cam"}}},
                         {"maps", {{{"coordinates", "layer"}, {"name", "conv"}}}},
                         {"checks", Json::array()},
                         {"notes", {"layer conv was chosen: the input of the last attention"}},
                         {"cost", {{"seconds_per_sample", 0.01}}}};
  EXPECT_THAT(explanation_line(document, Language::chinese),
              HasSubstr("选用了层 conv：最后一个注意力的输入"));
  EXPECT_THAT(explanation_line(document, Language::english), HasSubstr("layer conv was chosen"));
}

TEST(Unit, NamesTheTargetsOwnQuantity) {
  Model model = model_of(multi_layer());
  const auto unit = [&](const char* said, const Target& target) {
    return unit_of({"x", Coordinates::input, {}, false, said}, target, model);
  };
  model.metadata.outputs.at(0).kind = OutputKind::logits;
  EXPECT_EQ(unit("target", entry(0)), "logit");
  EXPECT_EQ(unit("target per unit of input", entry(0)), "logit per unit of input");
  model.metadata.outputs.at(0).kind = OutputKind::probabilities;
  EXPECT_EQ(unit("target", entry(0)), "probability");
  model.metadata.outputs.at(0).kind = OutputKind::regression;
  EXPECT_EQ(unit("target per unit of input", entry(0)), "score per unit of input");
  Target neuron;
  neuron.kind = Target::Kind::unit;
  EXPECT_EQ(unit("target", neuron), "activation");
  // A method's own unit is left alone.
  EXPECT_EQ(unit("share of positions", entry(0)), "share of positions");
}

TEST(BasicChecks, TellAFlatMapAndOneWithoutNumbers) {
  const auto words = [](const at::Tensor& scores) {
    std::string all;
    for (const Check& check : basic_checks(scores))
      all += check.verdict + ": " + check.words + "\n";
    return all;
  };
  EXPECT_THAT(words(at::tensor({1.0F, 2.0F})), HasSubstr("pass: The scores differ"));
  EXPECT_THAT(words(at::zeros({3})), HasSubstr("constant 0"));
  EXPECT_THAT(words(at::ones({3})), HasSubstr("fail: No attribution: the map is constant 1"));
  EXPECT_THAT(words(at::zeros({1})), HasSubstr("constant 0"));
  EXPECT_THAT(words(at::ones({1})), HasSubstr("pass: The map is one number"));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(words(at::tensor({nan, nan})), HasSubstr("no score is a finite number"));
}

}  // namespace
}  // namespace pellucid

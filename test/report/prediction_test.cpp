// Raw outputs read by their kind.
#include "pellucid/report/prediction.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Model model_of(OutputKind kind, std::vector<std::vector<std::string>> labels = {}) {
  Model model;
  model.metadata.outputs = {{.name = "y", .kind = kind, .guessed = false}};
  model.metadata.labels = std::move(labels);
  return model;
}

TEST(Prediction, TakesProbabilitiesAsTheyAre) {
  const Json document =
      prediction_document(model_of(OutputKind::probabilities), 0, at::tensor({0.1F, 0.9F}), 5);
  EXPECT_NEAR(document["top"][0]["probability"].get<double>(), 0.9, 1e-7);
  EXPECT_EQ(document["top"][0]["index"], 1);
  EXPECT_FALSE(document["top"][0].contains("label"));
}

TEST(Prediction, ListsNoMoreClassesThanThereAre) {
  EXPECT_EQ(prediction_document(model_of(OutputKind::logits), 0, at::zeros({3}), 5)["top"].size(),
            3);
}

TEST(Prediction, NamesTheLikelierSideOfABinaryModel) {
  const Model model = model_of(OutputKind::binary, {{"no"}, {"yes"}});
  EXPECT_EQ(prediction_document(model, 0, at::tensor({2.0F}), 5)["label"], "yes");
  const Json no = prediction_document(model, 0, at::tensor({-2.0F}), 5);
  EXPECT_EQ(no["label"], "no");
  EXPECT_NEAR(no["probability"].get<double>(), 1 / (1 + std::exp(2.0)), 1e-12);
}

TEST(Prediction, SharesTheAreaOfADenseMapAmongItsClasses) {
  at::Tensor maps = at::zeros({3, 2, 4});
  maps[2] += 1;
  maps[0][0][0] = 2;
  const Json classes = prediction_document(model_of(OutputKind::dense), 0, maps, 5)["classes"];
  ASSERT_EQ(classes.size(), 2) << "the class without any area is left out";
  EXPECT_EQ(classes[0]["index"], 2);
  EXPECT_EQ(classes[0]["share"], 0.875);
}

TEST(Prediction, NeverReadsUnknownOutputsAsClasses) {
  const Json document =
      prediction_document(model_of(OutputKind::other), 0, at::tensor({1.0F, 2.0F}), 5);
  EXPECT_FALSE(document.contains("top"));
  EXPECT_EQ(document["values"], Json({1, 2}));
}

TEST(Prediction, RanksNoClassWhoseScoreIsNaN) {
  const Model model = model_of(OutputKind::probabilities);
  const Json top = prediction_document(model, 0, at::tensor({NAN, 0.2F}), 5)["top"];
  ASSERT_EQ(top.size(), 1);
  EXPECT_EQ(top[0]["index"], 1);
  const Json none = prediction_document(model, 0, at::tensor({NAN, NAN}), 5);
  EXPECT_THAT(prediction_text(none, Language::english), HasSubstr("no answer"));
}

TEST(Prediction, LeavesLabelsOutWhenTheirNumberIsAnother) {
  const Model model = model_of(OutputKind::logits, {{"one"}, {"two"}});
  EXPECT_FALSE(prediction_document(model, 0, at::zeros({3}), 1)["top"][0].contains("label"));
}

TEST(PredictionText, NeverShowsAHundredPercentForLess) {
  const Json document =
      prediction_document(model_of(OutputKind::logits), 0, at::tensor({20.0F, 0.0F}), 1);
  EXPECT_THAT(prediction_text(document, Language::english), Not(HasSubstr("100 %")));
}

TEST(PredictionText, EscapesControlCharactersOfLabels) {
  const Model model = model_of(OutputKind::logits, {{"a\x1b[31m"}, {"b"}});
  const std::string text = prediction_text(
      prediction_document(model, 0, at::tensor({1.0F, 0.0F}), 2), Language::english);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace pellucid

// explain on a linear model y = x Wᵀ, whose maps are known: the gradient of class c is W[c].
#include <ATen/ops/allclose.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

// x = (1, 2, 3) gives the scores 1, 4, -9, 6.
at::Tensor one_two_three() { return at::tensor({1.0F, 2.0F, 3.0F}); }

Asked explain_one(const at::Tensor& input, Json options, Json settings = Json::object()) {
  Request request;
  request.options = std::move(options);
  request.settings = std::move(settings);
  request.inputs.push_back(array_input("in", input));
  return ask("explain", std::move(request));
}

at::Tensor array(const Asked& asked, const std::string& file) {
  return read_npy(asked.files.at(file), file);
}

Json record(const Asked& asked, const std::string& file) {
  const std::vector<std::byte>& bytes = asked.files.at(file);
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
}

TEST(Explain, TakesTheLikeliestClassWhenNobodySaysWhich) {
  const Asked asked =
      explain_one(one_two_three(), {{"method", {"saliency"}}}, {{"absolute", false}});
  EXPECT_TRUE(at::allclose(array(asked, "in.saliency.npy"), small_weight()[3]));
  EXPECT_EQ(asked.answer.document["answers"][0]["target"]["text"], "3 dog");
  EXPECT_THAT(asked.answer.text, HasSubstr("3 dog"));
}

TEST(Explain, NamesTheTargetInTheFileOnlyWhenSeveralWereAsked) {
  const Asked one = explain_one(
      one_two_three(), {{"method", {"saliency"}}, {"target", {"bee"}}, {"format", {"npy"}}});
  EXPECT_THAT(one.files, ElementsAre(Key("in.saliency.npy")));
  const Asked two = explain_one(
      one_two_three(),
      {{"method", {"saliency"}}, {"target", {"bee,top3", "0:cat"}}, {"format", {"npy"}}},
      {{"saliency.absolute", false}});
  EXPECT_THAT(two.files, ElementsAre(Key("in.0-2.saliency.npy"), Key("in.0.saliency.npy"),
                                     Key("in.1.saliency.npy")));
}

TEST(Explain, NamesMethodAndUnitAsTheyAreShown) {
  const Json one = explain_one(one_two_three(), {{"method", {"saliency"}}}).answer.document;
  EXPECT_EQ(one["answers"][0]["method"]["title"], "Saliency");
  EXPECT_EQ(one["answers"][0]["maps"][0]["unit"], "logit per unit of input");
}

TEST(Explain, WhatOneMethodCannotDoTheOthersStillDo) {
  // A vector has no layer with places.
  const Asked asked = explain_one(one_two_three(), {{"method", {"grad_cam", "saliency"}}});
  ASSERT_EQ(asked.answer.failures.size(), 1U);
  EXPECT_THAT(asked.answer.failures[0].error.what(), HasSubstr("grad_cam"));
  EXPECT_FALSE(asked.answer.nothing_done);
  EXPECT_THAT(asked.files, Contains(Key("in.saliency.npy")));
  EXPECT_TRUE(explain_one(one_two_three(), {{"method", {"grad_cam"}}}).answer.nothing_done);
}

TEST(Explain, ExplainsTheDifferenceOfTwoClasses) {
  const Asked asked =
      explain_one(one_two_three(), {{"method", {"input_x_gradient"}}, {"target", {"ant:cat"}}});
  EXPECT_TRUE(
      at::allclose(array(asked, "in.input_x_gradient.npy"), at::tensor({1.0F, 0.0F, 9.0F})));
}

TEST(Explain, KeepsTheBatchAxisExactlyWhenTheInputHadOne) {
  const Json options = {{"method", {"input_x_gradient"}}, {"target", {"1"}}};
  EXPECT_EQ(array(explain_one(one_two_three(), options), "in.input_x_gradient.npy").sizes(),
            at::IntArrayRef({3}));
  const Asked batch = explain_one(one_two_three().repeat({2, 1}), options);
  EXPECT_EQ(array(batch, "in.input_x_gradient.npy").sizes(), at::IntArrayRef({2, 3}));
  EXPECT_THAT(batch.files, Contains(Key("in.input_x_gradient.1.json")));
}

TEST(Explain, RecordsWhatTheMapIsWorth) {
  const Asked asked =
      explain_one(one_two_three(), {{"method", {"integrated_gradients"}}, {"baseline", "zero"}},
                  {{"n_steps", 3}});
  const Json document = record(asked, "in.integrated_gradients.json");
  EXPECT_EQ(document["baseline"], "zero");
  EXPECT_EQ(document["method"]["settings"]["n_steps"], 3);
  EXPECT_EQ(document["method"]["settings"]["quadrature"], "gausslegendre");
  EXPECT_EQ(document["cost"]["gradients"], 3 + 1);
  EXPECT_EQ(document["checks"][0]["name"], "completeness_gap");
  // A linear model: one point would do.
  EXPECT_LT(document["checks"][0]["value"].get<double>(), 1e-6);
  EXPECT_EQ(document["gradient_check"]["passed"], true);
}

TEST(Explain, SaysThatAMapIsFlatAndNeverShowsItBlank) {
  // ant does not look at the second and third number: with x = 0 no share is left to give.
  const Asked asked =
      explain_one(at::zeros({3}), {{"method", {"input_x_gradient"}}, {"target", {"ant"}}});
  EXPECT_THAT(asked.answer.warnings, Contains(HasSubstr("No attribution")));
  EXPECT_THAT(asked.files, Contains(Key("in.input_x_gradient.png")));
}

TEST(Explain, SaysThatTheMapOfAnAnswerThatIsNoNumberSaysNothing) {
  // Its gradient is as finite as any other's.
  const Asked asked =
      explain_one(at::tensor({1.0F, NAN, 3.0F}), {{"method", {"saliency"}}, {"target", {"bee"}}});
  EXPECT_THAT(asked.answer.warnings, Contains(HasSubstr("No attribution: the score is NaN.")));
  const Json checks = asked.answer.document["answers"][0]["checks"];
  EXPECT_TRUE(std::ranges::any_of(checks, [](const Json& check) {
    return check["name"] == "score" && check["verdict"] == "fail";
  })) << checks;
}

TEST(Explain, DrawsAVectorAsBarsInEveryFormat) {
  const Asked asked =
      explain_one(one_two_three(), {{"method", {"saliency"}}, {"format", {"png", "svg", "pdf"}}});
  EXPECT_THAT(asked.files,
              ElementsAre(Key("in.saliency.pdf"), Key("in.saliency.png"), Key("in.saliency.svg")));
}

TEST(Explain, RefusesALayerThatNoChosenMethodLooksAt) {
  EXPECT_THROW(explain_one(one_two_three(), {{"method", {"saliency"}}, {"layer", {"fc"}}}), Error);
}

TEST(Explain, RefusesAnUnknownBaselineAndAColourOfWhatIsNoPicture) {
  const Json method = {"integrated_gradients"};
  for (const char* baseline : {"gray", "black"}) {
    const Asked asked = explain_one(one_two_three(), {{"method", method}, {"baseline", baseline}});
    EXPECT_TRUE(asked.answer.nothing_done) << baseline;
  }
}

TEST(Explain, RepeatsARunToTheBit) {
  const Json options = {{"method", {"integrated_gradients"}}, {"chunk", 2}};
  const Asked first = explain_one(one_two_three(), options),
              second = explain_one(one_two_three(), options);
  EXPECT_EQ(first.files.at("in.integrated_gradients.npy"),
            second.files.at("in.integrated_gradients.npy"));
  // Cut otherwise, only roundings differ.
  const Asked other =
      explain_one(one_two_three(), {{"method", {"integrated_gradients"}}, {"chunk", 50}});
  EXPECT_TRUE(at::allclose(array(first, "in.integrated_gradients.npy"),
                           array(other, "in.integrated_gradients.npy"), 1e-5));
}

TEST(Explain, GoesOnWhenOneInputIsBad) {
  Request request;
  request.options = {{"method", {"saliency"}}};
  request.inputs.push_back(array_input("good", one_two_three()));
  request.inputs.push_back({"bad.jpg", "bad", "", [] { return bytes_of("no picture"); }});
  const Asked asked = ask("explain", std::move(request));
  EXPECT_EQ(asked.answer.failures.size(), 1);
  EXPECT_FALSE(asked.answer.nothing_done);
  EXPECT_THAT(asked.files, Contains(Key("good.saliency.npy")));
}

}  // namespace
}  // namespace pellucid

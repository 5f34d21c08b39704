// predict on a linear model, whose answers are known.
#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Json& first_sample(const Asked& asked) {
  return asked.answer.document["answers"][0]["outputs"][0]["samples"][0];
}

Asked predict_one(const at::Tensor& input, Json options = Json::object()) {
  Request request;
  request.options = std::move(options);
  request.inputs.push_back(array_input("in", input));
  return ask("predict", std::move(request));
}

// x = (1, 2, 3) gives the scores 1, 4, -9, 6.
at::Tensor one_two_three() { return at::tensor({1.0F, 2.0F, 3.0F}); }

TEST(Predict, ListsTheLikeliestClassesWithTheSoftmaxOfTheScores) {
  const Asked asked = predict_one(one_two_three(), {{"top", 2}});
  const Json& top = first_sample(asked)["top"];
  ASSERT_EQ(top.size(), 2);
  EXPECT_EQ(top[0]["index"], 3);
  EXPECT_EQ(top[0]["label"], "dog");
  EXPECT_EQ(top[0]["score"], 6);
  const double sum = std::exp(1 - 6) + std::exp(4 - 6) + std::exp(-9 - 6) + 1;
  EXPECT_NEAR(top[0]["probability"].get<double>(), 1 / sum, 1e-12);
  EXPECT_EQ(top[1]["label"], "bee");
  EXPECT_THAT(asked.answer.text, HasSubstr("3 dog"));
}

TEST(Predict, WritesTheRawOutputWithoutABatchAxisWhenTheInputHadNone) {
  const Asked asked = predict_one(one_two_three());
  const at::Tensor output = read_npy(asked.files.at("in.output.npy"), "out");
  EXPECT_TRUE(at::allclose(output, at::tensor({1.0F, 4.0F, -9.0F, 6.0F})));
  EXPECT_EQ(output.dim(), 1);
}

TEST(Predict, KeepsTheBatchAxisOfTheInput) {
  for (const std::int64_t batch : {1, 3}) {
    const Asked asked = predict_one(one_two_three().repeat({batch, 1}));
    const at::Tensor output = read_npy(asked.files.at("in.output.npy"), "out");
    EXPECT_EQ(output.sizes(), at::IntArrayRef({batch, 4}));
    EXPECT_EQ(asked.answer.document["answers"][0]["outputs"][0]["samples"].size(),
              static_cast<std::size_t>(batch));
  }
}

TEST(Predict, GivesEachOfManyInputsItsOwnAnswer) {
  Request request;
  for (int i = 0; i < 40; ++i) {
    request.inputs.push_back(
        array_input("in" + std::to_string(i), one_two_three() * static_cast<float>(i)));
  }
  const Asked asked = ask("predict", std::move(request));
  ASSERT_EQ(asked.answer.document["answers"].size(), 40);
  for (int i = 0; i < 40; ++i) {
    const at::Tensor output =
        read_npy(asked.files.at("in" + std::to_string(i) + ".output.npy"), "out");
    EXPECT_EQ(output[3].item<float>(), 6.0F * static_cast<float>(i));
  }
}

TEST(Predict, GoesOnWhenOneInputIsBad) {
  Request request;
  request.inputs.push_back(array_input("good", one_two_three()));
  request.inputs.push_back({"bad.jpg", "bad", "", [] { return bytes_of("no picture"); }});
  request.inputs.push_back(array_input("flat", at::zeros({5})));
  request.inputs.push_back(array_input("also_good", one_two_three()));
  const Asked asked = ask("predict", std::move(request));
  EXPECT_EQ(asked.answer.document["answers"].size(), 2);
  ASSERT_EQ(asked.answer.failures.size(), 2);
  EXPECT_EQ(asked.answer.failures[0].error.fault(), Fault::input);
  EXPECT_EQ(asked.answer.failures[1].error.fault(), Fault::usage);
  EXPECT_FALSE(asked.answer.nothing_done);
}

TEST(Predict, SaysWhichShapeAndTypeWereExpected) {
  const Asked shape = predict_one(at::zeros({5}));
  ASSERT_TRUE(shape.answer.nothing_done);
  EXPECT_THAT(shape.answer.failures[0].error.what(), HasSubstr("[5]"));
  EXPECT_THAT(shape.answer.failures[0].error.what(), HasSubstr("float32 [3] or [N, 3]"));
  const Asked type = predict_one(at::zeros({3}, at::kLong));
  ASSERT_TRUE(type.answer.nothing_done);
  EXPECT_THAT(type.answer.failures[0].error.what(), HasSubstr("int64"));
}

TEST(Predict, ReadsDoublePrecisionArraysAndRecordsIt) {
  const Asked asked = predict_one(one_two_three().to(at::kDouble));
  EXPECT_THAT(to_text(asked.answer.document["answers"][0]["conversions"]),
              HasSubstr("float64 read as float32"));
}

TEST(Predict, AppliesASigmoidToEachLabelOfAMultilabelModel) {
  const Asked asked = predict_one(one_two_three(), {{"output_kind", "multilabel"}});
  EXPECT_NEAR(first_sample(asked)["top"][1]["probability"].get<double>(), 1 / (1 + std::exp(-4.0)),
              1e-12);
}

TEST(Predict, NeverSoftmaxesARegression) {
  const Asked asked = predict_one(one_two_three(), {{"output_kind", "regression"}});
  EXPECT_EQ(first_sample(asked)["values"], Json({1, 4, -9, 6}));
  EXPECT_FALSE(first_sample(asked).contains("top"));
}

TEST(Predict, RefusesWhatTheTableDoesNotKnow) {
  EXPECT_THROW(predict_one(one_two_three(), {{"tpo", 3}}), Error);
  EXPECT_THROW(predict_one(one_two_three(), {{"top", 0}}), Error);
  EXPECT_THROW(ask("predict", Request{}), Error) << "an input is needed";
  Request request;
  request.inputs.push_back(array_input("in", one_two_three()));
  request.settings = {{"absolute", true}};
  EXPECT_THROW(ask("predict", request), Error) << "predict has no method";
}

TEST(Predict, NamesTheInputsOfTheModelWhenAnotherIsGiven) {
  Request request;
  request.inputs.push_back(array_input("in", one_two_three(), "z"));
  try {
    ask("predict", std::move(request));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("it has x"));
  }
}

TEST(Predict, StopsWhenItIsCancelled) {
  Cancellation cancellation;
  const Catalogue catalogue = whole_catalogue();
  LoadedModel model(small_source(), catalogue.formats);
  Request request;
  for (int i = 0; i < 3; ++i) {
    RequestInput input = array_input("in" + std::to_string(i), one_two_three());
    input.read = [&cancellation, read = input.read] {
      cancellation.request();
      return read();
    };
    request.inputs.push_back(std::move(input));
  }
  Surroundings around;
  around.catalogue = &catalogue;
  around.model = &model;
  around.cancellation = &cancellation;
  try {
    perform(*catalogue.find_operation("predict"), request, around);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::cancelled);
  }
}

TEST(Predict, RefusesAFileThatIsNoModel) {
  Request request;
  request.inputs.push_back(array_input("in", one_two_three()));
  try {
    ask("predict", std::move(request), whole_catalogue(), small_source("something else"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    EXPECT_THAT(error.what(), HasSubstr("model.small"));
  }
}

TEST(Predict, WarnsAboutOutputsThatAreNoNumbers) {
  const Asked asked = predict_one(at::tensor({NAN, 1.0F, 1.0F}));
  ASSERT_FALSE(asked.answer.warnings.empty());
  EXPECT_THAT(asked.answer.warnings.back(), HasSubstr("NaN"));
}

}  // namespace
}  // namespace pellucid

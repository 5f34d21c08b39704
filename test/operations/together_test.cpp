// Requests performed as one: each gets what it would have got alone, and nothing of another's.
#include "pellucid/operation/together.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Clients call their inputs alike, as a server does.
Request asking(std::initializer_list<float> values, Json options = Json::object()) {
  Request request;
  request.options = std::move(options);
  const auto size = static_cast<std::int64_t>(values.size());
  request.inputs.push_back(array_input("0", at::tensor(values).reshape({size})));
  request.inputs.back().name = "inputs[0]";
  return request;
}

class Together : public ::testing::Test {
 protected:
  std::optional<std::vector<Performed>> perform_all(const Operation& operation,
                                                    const std::vector<Request>& requests) {
    std::vector<const Request*> all;
    for (const Request& request : requests) all.push_back(&request);
    return perform_together(operation, all, around());
  }
  Performed perform_alone(const Operation& operation, const Request& request) {
    Performed done;
    Surroundings own = around();
    own.artefact = [&](Artefact&& file) { done.artefacts.push_back(std::move(file)); };
    done.answer = perform(operation, request, own);
    return done;
  }
  const Operation& operation(std::string_view name) { return *catalogue_.find_operation(name); }

 private:
  Surroundings around() {
    Surroundings around;
    around.catalogue = &catalogue_;
    around.model = &model_;
    return around;
  }

  Catalogue catalogue_ = whole_catalogue();
  LoadedModel model_{small_source(), catalogue_.formats};
};

// Times differ from run to run, and what a call costs is said for all that shared it.
void forget_cost(Json& value) {
  if (value.is_object()) {
    for (const char* key : {"seconds", "load_seconds", "cost", "chunk"}) value.erase(key);
  }
  if (!value.is_structured()) return;
  for (Json& item : value) forget_cost(item);
}

Json plain(Json document) {
  forget_cost(document);
  return document;
}

Json document_in(const Artefact& file) {
  return plain(Json::parse(
      std::string(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size())));
}

void expect_equal(const Performed& together, const Performed& alone) {
  EXPECT_EQ(plain(together.answer.document), plain(alone.answer.document));
  EXPECT_EQ(together.answer.warnings, alone.answer.warnings);
  EXPECT_EQ(together.answer.nothing_done, alone.answer.nothing_done);
  ASSERT_EQ(together.answer.failures.size(), alone.answer.failures.size());
  for (std::size_t i = 0; i < alone.answer.failures.size(); ++i) {
    EXPECT_EQ(together.answer.failures[i].input, alone.answer.failures[i].input);
    EXPECT_STREQ(together.answer.failures[i].error.what(), alone.answer.failures[i].error.what());
  }
  ASSERT_EQ(together.artefacts.size(), alone.artefacts.size());
  for (std::size_t i = 0; i < alone.artefacts.size(); ++i) {
    const Artefact &ours = together.artefacts[i], &theirs = alone.artefacts[i];
    EXPECT_EQ(ours.name, theirs.name);
    EXPECT_EQ(ours.media_type, theirs.media_type);
    if (ours.media_type == "application/json")
      EXPECT_EQ(document_in(ours), document_in(theirs));
    else
      EXPECT_EQ(ours.bytes, theirs.bytes) << ours.name;
  }
}

TEST_F(Together, PredictionsAreThoseOfEachAlone) {
  const std::vector<Request> requests = {asking({1, 2, 3}), asking({-1, 0, 5}), asking({4, 4, 4})};
  const auto parts = perform_all(operation("predict"), requests);
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ(parts->size(), 3);
  for (std::size_t i = 0; i < 3; ++i)
    expect_equal((*parts)[i], perform_alone(operation("predict"), requests[i]));
  EXPECT_NE((*parts)[0].artefacts[0].bytes, (*parts)[1].artefacts[0].bytes);
}

TEST_F(Together, ExplanationsAreThoseOfEachAloneWithPicturesAndRecords) {
  const Json options = {{"method", {"saliency", "integrated_gradients"}},
                        {"target", {"top1", "top2"}},
                        {"format", {"npy", "png", "svg", "json"}}};
  const std::vector<Request> requests = {asking({1, 2, 3}, options), asking({-1, 0, 5}, options)};
  const auto parts = perform_all(operation("explain"), requests);
  ASSERT_TRUE(parts.has_value());
  for (std::size_t i = 0; i < 2; ++i) {
    const Performed alone = perform_alone(operation("explain"), requests[i]);
    ASSERT_EQ(alone.answer.document["answers"].size(), 4);
    expect_equal((*parts)[i], alone);
  }
}

TEST_F(Together, TheCostIsSaidForAllThatSharedIt) {
  const Json options = {{"method", {"saliency"}}};
  const std::vector<Request> requests = {asking({1, 2, 3}, options), asking({-1, 0, 5}, options)};
  const auto parts = perform_all(operation("explain"), requests);
  ASSERT_TRUE(parts.has_value());
  ASSERT_EQ((*parts)[1].answer.document["answers"].size(), 1);
  EXPECT_EQ((*parts)[1].answer.document["answers"][0]["cost"]["samples"], 2);
}

TEST_F(Together, AWrongInputFailsItsOwnRequestOnly) {
  const std::vector<Request> requests = {asking({1, 2, 3}), asking({1, 2}), asking({4, 4, 4})};
  const auto parts = perform_all(operation("predict"), requests);
  ASSERT_TRUE(parts.has_value());
  for (std::size_t i = 0; i < 3; ++i) {
    const Performed& part = (*parts)[i];
    expect_equal(part, perform_alone(operation("predict"), requests[i]));
    EXPECT_EQ(part.answer.nothing_done, i == 1);
    EXPECT_EQ(part.answer.failures.size(), i == 1 ? 1 : 0);
  }
  EXPECT_THAT((*parts)[1].answer.failures[0].error.what(), HasSubstr("(inputs[0])"));
}

TEST_F(Together, ManyInputsOfOneKeepTheirOrder) {
  Request two = asking({1, 2, 3});
  two.inputs.push_back(array_input("1", at::tensor({7.0F, 8.0F, 9.0F})));
  const std::vector<Request> requests = {asking({0, 0, 1}), two};
  const auto parts = perform_all(operation("predict"), requests);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ((*parts)[0].answer.document["answers"].size(), 1);
  expect_equal((*parts)[1], perform_alone(operation("predict"), requests[1]));
}

// What an operation could do wrong: a file for the whole run, a single value that names an input.
enum class Leak { file, value, contents };
template <Leak leak>
Answer run_leaky(const Request& request, const Surroundings& around) {
  Answer answer;
  answer.document["answers"] = Json::array();
  for (const RequestInput& input : request.inputs)
    answer.document["answers"].push_back({{"input", input.name}});
  const std::string first = request.inputs.front().name;
  if (leak == Leak::value) answer.document["first"] = first;
  if (leak == Leak::file) around.artefact({"all.txt", "text/plain", bytes_of("everybody's")});
  if (leak == Leak::contents) {
    for (const RequestInput& input : request.inputs)
      around.artefact({input.stem + ".txt", "text/plain", bytes_of("beside " + first)});
  }
  return answer;
}
template <Leak leak>
constexpr Operation leaky = {.name = "leaky",
                             .group = "Look",
                             .summary = "Tells of others.",
                             .subject = Subject::none,
                             .inputs = Inputs::required,
                             .input_by_input = true,
                             .run = run_leaky<leak>};

TEST_F(Together, WhatIsNobodysOwnIsGivenToNobody) {
  const std::vector<Request> requests = {asking({1}), asking({2})};
  EXPECT_FALSE(perform_all(leaky<Leak::file>, requests).has_value());
  EXPECT_FALSE(perform_all(leaky<Leak::value>, requests).has_value());
  EXPECT_FALSE(perform_all(leaky<Leak::contents>, requests).has_value());
}

TEST_F(Together, EqualQuestionsAboutEqualInputsAreCompany) {
  const Operation& predict = operation("predict");
  const std::string one = company_of(predict, asking({1, 2, 3}));
  EXPECT_FALSE(one.empty());
  EXPECT_EQ(one, company_of(predict, asking({7, 7, 7})));
  EXPECT_NE(one, company_of(predict, asking({1, 2, 3}, {{"top", 3}})));
  EXPECT_NE(one, company_of(operation("explain"), asking({1, 2, 3})));
  EXPECT_EQ(company_of(operation("check"), {}), "");
  EXPECT_EQ(company_of(predict, asking({1, 2, 3}, {{"format", {"npy", "html"}}})), "")
      << "one page for a whole run";
}

TEST_F(Together, InputsThatAreNoWholeSamplesStayAlone) {
  const auto named = [](std::initializer_list<const char*> names) {
    Request request;
    for (const char* name : names)
      request.inputs.push_back(array_input("0", at::tensor({1.0F}), name));
    return company_of(*whole_catalogue().find_operation("predict"), request);
  };
  EXPECT_EQ(named({"image", "image", "vector"}), "") << "its image would meet another's vector";
  EXPECT_NE(named({"image", "vector"}), "");
  EXPECT_EQ(named({"image", "vector"}), named({"vector", "image", "vector", "image"}));
  EXPECT_NE(named({"image", "vector"}), named({"image", "other"}));
}

}  // namespace
}  // namespace pellucid

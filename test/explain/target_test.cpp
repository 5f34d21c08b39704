// The words of a target, and the numbers they pick.
#include "pellucid/explain/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/questions.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

Model labelled() {
  Net net;
  const ValueId x = net.input("x", {any, 3, 6, 5});
  const ValueId conv = detail::conv(net, "conv", x, noise({6, 3, 3, 3}, 1), noise({6}, 2), 1,
                                    {any, 6, 6, 5}, Form::functional);
  const ValueId pooled = net.call("pooled", "mean.dim", {conv, sizes({2, 3})}, {any, 6});
  net.builder.add_output({"main", {pooled}});
  const ValueId aux = net.call("aux", "neg.default", {pooled}, {any, 6});
  net.builder.add_output({"aux", {aux}});
  Model model = model_of(std::move(net.builder).build());
  model.metadata.labels = {{"goldfish", "Carassius auratus"},
                           {"great white shark", "white shark, man-eater"},
                           {"crane", "bird"},
                           {"crane", "machine"},
                           {"Black-footed albatross"},
                           {"cock"}};
  return model;
}
Target one_wish(const std::string& word) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector{word}, model);
  EXPECT_EQ(wishes.size(), 1U) << word;
  return wishes.at(0);
}
Error refused(const std::string& word) {
  const Model model = labelled();
  return error_of([&] { parse_targets(std::vector{word}, model); });
}

TEST(ParseTargets, TakesIndicesAndLabels) {
  EXPECT_EQ(one_wish("4").index, 4);
  EXPECT_EQ(one_wish("goldfish").index, 0);
  EXPECT_EQ(one_wish("GoldFish").index, 0);
  EXPECT_EQ(one_wish("carassius auratus").index, 0);  // a synonym
  EXPECT_EQ(one_wish("black-footed albatross").index, 4);
  EXPECT_EQ(one_wish(" cock ").index, 5);
  EXPECT_EQ(one_wish("white shark, man-eater").index, 1);  // a label with a comma
}

TEST(ParseTargets, SplitsListsAtTheirCommas) {
  const Model model = labelled();
  const auto wishes =
      parse_targets(std::vector<std::string>{"0,white shark, man-eater,cock", "top2"}, model);
  ASSERT_EQ(wishes.size(), 4U);
  EXPECT_EQ(wishes[0].index, 0);
  EXPECT_EQ(wishes[1].index, 1);
  EXPECT_EQ(wishes[2].index, 5);
  EXPECT_EQ(wishes[3].rank, 2);
}

TEST(ParseTargets, NamesTheCandidatesOfAnAmbiguousLabel) {
  const Error error = refused("crane");
  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), HasSubstr("ambiguous"));
  EXPECT_THAT(error.what(), HasSubstr("2 crane"));
  EXPECT_THAT(error.what(), HasSubstr("3 crane"));
  EXPECT_EQ(one_wish("machine").index, 3);
}

TEST(ParseTargets, NamesTheNearestLabelsAndTheRange) {
  EXPECT_THAT(refused("goldfsh").what(), HasSubstr("goldfish"));
  EXPECT_THAT(refused("6").what(), HasSubstr("0 to 5"));
  EXPECT_EQ(refused("-1").fault(), Fault::usage);
  EXPECT_EQ(refused("top7").fault(), Fault::usage);
  EXPECT_EQ(refused("0,,1").fault(), Fault::usage);
  EXPECT_EQ(refused("").fault(), Fault::usage);
  EXPECT_EQ(refused("99999999999999999999").fault(), Fault::usage);
  Model unlabelled = labelled();
  unlabelled.metadata.labels.clear();
  EXPECT_THAT(error_of([&] { parse_targets(std::vector<std::string>{"cat"}, unlabelled); }).what(),
              HasSubstr("no labels"));
}

TEST(ParseTargets, TakesDifferencesRanksAndOutputs) {
  const Target difference = one_wish("goldfish:5");
  EXPECT_EQ(difference.kind, Target::Kind::difference);
  EXPECT_EQ(difference.index, 0);
  EXPECT_EQ(difference.against, 5);
  const Target ranked = one_wish("top1:top2");
  EXPECT_EQ(ranked.rank, 1);
  EXPECT_EQ(ranked.against_rank, 2);
  EXPECT_EQ(one_wish("aux/3").output, 1);
  EXPECT_EQ(one_wish("aux/3").index, 3);
  EXPECT_EQ(one_wish("main/cock").output, 0);
  const Error error = refused("other/3");
  EXPECT_THAT(error.message(), HasSubstr("no output \"other\""));
  EXPECT_THAT(error.remedy(), HasSubstr("main, aux"));
}

TEST(ParseTargets, TakesChannelsAndNeuronsOfALayer) {
  const Target channel = one_wish("conv#5");
  EXPECT_EQ(channel.kind, Target::Kind::unit);
  EXPECT_EQ(channel.index, 5);
  EXPECT_TRUE(channel.position.empty());
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"conv#5@2,3,cock"}, model);
  ASSERT_EQ(wishes.size(), 2U);
  EXPECT_EQ(wishes[0].position, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(wishes[0].text, "conv#5@2,3");
  EXPECT_EQ(wishes[1].index, 5);
  EXPECT_EQ(refused("nolayer#3").fault(), Fault::usage);
  EXPECT_EQ(refused("conv#x").fault(), Fault::usage);
  EXPECT_EQ(refused("conv#1@a").fault(), Fault::usage);
}

TEST(ParseTargets, SplitsAListOfNeurons) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"conv#1@0,1,conv#2@3,4"}, model);
  ASSERT_EQ(wishes.size(), 2U);
  EXPECT_EQ(wishes[0].position, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(wishes[1].index, 2);
  EXPECT_EQ(wishes[1].position, (std::vector<std::int64_t>{3, 4}));
}

TEST(Target, ReadsChannelsAndNeurons) {
  const at::Tensor value = noise({2, 3, 4, 5}, 1);
  Target unit;
  unit.kind = Target::Kind::unit;
  unit.index = 2;
  EXPECT_TRUE(near(unit.of(value), value.select(1, 2).mean({1, 2}), 1e-6));
  unit.position = {3, 4};
  EXPECT_TRUE(near(unit.of(value), value.select(1, 2).select(1, 3).select(1, 4), 0));
  unit.position = {4, 4};
  EXPECT_EQ(error_of([&] { unit.of(value); }).fault(), Fault::usage);
  unit.position = {1};
  EXPECT_EQ(error_of([&] { unit.of(value); }).fault(), Fault::usage);
  unit.position.clear();
  unit.index = 3;
  EXPECT_EQ(error_of([&] { unit.of(value); }).fault(), Fault::usage);
  const at::Tensor tokens = noise({2, 7, 3}, 1);  // [N, tokens, channels]
  unit.index = 1;
  EXPECT_TRUE(near(unit.of(tokens), tokens.select(2, 1).mean(1), 1e-6));
}

TEST(Resolve, TurnsRanksIntoClasses) {
  const Model model = labelled();
  const at::Tensor logits = at::tensor({0.1F, 0.9F, 0.3F, 0.2F, 0.8F, -1.0F}).reshape({1, 6});
  const std::vector<at::Tensor> outputs = {logits, -logits};
  const auto settled = [&](const std::string& word) {
    return settle(parse_targets(std::vector{word}, model)[0], model, outputs);
  };
  EXPECT_EQ(settled("top1").index, 1);
  EXPECT_EQ(settled("top2").index, 4);
  EXPECT_EQ(settled("aux/top1").index, 5);
  EXPECT_EQ(settled("top6").index, 5);
  const Target difference = settled("top1:top2");
  EXPECT_EQ(difference.index, 1);
  EXPECT_EQ(difference.against, 4);
  EXPECT_THAT(difference.text, HasSubstr("1 great white shark − 4 Black-footed albatross"));
}

TEST(Resolve, RanksEqualScoresByIndexAndWhatIsNoNumberLast) {
  const at::Tensor scores = at::tensor({NAN, 0.5F, 0.5F, 2.0F, 0.5F, -INFINITY});
  EXPECT_TRUE(ranking(scores, 4).equal(at::tensor(std::vector<std::int64_t>{3, 1, 2, 4})));
  EXPECT_EQ(ranking(scores, 6)[0].item<std::int64_t>(), 3);
}

TEST(Resolve, NamesTheLayerAndAPlaceOfADenseOutput) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"2"}, model);
  const Error error = error_of([&] {
    settle(wishes[0], model, std::vector{noise({1, 6, 8, 4}, 1)});
  });
  EXPECT_THAT(error.remedy(), HasSubstr("pooled#2@4,2"));
}

// Three classes on 2 by 3 places: class 2 wins at four of them, class 0 at two.
at::Tensor dense_answer() {
  return at::tensor({1.0F, 5.0F, 0.0F, 0.0F, 0.0F, 6.0F,   // class 0
                     0.0F, 1.0F, 2.0F, 1.0F, 0.0F, 0.0F,   // class 1
                     2.0F, 0.0F, 3.0F, 4.0F, 5.0F, 1.0F})  // class 2
      .reshape({1, 3, 2, 3});
}

Target settled_on_places(const std::string& word, const at::Tensor& answer) {
  const Model model = labelled();
  return settle(parse_targets(std::vector{word}, model).at(0), model, std::vector{answer});
}

TEST(Places, AreThoseWhereTheClassIsTheLikeliest) {
  for (const char* word : {"2@self", "top1@self", "2@SELF"}) {
    const Target target = settled_on_places(word, dense_answer());
    EXPECT_EQ(target.kind, Target::Kind::places);
    EXPECT_EQ(target.index, 2);
    EXPECT_EQ(target.text, "main/2 crane@self");
    EXPECT_FLOAT_EQ(target.of(dense_answer()).item<float>(), 2 + 3 + 4 + 5);
    // The places stay those of the answer that settled it.
    EXPECT_FLOAT_EQ(target.of(2 * dense_answer().flip(3)).item<float>(), 2 * (3 + 2 + 1 + 5));
  }
  EXPECT_EQ(settled_on_places("top2@self", dense_answer()).index, 0);
  EXPECT_EQ(settled_on_places("goldfish@self", dense_answer()).index, 0);
}

TEST(Places, OfASingleChannelAreWhereItSaysYes) {
  const at::Tensor logits = at::tensor({-1.0F, 2.0F, 0.5F, -3.0F}).reshape({1, 1, 2, 2});
  EXPECT_FLOAT_EQ(settled_on_places("0@self", logits).of(logits).item<float>(), 2.5F);
  const at::Tensor chances = at::tensor({0.1F, 0.9F, 0.4F, 0.6F}).reshape({1, 1, 2, 2});
  EXPECT_FLOAT_EQ(settled_on_places("0@self", chances).of(chances).item<float>(), 1.5F);
}

TEST(Places, AreMissedByName) {
  const auto refusal = [](const std::string& word, const at::Tensor& answer) {
    return error_of([&] { settled_on_places(word, answer); });
  };
  const Error nowhere = refusal("great white shark@self", dense_answer());
  EXPECT_THAT(nowhere.message(), HasSubstr("1 great white shark is the likeliest nowhere"));
  EXPECT_THAT(nowhere.remedy(), HasSubstr("2 crane, 0 goldfish"));
  EXPECT_THAT(refusal("2@self", noise({1, 6}, 1)).message(), HasSubstr("no places"));
  EXPECT_THAT(refusal("2:1@self", dense_answer()).message(), HasSubstr("no places of its own"));
}

TEST(Places, AreSplitAtTheirCommas) {
  const Model model = labelled();
  EXPECT_EQ(parse_targets(std::vector<std::string>{"0@self,top2@self,4"}, model).size(), 3U);
}

TEST(Resolve, TakesTheOnlyNumberOfAScalarOutput) {
  const Model model = model_of(linear_network());
  const std::vector<at::Tensor> outputs = {at::ones({1, 1})};
  EXPECT_EQ(settle(parse_targets(std::vector<std::string>{"0"}, model)[0], model, outputs).kind,
            Target::Kind::whole);
  const auto wishes = parse_targets(std::vector<std::string>{"0:0"}, model);
  EXPECT_EQ(error_of([&] { settle(wishes[0], model, outputs); }).fault(), Fault::usage);
}

TEST(Resolve, RefusesADenseOutputAndWholeNumbers) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"1"}, model);
  EXPECT_EQ(error_of([&] {
              settle(wishes[0], model, std::vector{noise({1, 6, 2, 2}, 1)});
            }).fault(),
            Fault::usage);
  EXPECT_EQ(error_of([&] {
              settle(wishes[0], model, std::vector{at::ones({1, 6}, at::kLong)});
            }).fault(),
            Fault::usage);
}

TEST(DefaultTargets, AreTheTopClassOrTheOnlyNumber) {
  Model model = labelled();
  model.metadata.outputs[0].kind = OutputKind::logits;
  EXPECT_THAT(default_targets(model), ::testing::ElementsAre("top1"));
  model.metadata.outputs[0].kind = OutputKind::regression;
  EXPECT_THAT(default_targets(model), ::testing::ElementsAre("0"));
  model.metadata.outputs[0].kind = OutputKind::dense;
  EXPECT_THAT(default_targets(model), ::testing::ElementsAre("top1@self"));
}

}  // namespace
}  // namespace pellucid

// Quadrature, the probe, completeness, and the words of targets.
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pellucid/explain/completeness.h"
#include "pellucid/explain/cost.h"
#include "pellucid/explain/inputs.h"
#include "pellucid/explain/quadrature.h"
#include "pellucid/explain/target.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

template <class Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return internal_error("nothing was thrown");
}

// --- quadrature ---

double integral(const Quadrature& rule, int power) {
  double sum = 0;
  for (std::size_t i = 0; i < rule.points.size(); ++i)
    sum += rule.weights[i] * std::pow(rule.points[i], power);
  return sum;
}

TEST(Quadrature, OfGaussLegendreIsExactUpToDegreeTwoNMinusOne) {
  for (const int n : {1, 2, 3, 5, 8, 20, 50}) {
    const Quadrature rule = quadrature("gausslegendre", n);
    // ∫ xᵖ = 1 / (p + 1) on [0, 1]; sums of fifty doubles.
    for (int power = 0; power <= 2 * n - 1; ++power)
      EXPECT_NEAR(integral(rule, power), 1.0 / (power + 1), 1e-13) << n;
  }
  // One degree more is not integrated exactly: the test would see a rule that is better or worse
  // than it should be.
  EXPECT_GT(std::abs(integral(quadrature("gausslegendre", 2), 4) - 0.2), 1e-3);
}

TEST(Quadrature, HasWeightsThatSumToOneAndPointsInOrderWithinThePath) {
  for (const std::string_view name : quadrature_names()) {
    for (const int n : {2, 3, 50, 257}) {
      const Quadrature rule = quadrature(name, n);
      ASSERT_EQ(rule.points.size(), static_cast<std::size_t>(n));
      EXPECT_NEAR(integral(rule, 0), 1, 1e-12) << name;
      EXPECT_TRUE(std::is_sorted(rule.points.begin(), rule.points.end())) << name;
      EXPECT_GE(rule.points.front(), 0);
      EXPECT_LE(rule.points.back(), 1);
    }
  }
}

TEST(Quadrature, PlacesRiemannAndTrapezoidPointsAsTheirNamesSay) {
  using ::testing::ElementsAre;
  EXPECT_THAT(quadrature("riemann_left", 4).points, ElementsAre(0, 0.25, 0.5, 0.75));
  EXPECT_THAT(quadrature("riemann_right", 4).points, ElementsAre(0.25, 0.5, 0.75, 1));
  EXPECT_THAT(quadrature("riemann_middle", 2).points, ElementsAre(0.25, 0.75));
  EXPECT_THAT(quadrature("trapezoid", 3).points, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(quadrature("trapezoid", 3).weights, ElementsAre(0.25, 0.5, 0.25));
}

TEST(Quadrature, RefusesOtherNamesAndTooFewPoints) {
  EXPECT_EQ(error_of([] { quadrature("simpson", 3); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([] { quadrature("gausslegendre", 0); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([] { quadrature("trapezoid", 1); }).fault(), Fault::usage);
}

// --- the probe ---

TEST(Probe, CountsSamplesAndCalls) {
  ProbeSettings settings;
  settings.chunk = 4;
  Probe probe = probe_of(multi_layer(), settings);
  const std::vector<at::Tensor> inputs = {noise({10, 3}, 1)};
  const std::vector<ValueId> relu = {probe.graph().find("relu1")};
  probe.forward(inputs, relu);
  EXPECT_EQ(probe.evaluations().forwards, 10);
  EXPECT_EQ(probe.evaluations().calls, 3);
  probe.gradient(inputs, std::vector{entry(0)}, relu);
  EXPECT_EQ(probe.evaluations().forwards, 10);
  EXPECT_EQ(probe.evaluations().gradients, 10);
  EXPECT_EQ(probe.evaluations().calls, 6);
  EXPECT_EQ(probe.chunk(), 4);
}

TEST(Probe, AnswersInChunksAsInOnePiece) {
  const auto graph = rewrite_norms(residual_network());
  const std::vector<at::Tensor> inputs = {noise({7, 3, 6, 5}, 1)};
  const std::vector<ValueId> asked = {graph->inputs()[0], graph->find("relu_1")};
  std::vector<Target> targets;
  for (const int index : {0, 1, 2, 2, 1, 0, 0}) targets.push_back(entry(index));
  ProbeSettings whole_settings, cut_settings;
  whole_settings.chunk = 7;
  cut_settings.chunk = 3;
  Probe whole_probe = probe_of(graph, whole_settings), cut = probe_of(graph, cut_settings);
  const auto one = whole_probe.gradient(inputs, targets, asked),
             parts = cut.gradient(inputs, targets, asked);
  ASSERT_GT(magnitude(one.gradients[0]), 1e-3);
  // Another batch may sum in another order.
  EXPECT_TRUE(near(parts.target, one.target, 1e-6));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_TRUE(near(parts.gradients[i], one.gradients[i], 1e-6));
    EXPECT_TRUE(near(parts.values[i], one.values[i], 1e-6));
  }
  EXPECT_TRUE(near(cut.forward(inputs, asked)[1], whole_probe.forward(inputs, asked)[1], 1e-6));
  EXPECT_TRUE(near(cut.target(inputs, targets), one.target, 1e-6));
}

TEST(Probe, GivesTheGradientOfTheInputThroughAValueInTheMiddle) {
  // Both are asked for together: the value in the middle must stay connected to the input.
  for (const bool middle_first : {false, true}) {
    Probe probe = probe_of(multi_layer());
    const ValueId x = probe.graph().inputs()[0], fc1 = probe.graph().find("fc1");
    std::vector<ValueId> asked = {x, fc1};
    if (middle_first) std::swap(asked[0], asked[1]);
    const auto both = probe.gradient(std::vector{at::tensor({20.0F, 50.0F, 30.0F}).reshape({1, 3})},
                                     std::vector{entry(0)}, asked);
    EXPECT_TRUE(near(both.gradients[middle_first ? 1 : 0], at::ones({1, 3}) * 4,
                     0));  // four active units, weights 1
    EXPECT_TRUE(near(both.gradients[middle_first ? 0 : 1], at::ones({1, 4}), 0));
    EXPECT_EQ(both.target.item<float>(), 392);
    EXPECT_EQ(probe.evaluations().calls, 1);
  }
}

TEST(Probe, GivesTheSameGradientsWhereTheModelsBatchIsFixed) {
  // Under a functorch level and one sample after another, both values at once.
  const auto plain = one_conv();
  const std::vector<at::Tensor> inputs = {noise({3, 1, 4, 4}, 2) * 20 + 30};
  Net net;
  const ValueId x = net.input("x", {1, 1, 4, 4});
  const ValueId conv =
      detail::conv(net, "conv1", x, at::ones({2, 1, 3, 3}), at::tensor({-50.0F, -75.0F}), 0,
                   {1, 2, 2, 2}, Form::functional);
  const ValueId relu = detail::relu(net, "relu1", conv, {1, 2, 2, 2}, Form::functional);
  const ValueId flat = net.call("flatten", "reshape.default", {relu, sizes({1, 8})},
                                {1, 8});  // insists on one sample
  const at::Tensor row = at::tensor({1.0F, 1.0F, 1.0F, 1.0F, 1.0F, -1.0F, -1.0F, -1.0F});
  const ValueId fc = net.call("fc1", "linear.default",
                              {flat, net.constant("w", row.expand({4, 8}).contiguous())}, {1, 4});
  const auto fixed = net.returning({net.call("relu2", "relu.default", {fc}, {1, 4})});
  const auto runner = std::make_shared<BatchRunner>(std::make_shared<Executor>(fixed));
  Probe lifted(runner, {});
  Probe free = probe_of(plain);
  const auto got = lifted.gradient(inputs, std::vector{entry(0)},
                                   std::vector{fixed->inputs()[0], fixed->find("conv1")});
  const auto wanted = free.gradient(inputs, std::vector{entry(0)},
                                    std::vector{plain->inputs()[0], plain->find("conv1")});
  EXPECT_EQ(runner->mode(), BatchMode::vmap);
  ASSERT_GT(magnitude(wanted.gradients[0]), 0.5);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(near(got.gradients[i], wanted.gradients[i], 1e-6));
    EXPECT_TRUE(near(got.values[i], wanted.values[i], 1e-6));
  }
  EXPECT_TRUE(near(got.target, wanted.target, 1e-6));
}

TEST(Probe, ReadsEachSamplesOwnTarget) {
  Probe probe = probe_of(residual_network());
  const std::vector<at::Tensor> inputs = {noise({3, 3, 6, 5}, 1)};
  const ValueId out = probe.graph().outputs()[0].operand.value();
  const at::Tensor all = probe.forward(inputs, std::vector{out})[0];
  Target difference = entry(2);
  difference.kind = Target::Kind::difference;
  difference.against = 0;
  Target unit;
  unit.kind = Target::Kind::unit;
  unit.value = probe.graph().find("relu_1");
  unit.index = 3;
  const at::Tensor got = probe.target(inputs, std::vector{entry(1), difference, unit});
  EXPECT_EQ(got[0].item<float>(), all[0][1].item<float>());
  EXPECT_EQ(got[1].item<float>(), (all[1][2] - all[1][0]).item<float>());
  const at::Tensor relu = probe.forward(inputs, std::vector{unit.value})[0];
  EXPECT_NEAR(got[2].item<float>(), relu[2][3].mean().item<float>(), 1e-6);
}

TEST(Probe, StopsWhenItIsCancelled) {
  Cancellation cancellation;
  ProbeSettings settings;
  settings.chunk = 1;
  settings.cancellation = &cancellation;
  settings.progress = [&](const Progress& progress) {
    if (progress.done == 2) cancellation.request();
  };
  Probe probe = probe_of(multi_layer(), settings);
  int added = 0;
  const Error error = error_of([&] {
    probe.gradients(
        5, std::vector{entry(0)}, probe.graph().inputs(),
        [](std::int64_t) {
          return std::vector{at::ones({1, 3})};
        },
        [&](std::int64_t, const Probe::Gradient&) { ++added; });
  });
  EXPECT_EQ(error.fault(), Fault::cancelled);
  EXPECT_EQ(added, 2);
}

TEST(Probe, NamesTheNeedWhereOneSampleExceedsTheMemoryLimit) {
  ProbeSettings settings;
  settings.memory_limit = 100;
  Probe probe = probe_of(residual_network(), settings);
  const Error error = error_of([&] {
    probe.gradient(std::vector{noise({1, 3, 6, 5}, 1)}, std::vector{entry(0)},
                   probe.graph().inputs());
  });
  EXPECT_EQ(error.fault(), Fault::too_large);
  EXPECT_THAT(error.what(), HasSubstr("100 B"));
  EXPECT_FALSE(error.remedy().empty());
}

TEST(Probe, CutsWorkToFitTheMemoryLimit) {
  const auto graph = residual_network();
  ProbeSettings settings;
  settings.memory_limit = 2 * cost_per_sample(*graph).gradient_bytes;
  Probe probe = probe_of(graph, settings);
  probe.gradient(std::vector{noise({6, 3, 6, 5}, 1)}, std::vector{entry(0)}, graph->inputs());
  EXPECT_EQ(probe.chunk(), 2);
  EXPECT_EQ(probe.evaluations().calls, 3);
}

TEST(Probe, RefusesALayerThatTheTargetDoesNotReach) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId a = net.call("a", "relu.default", {x}, {any, 3});
  const ValueId b = net.call("b", "neg.default", {x}, {any, 3});
  Probe probe = probe_of(net.returning({a, b}));
  const Error error = error_of([&] {
    probe.gradient(std::vector{at::ones({1, 3})}, std::vector{entry(0)}, std::vector{b});
  });
  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), HasSubstr("\"b\""));
}

TEST(Probe, GivesZeroWhereTheInputHasNoInfluence) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  net.input("unused", {any, 2});
  const auto graph = net.returning({net.call("y", "relu.default", {x}, {any, 3})});
  Probe probe = probe_of(graph);
  const auto both = probe.gradient(std::vector{at::ones({2, 3}), at::ones({2, 2})},
                                   std::vector{entry(0)}, graph->inputs());
  EXPECT_GT(magnitude(both.gradients[0]), 0);
  EXPECT_TRUE(near(both.gradients[1], at::zeros({2, 2}), 0));
}

TEST(Probe, SaysWhichOperatorHasNoDerivative) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const auto graph = net.returning(
      {net.call("y", "igamma.default", {x, net.constant("a", at::ones({3}))}, {any, 3})});
  Probe probe = probe_of(graph);
  const Error error = error_of([&] {
    probe.gradient(std::vector{at::ones({1, 3})}, std::vector{entry(0)}, graph->inputs());
  });
  EXPECT_EQ(error.fault(), Fault::model);
  EXPECT_THAT(error.what(), HasSubstr("igamma"));
  EXPECT_FALSE(error.remedy().empty());
}

TEST(Probe, AsksForManyPointsInOrder) {
  ProbeSettings settings;
  settings.chunk = 4;  // two steps of two samples go together
  Probe probe = probe_of(multi_layer(), settings);
  std::vector<std::int64_t> order;
  std::vector<double> values;
  probe.gradients(
      5, std::vector{entry(0), entry(1)}, probe.graph().inputs(),
      [](std::int64_t k) {
        return std::vector{at::ones({2, 3}) * static_cast<double>(k)};
      },
      [&](std::int64_t k, const Probe::Gradient& at_step) {
        order.push_back(k);
        ASSERT_EQ(at_step.target.size(0), 2);
        values.push_back(at_step.values[0][1][2].item<double>());
      });
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(values, ::testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(probe.evaluations().gradients, 10);
  EXPECT_EQ(probe.evaluations().calls, 3);
}

// --- completeness ---

TEST(Completeness, IsTheMissedShareOfTheTargetsChange) {
  Attribution answer;
  answer.maps.push_back(
      {"x", Coordinates::input, at::tensor({1.0F, 2.0F, 3.0F, 0.9F}).reshape({2, 2}), false, ""});
  answer.checks.resize(2);
  add_completeness(answer, at::tensor({5.0F, 4.0F}), at::tensor({2.0F, 0.0F}));
  EXPECT_NEAR(*answer.checks[0][0].value, 0, 1e-7);  // 3 of 3
  EXPECT_EQ(answer.checks[0][0].verdict, "pass");
  EXPECT_NEAR(*answer.checks[1][0].value, 0.025, 1e-6);  // 3.9 of 4
  answer.maps[0].scores = answer.maps[0].scores * 2;
  add_completeness(answer, at::tensor({5.0F, 4.0F}), at::tensor({2.0F, 0.0F}));
  EXPECT_EQ(answer.checks[0].back().verdict, "warn");
}

// --- targets ---

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
TargetWish one_wish(const std::string& word) {
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
  EXPECT_EQ(one_wish("4").target.index, 4);
  EXPECT_EQ(one_wish("goldfish").target.index, 0);
  EXPECT_EQ(one_wish("GoldFish").target.index, 0);
  EXPECT_EQ(one_wish("carassius auratus").target.index, 0);  // a synonym
  EXPECT_EQ(one_wish("black-footed albatross").target.index, 4);
  EXPECT_EQ(one_wish(" cock ").target.index, 5);
  EXPECT_EQ(one_wish("white shark, man-eater").target.index, 1);  // a label with a comma
}

TEST(ParseTargets, SplitsListsAtTheirCommas) {
  const Model model = labelled();
  const auto wishes =
      parse_targets(std::vector<std::string>{"0,white shark, man-eater,cock", "top2"}, model);
  ASSERT_EQ(wishes.size(), 4U);
  EXPECT_EQ(wishes[0].target.index, 0);
  EXPECT_EQ(wishes[1].target.index, 1);
  EXPECT_EQ(wishes[2].target.index, 5);
  EXPECT_EQ(wishes[3].rank, 2);
}

TEST(ParseTargets, NamesTheCandidatesOfAnAmbiguousLabel) {
  const Error error = refused("crane");
  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), HasSubstr("ambiguous"));
  EXPECT_THAT(error.what(), HasSubstr("2 crane"));
  EXPECT_THAT(error.what(), HasSubstr("3 crane"));
  EXPECT_EQ(one_wish("machine").target.index, 3);
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
  const TargetWish difference = one_wish("goldfish:5");
  EXPECT_EQ(difference.target.kind, Target::Kind::difference);
  EXPECT_EQ(difference.target.index, 0);
  EXPECT_EQ(difference.target.against, 5);
  const TargetWish ranked = one_wish("top1:top2");
  EXPECT_EQ(ranked.rank, 1);
  EXPECT_EQ(ranked.against_rank, 2);
  EXPECT_EQ(one_wish("aux/3").target.output, 1);
  EXPECT_EQ(one_wish("aux/3").target.index, 3);
  EXPECT_EQ(one_wish("main/cock").target.output, 0);
}

TEST(ParseTargets, TakesChannelsAndNeuronsOfALayer) {
  const TargetWish channel = one_wish("conv#5");
  EXPECT_EQ(channel.target.kind, Target::Kind::unit);
  EXPECT_EQ(channel.target.index, 5);
  EXPECT_TRUE(channel.target.position.empty());
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"conv#5@2,3,cock"}, model);
  ASSERT_EQ(wishes.size(), 2U);
  EXPECT_EQ(wishes[0].target.position, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(wishes[0].target.text, "conv#5@2,3");
  EXPECT_EQ(wishes[1].target.index, 5);
  EXPECT_EQ(refused("nolayer#3").fault(), Fault::usage);
  EXPECT_EQ(refused("conv#x").fault(), Fault::usage);
  EXPECT_EQ(refused("conv#1@a").fault(), Fault::usage);
}

TEST(ParseTargets, SplitsAListOfNeurons) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"conv#1@0,1,conv#2@3,4"}, model);
  ASSERT_EQ(wishes.size(), 2U);
  EXPECT_EQ(wishes[0].target.position, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(wishes[1].target.index, 2);
  EXPECT_EQ(wishes[1].target.position, (std::vector<std::int64_t>{3, 4}));
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
  const auto resolved = [&](const std::string& word) {
    return resolve(parse_targets(std::vector{word}, model)[0], model, outputs);
  };
  EXPECT_EQ(resolved("top1").index, 1);
  EXPECT_EQ(resolved("top2").index, 4);
  EXPECT_EQ(resolved("aux/top1").index, 5);
  EXPECT_EQ(resolved("top6").index, 5);
  const Target difference = resolved("top1:top2");
  EXPECT_EQ(difference.index, 1);
  EXPECT_EQ(difference.against, 4);
  EXPECT_THAT(difference.text, HasSubstr("1 great white shark − 4 Black-footed albatross"));
}

TEST(Resolve, TakesTheOnlyNumberOfAScalarOutput) {
  const Model model = model_of(linear_network());
  const std::vector<at::Tensor> outputs = {at::ones({1, 1})};
  EXPECT_EQ(resolve(parse_targets(std::vector<std::string>{"0"}, model)[0], model, outputs).kind,
            Target::Kind::whole);
  const auto wishes = parse_targets(std::vector<std::string>{"0:0"}, model);
  EXPECT_EQ(error_of([&] { resolve(wishes[0], model, outputs); }).fault(), Fault::usage);
}

TEST(Resolve, RefusesADenseOutputAndWholeNumbers) {
  const Model model = labelled();
  const auto wishes = parse_targets(std::vector<std::string>{"1"}, model);
  EXPECT_EQ(error_of([&] {
              resolve(wishes[0], model, std::vector{noise({1, 6, 2, 2}, 1)});
            }).fault(),
            Fault::usage);
  EXPECT_EQ(error_of([&] {
              resolve(wishes[0], model, std::vector{at::ones({1, 6}, at::kLong)});
            }).fault(),
            Fault::usage);
}

TEST(DefaultTargets, AreTheTopClassOrTheOnlyNumber) {
  Model model = labelled();
  model.metadata.outputs[0].kind = OutputKind::logits;
  EXPECT_THAT(default_targets(model), ::testing::ElementsAre("top1"));
  model.metadata.outputs[0].kind = OutputKind::regression;
  EXPECT_THAT(default_targets(model), ::testing::ElementsAre("0"));
}

// --- the inputs of a question ---

TEST(Inputs, LieOnTheStraightPathFromTheBaseline) {
  const auto graph = multi_layer();
  const Model model = model_of(graph);
  Question question = question_of(model, {noise({2, 3}, 1)}, {entry(0)});
  question.baselines[0] = at::ones({1, 3});  // broadcast
  const auto baselines = baselines_of(question);
  EXPECT_EQ(baselines[0].size(0), 2);
  EXPECT_TRUE(near(between(question, baselines, 0)[0], at::ones({2, 3}), 0));
  EXPECT_TRUE(near(between(question, baselines, 1)[0], question.inputs[0].data, 1e-6));
  EXPECT_TRUE(
      near(between(question, baselines, 0.25)[0], 0.75 + 0.25 * question.inputs[0].data, 1e-6));
  question.inputs[0].attributable = false;
  EXPECT_EQ(error_of([&] { attributable(question); }).fault(), Fault::usage);
}

}  // namespace
}  // namespace pellucid

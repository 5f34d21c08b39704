// Model calls: counted, cut to fit, cancellable, and the gradients they return.
#include "pellucid/explain/probe.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/explain/cost.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/memory.h"
#include "pellucid/run/recomputing_runner.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

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
  EXPECT_EQ(runner->batch_mode(), BatchMode::vmap);
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
    probe.gradients(5, std::vector{entry(0)}, probe.graph().inputs(),
                    {probe.graph().inputs(),
                     [](std::int64_t) {
                       return std::vector{at::ones({1, 3})};
                     }},
                    [&](std::int64_t, const Probe::Gradient&) { ++added; });
  });
  EXPECT_EQ(error.fault(), Fault::cancelled);
  EXPECT_EQ(added, 2);
}

// Wide enough that its values, not the allocator's smallest blocks, are what counts.
std::shared_ptr<const Graph> deep_network() {
  Net net;
  ValueId x = net.input("x", {any, 8, 32, 32});
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i);
    x = net.call("conv" + name, "conv2d.default",
                 {x, net.constant("w" + name, noise({8, 8, 3, 3}, 10 + i) * 0.15), none(),
                  sizes({1, 1}), sizes({1, 1})},
                 {any, 8, 32, 32});
    x = net.call("tanh" + name, "tanh.default", {x}, {any, 8, 32, 32});
  }
  return net.returning({net.call("y", "mean.dim", {x, sizes({2, 3})}, {any, 8})});
}

// Every kind of run at that memory limit against the same without a limit.
class ProbeInLittleMemory : public ::testing::Test {
 protected:
  ProbeInLittleMemory() { watch_memory(); }

  Probe::Gradient gradient_within(std::int64_t bytes) {
    ProbeSettings settings;
    settings.memory_limit = bytes;
    probe_ = std::make_unique<Probe>(
        std::make_shared<RecomputingRunner>(std::make_shared<Executor>(graph_)), settings);
    return probe_->gradient(std::vector{x_}, std::vector{entry(1)},
                            std::vector{graph_->inputs()[0], graph_->find("tanh5")});
  }

  const std::shared_ptr<const Graph> graph_ = deep_network();
  const at::Tensor x_ = noise({6, 8, 32, 32}, 1);
  std::unique_ptr<Probe> probe_;
};

TEST_F(ProbeInLittleMemory, CutsWorkThenComputesTwiceThenRefuses) {
  const Probe::Gradient whole = gradient_within(0);
  EXPECT_EQ(probe_->chunk(), 6);
  ASSERT_GT(magnitude(whole.gradients[0]), 1e-5);
  const std::int64_t sample = cost_per_sample(*graph_).gradient_bytes;
  const auto same = [&](const Probe::Gradient& got) {
    // Other cuts sum in another order.
    return near(got.target, whole.target, 1e-6) &&
           near(got.gradients[0], whole.gradients[0], 1e-6) &&
           near(got.gradients[1], whole.gradients[1], 1e-6);
  };

  EXPECT_TRUE(same(gradient_within(2 * sample + sample / 2)));
  EXPECT_EQ(probe_->chunk(), 2);
  EXPECT_EQ(probe_->segments(), 1);

  // Less than what its values alone take.
  EXPECT_TRUE(same(gradient_within(sample * 4 / 5)));
  EXPECT_EQ(probe_->chunk(), 1);
  EXPECT_GT(probe_->segments(), 1);

  const Error error = error_of([&] { gradient_within(100); });
  EXPECT_EQ(error.fault(), Fault::too_large);
  EXPECT_THAT(error.what(), HasSubstr("100 B"));
  EXPECT_THAT(error.remedy(), HasSubstr("one sample takes about"));
  EXPECT_TRUE(same(gradient_within(0)));  // the process lives
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
  probe.gradients(5, std::vector{entry(0), entry(1)}, probe.graph().inputs(),
                  {probe.graph().inputs(),
                   [](std::int64_t k) {
                     return std::vector{at::ones({2, 3}) * static_cast<double>(k)};
                   }},
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

}  // namespace
}  // namespace pellucid

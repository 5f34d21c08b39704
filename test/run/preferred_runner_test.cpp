// A rewrite behind the plain graph's names: which of the two computes what.
#include "pellucid/run/preferred_runner.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double rounding = 1e-5;

// Keeps which values were asked of it.
struct Asked final : Runner {
  explicit Asked(std::shared_ptr<const Graph> graph) : inner(std::move(graph)) {}
  const Graph& graph() const override { return inner.graph(); }
  std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                               const RunSettings& settings) const override {
    for (const ValueId id : wanted) names.push_back(graph().value(id).name);
    return inner.run(feeds, wanted, settings);
  }
  Executor inner;
  mutable std::vector<std::string> names;
};

struct PreferredRunnerTest : ::testing::Test {
  std::shared_ptr<const Graph> graph = rewrite_norms(residual_network());
  std::shared_ptr<Asked> plain = std::make_shared<Asked>(graph),
                         quick = std::make_shared<Asked>(fold_batch_norm(graph));
  PreferredRunner runner{plain, quick};
  at::Tensor x = noise({2, 3, 6, 5}, 1);
  const std::string head = graph->value(graph->outputs()[0].operand.value()).name;

  // The value as a run shows it.
  at::Tensor seen(const std::string& name, const Runner& by) const {
    at::Tensor shown;
    const Observer observer{{graph->find(name)}, [&](ValueId id, const at::Tensor& tensor) {
                              EXPECT_EQ(id, graph->find(name));
                              return shown = tensor;
                            }};
    run_all(by, {x}, {&observer, nullptr, false});
    return shown;
  }
};

TEST_F(PreferredRunnerTest, AnswersQuickly) {
  EXPECT_TRUE(near(run_all(runner, {x})[0], answer_of(graph, x), rounding));
  EXPECT_THAT(quick->names, ElementsAre(head));
  EXPECT_THAT(plain->names, IsEmpty());
  // A value that both have keeps the plain graph's id.
  EXPECT_TRUE(near(seen("bn2", runner), seen("bn2", Executor(graph)), rounding));
  EXPECT_THAT(plain->names, IsEmpty());
}

TEST_F(PreferredRunnerTest, ShowsWhatTheRewriteLeftOutAndGoesQuicklyAsFarAsThat) {
  // Nothing lies before the first convolution.
  EXPECT_TRUE(near(seen("conv1", runner), seen("conv1", Executor(graph)), rounding));
  EXPECT_THAT(quick->names, IsEmpty());
  EXPECT_THAT(plain->names, ElementsAre(head));
  plain->names.clear();
  EXPECT_TRUE(near(seen("conv2", runner), seen("conv2", Executor(graph)), rounding));
  EXPECT_THAT(quick->names, ElementsAre("relu_1"));
  EXPECT_THAT(plain->names, ElementsAre(head));
}

TEST_F(PreferredRunnerTest, WhatAnObserverPutsInItsPlaceReachesTheAnswer) {
  for (const char* name : {"bn1", "conv2", "bn2"}) {
    const auto answer = [&](const Runner& by) {
      const Observer observer{{graph->find(name), graph->find("conv2")},
                              [&](ValueId id, const at::Tensor& tensor) {
                                return id == graph->find(name) ? at::zeros_like(tensor) : tensor;
                              }};
      return run_all(by, {x}, {&observer, nullptr, false})[0];
    };
    EXPECT_TRUE(near(answer(runner), answer(Executor(graph)), rounding)) << name;
    EXPECT_FALSE(near(answer(runner), answer_of(graph, x), 1e-3)) << name;
  }
}

TEST_F(PreferredRunnerTest, AGradientGoesThroughBoth) {
  const auto gradient = [&](const Runner& by) {
    const at::Tensor leaf = x.clone().requires_grad_(true);
    const std::vector<ValueId> wanted = {graph->find("conv2"), graph->outputs()[0].operand.value()};
    const Feed feed{graph->inputs()[0], leaf};
    const auto answers = by.run(std::span(&feed, 1), wanted, {nullptr, nullptr, true});
    return torch::autograd::grad({answers[0].toTensor().sum() + answers[1].toTensor().sum()},
                                 {leaf})[0];
  };
  EXPECT_TRUE(near(gradient(runner), gradient(Executor(graph)), rounding));
  EXPECT_THAT(quick->names, ElementsAre("relu_1"));
}

TEST_F(PreferredRunnerTest, GivesWantedValuesInTheirOrder) {
  const std::vector<ValueId> wanted = {graph->outputs()[0].operand.value(), graph->find("bn1"),
                                       graph->find("conv2"), graph->inputs()[0]};
  const Feed feed{graph->inputs()[0], x};
  const auto mixed = runner.run(std::span(&feed, 1), wanted, {});
  const auto alone = Executor(graph).run(std::span(&feed, 1), wanted, {});
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_TRUE(near(mixed[i].toTensor(), alone[i].toTensor(), rounding)) << i;
  EXPECT_THAT(plain->names, ElementsAre(head, "conv2"));
}

TEST(PreferredRunner, HandsNothingOverWhereStorageIsWrittenToLater) {
  // out = -e + (e + 1), e = exp(x), where e itself is written to in between.
  const auto network = [](const char* middle) {
    Net net;
    const ValueId x = net.input("x", {any, 4});
    const ValueId early = net.call("early", "exp.default", {x}, {any, 4});
    const ValueId mid = net.call(middle, "neg.default", {early}, {any, 4});
    const ValueId written = net.call("written", "add_.Tensor", {early, whole(1)}, {any, 4});
    return net.returning({net.call("out", "add.Tensor", {mid, written}, {any, 4})});
  };
  const auto graph = network("mid");
  const auto quick = std::make_shared<Asked>(network("gone"));
  const PreferredRunner runner(std::make_shared<Executor>(graph), quick);
  const Observer observer{{graph->find("mid")},
                          [](ValueId, const at::Tensor& tensor) { return tensor; }};
  const at::Tensor x = noise({2, 4}, 1);
  EXPECT_TRUE(near(run_all(runner, {x}, {&observer, nullptr, false})[0], at::ones({2, 4}), 1e-6));
  EXPECT_THAT(quick->names, IsEmpty());
}

}  // namespace
}  // namespace pellucid

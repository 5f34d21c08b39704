// Targets that wait for the model's answer, and several targets of one input: what one forward
// tells is not computed twice.
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pellucid/explain/probe.h"
#include "pellucid/explain/target.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"
#include "test/running.h"

namespace pellucid {
namespace {

// Another batch may sum in another order.
constexpr double rounding = 1e-6;

class ProbeSettling : public ::testing::Test {
 protected:
  Probe probe(ProbeSettings settings = {}) const {
    return Probe(std::make_shared<Executor>(model.graph), std::move(settings),
                 {inputs, [this](const Target& target, std::span<const at::Tensor> outputs) {
                    return settle(target, model, outputs);
                  }});
  }
  std::vector<Target> asked(const std::string& word) const {
    return {4, parse_targets(std::vector{word}, model).at(0)};
  }
  // The class at that rank of every sample.
  std::vector<Target> by_rank(int rank) const {
    const at::Tensor order =
        std::get<1>(answer_of(model.graph, inputs[0]).sort(1, /*descending=*/true));
    std::vector<Target> targets;
    for (std::int64_t n = 0; n < 4; ++n)
      targets.push_back(entry(order[n][rank - 1].item<std::int64_t>()));
    return targets;
  }
  Probe::Gradient wanted(std::span<const Target> targets) const {
    return probe_of(model.graph).gradient(inputs, targets, model.graph->inputs());
  }

  const Model model = model_of(rewrite_norms(residual_network()));
  // Far from zero, where the head's bias alone would choose the class.
  const std::vector<at::Tensor> inputs = {noise({4, 3, 6, 5}, 2) * 30};
};

TEST_F(ProbeSettling, OneRunTellsTheClassesAndTheirGradients) {
  for (const std::int64_t chunk : {4, 3, 1}) {
    Probe one = probe({.chunk = chunk, .progress = {}});
    const std::vector<Target> targets = asked("top1");
    ASSERT_FALSE(targets[0].settled);
    const auto got = one.gradient(inputs, targets, model.graph->inputs());
    EXPECT_EQ(one.evaluations().forwards, 0);
    EXPECT_EQ(one.evaluations().gradients, 4);
    const std::vector<Target> right = by_rank(1);
    ASSERT_TRUE(std::ranges::any_of(right, [&](auto& t) { return t.index != right[0].index; }));
    EXPECT_TRUE(near(got.gradients[0], wanted(right).gradients[0], rounding));
    // What the run told is known from then on.
    const std::vector<Target> settled = one.settled(asked("top1:top2"));
    const at::Tensor outputs = one.outputs(inputs)[0];
    EXPECT_TRUE(near(outputs, answer_of(model.graph, inputs[0]), rounding));
    EXPECT_TRUE(near(one.target(inputs, right), got.target, rounding));
    EXPECT_EQ(one.evaluations().forwards, 0);
    for (std::size_t n = 0; n < 4; ++n) {
      EXPECT_EQ(settled[n].index, right[n].index);
      EXPECT_EQ(settled[n].against, by_rank(2)[n].index);
    }
  }
}

TEST_F(ProbeSettling, AnotherInputIsAskedAfterTheFirst) {
  Probe one = probe();
  const std::vector<at::Tensor> other = {noise({4, 3, 6, 5}, 7)};
  // The classes are those of the question's input, not of the point where they are looked at.
  const at::Tensor got = one.target(other, asked("top1"));
  EXPECT_EQ(one.evaluations().forwards, 8);
  EXPECT_TRUE(near(got, probe_of(model.graph).target(other, by_rank(1)), rounding));
}

TEST_F(ProbeSettling, SeveralTargetsShareOneForward) {
  Probe one = probe({.progress = {}, .several_targets = true});
  for (const int rank : {1, 2, 3}) {
    const auto got =
        one.gradient(inputs, asked("top" + std::to_string(rank)), model.graph->inputs());
    EXPECT_TRUE(near(got.gradients[0], wanted(by_rank(rank)).gradients[0], rounding)) << rank;
    EXPECT_EQ(one.evaluations().calls, 1);
    EXPECT_EQ(one.chunk(), 4);
  }
  EXPECT_EQ(one.evaluations().gradients, 12);
  // Another layer, a value that was not recorded, or another input is another run.
  const ValueId relu = model.graph->find("relu_1");
  one.gradient(inputs, asked("0"), std::span(&relu, 1));
  EXPECT_EQ(one.evaluations().calls, 2);
  Target unit;
  unit.kind = Target::Kind::unit;
  unit.value = relu;
  const auto of_unit = one.gradient(inputs, std::vector{unit}, model.graph->inputs());
  EXPECT_EQ(one.evaluations().calls, 3);
  EXPECT_TRUE(near(of_unit.gradients[0], wanted(std::vector{unit}).gradients[0], rounding));
  one.gradient(std::vector{noise({4, 3, 6, 5}, 7)}, asked("0"), model.graph->inputs());
  EXPECT_EQ(one.evaluations().calls, 4);
}

TEST_F(ProbeSettling, AClassThatDoesNotExistIsRefused) {
  Target target = asked("0")[0];
  target.index = 99;
  Probe one = probe();
  EXPECT_EQ(
      error_of([&] { one.gradient(inputs, std::vector{target}, model.graph->inputs()); }).fault(),
      Fault::usage);
}

}  // namespace
}  // namespace pellucid

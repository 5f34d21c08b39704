// Integrated gradients against closed forms, its laws, and the calls it may make.
#include <gtest/gtest.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"

namespace pellucid {
extern constinit const Method integrated_gradients;
namespace {

Json steps(int n, const std::string& rule = "gausslegendre") {
  return {{"n_steps", n}, {"quadrature", rule}};
}

const Check& gap_of(const Explained& answer, std::size_t sample = 0) {
  for (const Check& check : answer.answer.checks.at(sample)) {
    if (check.name == "completeness_gap") return check;
  }
  throw internal_error("the gap is not reported");
}

TEST(IntegratedGradients, DoesNotDependOnHowTheFunctionIsWritten) {
  const at::Tensor x = at::tensor({3.0F, 1.0F}).reshape({1, 2});
  const at::Tensor wanted = at::tensor({1.5F, -0.5F}).reshape({1, 2});
  for (const bool first : {true, false}) {
    // The only kink of the path lies at its middle, and points and weights of Gauss–Legendre mirror
    // each other there: exact but for rounding, although the integrand jumps.
    const auto answer =
        explained(integrated_gradients, integrated_network(first), {x}, {scalar()}, steps(50));
    EXPECT_TRUE(near(answer.scores(), wanted, 1e-6));
    EXPECT_EQ(gap_of(answer).verdict, "pass");
    EXPECT_NEAR(*gap_of(answer).value, 0, 1e-6);
    // Of an even number of midpoints exactly half lie beyond it, too.
    EXPECT_TRUE(near(explained(integrated_gradients, integrated_network(first), {x}, {scalar()},
                               steps(100, "riemann_middle"))
                         .scores(),
                     wanted, 1e-6));
  }
}

TEST(IntegratedGradients, ReportsTheGapThatTooFewStepsLeave) {
  // One left point sees the gradient at the baseline only, which is zero: nothing of the change of
  // 1 is explained.
  const at::Tensor x = at::tensor({3.0F, 1.0F}).reshape({1, 2});
  const auto answer = explained(integrated_gradients, integrated_network(true), {x}, {scalar()},
                                steps(1, "riemann_left"));
  EXPECT_EQ(gap_of(answer).verdict, "warn");
  EXPECT_NEAR(*gap_of(answer).value, 1.0, 1e-6);
}

TEST(IntegratedGradients, OfALinearModelIsExactWithOneStep) {
  const at::Tensor x = noise({2, 5}, 9);
  const auto answer = explained(integrated_gradients, linear_network(), {x}, {scalar()}, steps(1));
  EXPECT_TRUE(near(answer.scores(), x * linear_weights(), 1e-7));
}

TEST(IntegratedGradients, IntegratesAPolynomialExactlyWithFewGaussLegendrePoints) {
  // f = x³: along the path from 0 the gradient is 3x²α², of degree 2, and two points are exact up
  // to degree 3.
  Net net;
  const ValueId in = net.input("x", {any, 1});
  const auto graph = net.returning({net.call("y", "pow.Tensor_Scalar", {in, whole(3)}, {any, 1})});
  const at::Tensor x = at::tensor({2.0F}).reshape({1, 1});
  EXPECT_NEAR(
      explained(integrated_gradients, graph, {x}, {scalar()}, steps(2)).scores().item<double>(), 8,
      1e-5);
  // The trapezoid with 2 points takes the mean of 0 and 12: the wrong rule would be seen.
  EXPECT_NEAR(explained(integrated_gradients, graph, {x}, {scalar()}, steps(2, "trapezoid"))
                  .scores()
                  .item<double>(),
              12, 1e-5);
}

TEST(IntegratedGradients, SumsToTheChangeOfTheTarget) {
  const auto graph = rewrite_norms(functionalise(*residual_network(Form::in_place)));
  const at::Tensor x = noise({2, 3, 6, 5}, 8);
  const auto answer =
      explained(integrated_gradients, graph, {x}, {entry(1)}, steps(1000, "riemann_middle"));
  Probe probe = probe_of(graph);
  const at::Tensor change = probe.target(std::vector{x}, std::vector{entry(1)}) -
                            probe.target(std::vector{at::zeros_like(x)}, std::vector{entry(1)});
  ASSERT_GT(magnitude(change), 0.05);
  // Each of some hundred kinks on the path is misplaced by at most half of a thousandth of it.
  EXPECT_TRUE(near(answer.scores().flatten(1).sum(1), change, 2e-3));
  for (std::size_t n = 0; n < 2; ++n) EXPECT_EQ(gap_of(answer, n).verdict, "pass");
}

TEST(IntegratedGradients, StartsAtTheGivenBaseline) {
  const auto graph = linear_network();
  const Model model = model_of(graph);
  Question question = question_of(model, {noise({1, 5}, 1)}, {scalar()});
  question.baselines[0] = at::ones({1, 5});
  Probe probe = probe_of(graph);
  const Attribution answer = integrated_gradients.explain(question, probe, steps(3));
  EXPECT_TRUE(near(answer.maps[0].scores, (question.inputs[0].data - 1) * linear_weights(), 1e-6));
}

TEST(IntegratedGradients, OfABatchEqualsItsSamplesOneByOne) {
  const auto graph = rewrite_norms(residual_network());
  const at::Tensor x = noise({3, 3, 6, 5}, 4);
  const std::vector<Target> targets = {entry(1), entry(0), entry(2)};
  const at::Tensor together =
      explained(integrated_gradients, graph, {x}, targets, steps(7)).scores();
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto one = explained(integrated_gradients, graph, {x.slice(0, n, n + 1)},
                               {targets[static_cast<std::size_t>(n)]}, steps(7));
    ASSERT_GT(magnitude(one.scores()), 1e-3);
    EXPECT_TRUE(near(together.slice(0, n, n + 1), one.scores(),
                     1e-6));  // another batch may sum in another order
  }
}

TEST(IntegratedGradients, OfAConstantModelIsZeroWithoutAGap) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId none = net.call("none", "mul.Tensor", {x, whole(0)}, {any, 3});
  const auto graph = net.returning({net.call("y", "add.Tensor", {none, whole(7)}, {any, 3})});
  const auto answer = explained(integrated_gradients, graph, {noise({1, 3}, 1)}, {entry(0)});
  EXPECT_EQ(magnitude(answer.scores()), 0);
  EXPECT_EQ(gap_of(answer).verdict, "pass");
}

TEST(IntegratedGradients, GivesSymmetricInputsEqualScores) {
  const at::Tensor x = at::tensor({40.0F, 7.0F, 40.0F}).reshape({1, 3});
  const at::Tensor scores =
      explained(integrated_gradients, multi_layer(), {x}, {entry(0)}).scores();
  ASSERT_GT(magnitude(scores), 1);
  EXPECT_FLOAT_EQ(scores[0][0].item<float>(), scores[0][2].item<float>());
}

TEST(IntegratedGradients, CostsItsStepsInGradientsAndTwoForwardsPerSampleBesideItsAffinePart) {
  const auto answer =
      explained(integrated_gradients, multi_layer(), {noise({3, 3}, 2)}, {entry(1)}, steps(20));
  // The two layers before the first ReLU: run to both ends of the path, and once back.
  EXPECT_EQ(answer.cost.gradients, 60 + 3);
  EXPECT_EQ(answer.cost.forwards, 6 + 6);
}

TEST(IntegratedGradients, RefusesATrapezoidOfOnePoint) {
  EXPECT_THROW(explained(integrated_gradients, multi_layer(), {noise({1, 3}, 2)}, {entry(1)},
                         steps(1, "trapezoid")),
               Error);
}

}  // namespace
}  // namespace pellucid

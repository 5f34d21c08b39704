// The mean gradient of a path, started behind the affine part, against the sum taken point by
// point.
#include "pellucid/explain/straight_path.h"

#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "pellucid/explain/inputs.h"
#include "pellucid/graph/affine.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"
#include "test/running.h"

namespace pellucid {
namespace {

at::Tensor point_by_point(Probe& probe, const Question& question, const at::Tensor& baseline,
                          const Quadrature& rule) {
  const at::Tensor x = question.inputs[0].data;
  at::Tensor sum;
  for (std::size_t k = 0; k < rule.points.size(); ++k) {
    const at::Tensor at_point = baseline + (x - baseline) * rule.points[k];
    const at::Tensor term =
        probe.gradient(std::vector{at_point}, question.targets, probe.graph().inputs())
            .gradients[0]
            .to(at::kDouble) *
        rule.weights[k];
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

TEST(MeanGradients, EqualTheSumPointByPoint) {
  const Quadrature rule = quadrature("gausslegendre", 9);
  const struct {
    std::shared_ptr<const Graph> graph;
    at::Tensor x;
    bool behind_the_input;
  } rows[] = {{rewrite_norms(residual_network()), noise({3, 3, 6, 5}, 1), true},
              {rewrite_norms(residual_network(Form::functional, 1)), noise({3, 3, 6, 5}, 1), true},
              {multi_layer(), noise({3, 3}, 1) * 20, true},
              {integrated_network(true), noise({3, 2}, 1) * 3, false}};
  for (const auto& row : rows) {
    const Model model = model_of(row.graph);
    const Question question = question_of(model, {row.x}, {entry(0)});
    const at::Tensor baseline = at::zeros_like(row.x);
    Probe probe(std::make_shared<BatchRunner>(std::make_shared<Executor>(row.graph)), {});
    EXPECT_EQ(affine_front(*row.graph, row.graph->inputs()[0]) != row.graph->inputs()[0],
              row.behind_the_input);
    const at::Tensor wanted = point_by_point(probe, question, baseline, rule);
    ASSERT_GT(magnitude(wanted), 1e-3);
    // The same gradients summed before the first layer's transpose instead of after it.
    EXPECT_TRUE(near(mean_gradients(question, probe, {baseline}, rule)[0], wanted, 1e-6));
  }
}

TEST(MeanGradients, StartAtTheInputWhereTheTargetReadsWhatComesBefore) {
  // A unit of the first layer itself: there is no path behind it.
  const auto graph = multi_layer();
  const Model model = model_of(graph);
  Target unit = entry(0);
  unit.kind = Target::Kind::unit;
  unit.value = graph->find("fc0");
  unit.position = {};
  const Question question = question_of(model, {noise({2, 3}, 1)}, {unit});
  Probe probe = probe_of(graph);
  const at::Tensor baseline = at::zeros({2, 3});
  const Quadrature rule = quadrature("gausslegendre", 3);
  const at::Tensor wanted = point_by_point(probe, question, baseline, rule);
  ASSERT_GT(magnitude(wanted), 1e-3);
  EXPECT_TRUE(near(mean_gradients(question, probe, {baseline}, rule)[0], wanted, 1e-6));
}

}  // namespace
}  // namespace pellucid

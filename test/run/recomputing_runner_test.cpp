// Values computed twice: the same answers and gradients as the plain run, for any number of parts.
#include "pellucid/run/recomputing_runner.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/run/memory.h"
#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

// A symbolic size crosses the cuts, a whole number leaves a part, and a value is read by all of
// them.
std::shared_ptr<const Graph> crossing_network() {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId rows = net.builder.declare({"rows", false, std::nullopt, {}});
  net.builder.add_aten("rows", "aten::sym_size.int", {{"", {x}}, {"", whole(0).operand}},
                       {{{rows}, false}}, {});
  const ValueId one = net.call("one", "tanh.default", {x}, {any, 3});
  const ValueId best = net.call("best", "argmax.default", {one, whole(1)}, {any}, "", at::kLong);
  const ValueId two = net.call("two", "mul.Tensor", {one, x}, {any, 3});
  const ValueId three = net.call("three", "exp.default", {two}, {any, 3});
  const ValueId row = net.call("row", "view.default", {three, list({rows, whole(3)})}, {any, 3});
  const ValueId picked =
      net.call("picked", "index_select.default", {row, whole(0), best}, {any, 3});
  return net.returning({net.call("y", "add.Tensor", {picked, one}, {any, 3})});
}

at::Tensor gradient_in_parts(const std::shared_ptr<const Graph>& graph, const at::Tensor& x,
                             const at::Tensor& upstream, int segments,
                             const Observer* observer = nullptr) {
  const RecomputingRunner runner(std::make_shared<Executor>(graph));
  const at::Tensor leaf = x.detach().requires_grad_(true);
  RunSettings settings;
  settings.gradient = true;
  settings.segments = segments;
  settings.observer = observer;
  const at::Tensor answer = run_all(runner, {leaf}, settings)[0];
  EXPECT_TRUE(near(answer, answer_of(graph, x), 1e-6));
  return torch::autograd::grad({answer}, {leaf}, {upstream})[0];
}

TEST(RecomputingRunner, GivesTheGradientOfTheWholeForAnyNumberOfParts) {
  const struct {
    std::shared_ptr<const Graph> graph;
    at::Tensor x, upstream;
  } rows[] = {{rewrite_norms(residual_network()), noise({2, 3, 6, 5}, 1), noise({2, 3}, 2)},
              {multi_layer(), noise({4, 3}, 1) * 20, noise({4, 2}, 2)},
              {crossing_network(), noise({3, 3}, 1), noise({3, 3}, 2)},
              {cond_network(), noise({2, 3}, 3), noise({2, 3}, 2)}};
  for (const auto& row : rows) {
    const at::Tensor wanted = gradient_of(row.graph, row.x, row.upstream);
    ASSERT_GT(magnitude(wanted), 1e-3);
    for (const int segments : {1, 2, 3, 5, 32})
      EXPECT_TRUE(near(gradient_in_parts(row.graph, row.x, row.upstream, segments), wanted, 1e-6));
  }
}

TEST(RecomputingRunner, ShowsAnObserverEveryValueItAsksForOnce) {
  const auto graph = rewrite_norms(residual_network());
  const ValueId middle = graph->find("relu_1");
  const at::Tensor x = noise({2, 3, 6, 5}, 1), upstream = noise({2, 3}, 2);
  const auto doubled = [&](int segments) {
    int calls = 0;
    const Observer observer{{middle}, [&](ValueId id, const at::Tensor& tensor) {
                              EXPECT_EQ(id, middle);
                              ++calls;
                              return tensor * 2;
                            }};
    const RecomputingRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor leaf = x.detach().requires_grad_(true);
    const at::Tensor answer = run_all(runner, {leaf}, {&observer, nullptr, true, segments})[0];
    const at::Tensor gradient = torch::autograd::grad({answer}, {leaf}, {upstream})[0];
    EXPECT_EQ(calls, 1);
    return std::pair(answer.detach(), gradient);
  };
  const auto whole = doubled(1), parts = doubled(4);
  EXPECT_TRUE(near(parts.first, whole.first, 1e-6));
  EXPECT_TRUE(near(parts.second, whole.second, 1e-6));
}

TEST(RecomputingRunner, LeavesWhatMayDifferASecondTimeAsItIs) {
  // Written through a view: a second run of a part would write twice.
  const auto graph = masked_network(true);
  const at::Tensor x = noise({2, 4, 4}, 1), upstream = noise({2, 4, 4}, 2);
  EXPECT_TRUE(at::equal(gradient_in_parts(graph, x, upstream, 4), gradient_of(graph, x, upstream)));
}

TEST(RecomputingRunner, NamesAMissingInput) {
  const RecomputingRunner runner(std::make_shared<Executor>(multi_layer()));
  const std::vector<ValueId> wanted = {runner.graph().find("fc2")};
  RunSettings settings;
  settings.gradient = true;
  settings.segments = 3;
  EXPECT_EQ(error_of([&] { runner.run({}, wanted, settings); }).fault(), Fault::usage);
}

}  // namespace
}  // namespace pellucid

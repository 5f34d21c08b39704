// Graphs exported with a fixed batch, at other batches: each mode, gradients through it, and
// observers.
#include "pellucid/run/lift_batch.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "test/near.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using Graphs = std::shared_ptr<const Graph>;

// A literal batch of one: as it is, the samples of a batch would become one long row.
Graphs literal_reshape() {
  Net net;
  const ValueId x = net.input("x", {1, 2, 3});
  const ValueId row = net.call("row", "reshape.default", {x, sizes({1, -1})}, {1, 6});
  const ValueId w = net.constant("w", noise({4, 6}, 1));
  const ValueId hidden = net.call("hidden", "linear.default", {row, w}, {1, 4});
  return net.returning({net.call("y", "tanh.default", {hidden}, {1, 4})});
}

// A class token expanded to a literal batch of one and put before the tokens.
Graphs class_token() {
  Net net;
  const ValueId x = net.input("x", {1, 3, 4});
  const ValueId token = net.constant("token", noise({1, 1, 4}, 2));
  const ValueId expanded =
      net.call("expanded", "expand.default", {token, sizes({1, -1, -1})}, {1, 1, 4});
  const ValueId all = net.call("all", "cat.default", {list({expanded, x}), whole(1)}, {1, 4, 4});
  const ValueId mixed = net.call("mixed", "softmax.int", {all, whole(1)}, {1, 4, 4});
  return net.returning({net.call("y", "select.int", {mixed, whole(1), whole(0)}, {1, 4})});
}

// Runs at any batch, but mixes the samples: only running them one by one or under vmap is right.
Graphs mixing() {
  Net net;
  const ValueId x = net.input("x", {1, 3});
  const ValueId mean = net.call("mean", "mean.default", {x}, {});
  return net.returning({net.call("y", "sub.Tensor", {x, mean}, {1, 3})});
}

// Copies the input into storage that does not depend on it, which vmap refuses.
Graphs copied_in() {
  Net net;
  const ValueId x = net.input("x", {1, 2, 3});
  const ValueId store = net.call("store", "zeros.default", {sizes({1, 2, 3})}, {1, 2, 3});
  const ValueId view =
      net.call("view", "slice.Tensor", {store, whole(1), whole(0), whole(2)}, {1, 2, 3});
  net.call("copied", "copy_.default", {view, x}, {1, 2, 3});
  const ValueId square = net.call("square", "mul.Tensor", {store, x}, {1, 2, 3});
  const ValueId hidden = net.call("hidden", "tanh.default", {square}, {1, 2, 3});
  return net.returning({net.call("y", "sum.dim_IntList", {hidden, sizes({2})}, {1, 2})});
}

at::Tensor answer(const Runner& runner, const at::Tensor& x, const RunSettings& settings = {}) {
  const std::vector<Feed> feeds = {{runner.graph().inputs()[0], x}};
  return runner.run(feeds, std::vector{runner.graph().outputs()[0].operand.value()}, settings)[0]
      .toTensor();
}
at::Tensor one_by_one(const Graphs& graph, const at::Tensor& x, const RunSettings& settings = {}) {
  std::vector<at::Tensor> parts;
  for (std::int64_t n = 0; n < x.size(0); ++n)
    parts.push_back(answer(Executor(graph), x.slice(0, n, n + 1), settings));
  return at::cat(parts);
}

struct Case {
  const char* name;
  Graphs (*graph)();
  BatchMode mode;
  std::vector<std::int64_t> sample;
  const char* middle;
};
Graphs fixed_one_conv() { return one_conv(Form::functional, 1); }
const Case cases[] = {
    {"verified", fixed_one_conv, BatchMode::verified, {1, 4, 4}, "conv1"},
    {"literal", literal_reshape, BatchMode::vmap, {2, 3}, "hidden"},
    {"token", class_token, BatchMode::vmap, {3, 4}, "all"},
    {"mixing", mixing, BatchMode::vmap, {3}, "y"},
    {"copied", copied_in, BatchMode::loop, {2, 3}, "hidden"},
};

at::Tensor samples(const Case& each, std::int64_t count) {
  std::vector<std::int64_t> shape = each.sample;
  shape.insert(shape.begin(), count);
  const at::Tensor x = noise(shape, 7);
  return each.mode == BatchMode::verified ? x * 20 + 30 : x;  // beyond OneConv's biases
}

TEST(BatchRunner, EqualsItsSamplesOneByOneInEveryMode) {
  for (const Case& each : cases) {
    const BatchRunner runner(std::make_shared<Executor>(each.graph()));
    const at::Tensor x = samples(each, 3), wanted = one_by_one(each.graph(), x);
    ASSERT_GT(magnitude(wanted), 1e-2) << each.name;
    EXPECT_TRUE(near(answer(runner, x), wanted, 1e-6))
        << each.name;  // another batch may sum in another order
    EXPECT_EQ(runner.batch_mode(), each.mode) << each.name;
    EXPECT_TRUE(near(answer(runner, x.slice(0, 0, 1)), wanted.slice(0, 0, 1), 0)) << each.name;
  }
}

TEST(BatchRunner, GivesEachSampleItsOwnGradientInEveryMode) {
  RunSettings settings;
  settings.gradient = true;
  for (const Case& each : cases) {
    const BatchRunner runner(std::make_shared<Executor>(each.graph()));
    const at::Tensor x = samples(each, 3);
    const at::Tensor leaf = x.clone().requires_grad_(true), single = x.clone().requires_grad_(true);
    const at::Tensor together = answer(runner, leaf, settings),
                     apart = one_by_one(each.graph(), single, settings);
    const at::Tensor weight = noise(apart.sizes(), 3);
    const at::Tensor got = torch::autograd::grad({together}, {leaf}, {weight})[0];
    const at::Tensor wanted = torch::autograd::grad({apart}, {single}, {weight})[0];
    ASSERT_GT(magnitude(wanted), 1e-3) << each.name;
    EXPECT_TRUE(near(got, wanted, 1e-6)) << each.name;
  }
}

TEST(BatchRunner, ShowsAnObserverAllSamplesAtOnceAndTakesItsAnswer) {
  for (const Case& each : cases) {
    const Graphs graph = each.graph();
    const ValueId middle = graph->find(each.middle);
    const BatchRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor x = samples(each, 3);
    int calls = 0;
    at::Tensor seen;
    const Observer replace{{middle}, [&](ValueId, const at::Tensor& tensor) {
                             ++calls;
                             seen = tensor.clone();
                             return tensor * 0.5;
                           }};
    const Observer replace_one{{middle},
                               [](ValueId, const at::Tensor& tensor) { return tensor * 0.5; }};
    std::vector<at::Tensor> parts;
    const Observer collect{{middle}, [&](ValueId, const at::Tensor& tensor) {
                             parts.push_back(tensor.clone());
                             return tensor;
                           }};
    RunSettings settings;
    settings.observer = &collect;
    one_by_one(graph, x, settings);
    settings.observer = &replace_one;
    const at::Tensor wanted = one_by_one(graph, x, settings);
    answer(runner, x);  // finds the mode, unobserved
    settings.observer = &replace;
    EXPECT_TRUE(near(answer(runner, x, settings), wanted, 1e-6)) << each.name;
    EXPECT_EQ(calls, 1) << each.name;
    EXPECT_TRUE(near(seen, at::cat(parts), 1e-6)) << each.name;
  }
}

TEST(BatchRunner, KeepsTwoObservedValuesConnected) {
  // The gradient with respect to the input must pass through a value that was replaced by an alias
  // of itself.
  for (const Case& each : cases) {
    const Graphs graph = each.graph();
    const ValueId middle = graph->find(each.middle), input = graph->inputs()[0];
    const BatchRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor x = samples(each, 3);
    std::map<ValueId, at::Tensor> leaves;
    const Observer watch{{input, middle}, [&](ValueId id, const at::Tensor& tensor) {
                           if (tensor.requires_grad()) return leaves[id] = tensor;
                           leaves[id] = tensor.detach().requires_grad_(true);
                           return leaves[id].alias();
                         }};
    RunSettings settings;
    settings.gradient = true;
    settings.observer = &watch;
    const at::Tensor together = answer(runner, x, settings);
    const at::Tensor weight = noise(together.sizes(), 3);
    const auto got = torch::autograd::grad({together}, {leaves[input], leaves[middle]}, {weight});
    settings.observer = nullptr;
    const at::Tensor single = x.clone().requires_grad_(true);
    const at::Tensor wanted =
        torch::autograd::grad({one_by_one(graph, single, settings)}, {single}, {weight})[0];
    ASSERT_GT(magnitude(wanted), 1e-3) << each.name;
    EXPECT_TRUE(near(got[0], wanted, 1e-6)) << each.name;
    ASSERT_TRUE(got[1].defined()) << each.name;
    EXPECT_EQ(got[1].size(0), 3) << each.name;
  }
}

TEST(BatchRunner, RunsADynamicBatchAsItIs) {
  const BatchRunner runner(std::make_shared<Executor>(one_conv()));
  const at::Tensor x = noise({3, 1, 4, 4}, 7) * 20 + 30;
  EXPECT_TRUE(near(answer(runner, x), answer(Executor(one_conv()), x), 0));
  EXPECT_EQ(runner.batch_mode(), BatchMode::as_is);
}

TEST(BatchRunner, LetsEachSampleGoItsOwnWayWhereDataDecides) {
  // One goes up and one goes down; together their mean would decide for both.
  const at::Tensor x = at::tensor({4.0F, -1.0F, 2.0F, -8.0F, 1.0F, 0.5F}).reshape({2, 3});
  RunSettings settings;
  settings.gradient = true;
  for (const auto& graph : {cond_network(), halving_network()}) {
    const BatchRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor wanted = one_by_one(graph, x);
    EXPECT_FALSE(near(answer(Executor(graph), x), wanted, 1e-3));
    EXPECT_TRUE(near(answer(runner, x), wanted, 0));
    EXPECT_EQ(runner.batch_mode(), BatchMode::loop);
    const at::Tensor leaf = x.clone().requires_grad_(true), alone = x.clone().requires_grad_(true);
    const auto gradient = [&](const at::Tensor& scores, const at::Tensor& input) {
      return torch::autograd::grad({scores.sum()}, {input})[0];
    };
    EXPECT_TRUE(near(gradient(answer(runner, leaf, settings), leaf),
                     gradient(one_by_one(graph, alone, settings), alone), 0));
  }
}

TEST(BatchRunner, CutsThreeSamplesIntoAFixedBatchOfTwo) {
  // Rows of pairs: a batch of two that a literal insists on.
  Net net;
  const ValueId x = net.input("x", {2, 3});
  const ValueId pair = net.call("pair", "reshape.default", {x, sizes({2, 3, 1})}, {2, 3, 1});
  const ValueId y = net.call("y", "sum.dim_IntList", {pair, sizes({2})}, {2, 3});
  const auto graph = net.returning({net.call("z", "exp.default", {y}, {2, 3})});
  const BatchRunner runner(std::make_shared<Executor>(graph));
  for (const std::int64_t count : {1, 3, 4, 5}) {
    const at::Tensor data = noise({count, 3}, 3);
    EXPECT_TRUE(near(answer(runner, data), data.exp(), 1e-6)) << count;
  }
  EXPECT_EQ(runner.batch_mode(), BatchMode::vmap);
}

TEST(BatchRunner, TakesAnInputWithoutDimensionsForAllSamples) {
  for (const bool mixes : {false, true}) {
    Net net;
    const ValueId x = net.input("x", {1, 3});
    const ValueId scale = net.input("scale", {});
    const ValueId start =
        mixes ? net.call("row", "reshape.default", {x, sizes({1, 3})}, {1, 3}) : x;
    const auto graph = net.returning({net.call("y", "mul.Tensor", {start, scale}, {1, 3})});
    const BatchRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor data = noise({4, 3}, 3);
    const std::vector<Feed> feeds = {{graph->inputs()[0], data},
                                     {graph->inputs()[1], at::tensor(2.5F)}};
    const auto got = runner.run(feeds, std::vector{graph->find("y")}, {});
    EXPECT_TRUE(near(got[0].toTensor(), data * 2.5, 1e-7));
  }
}

TEST(BatchRunner, StartsInTheMiddleAtAnotherBatch) {
  for (const Case& each : cases) {
    const Graphs graph = each.graph();
    if (std::string(each.name) == "copied") continue;  // its last part reads the input's storage
    const ValueId middle = graph->find(each.middle), out = graph->outputs()[0].operand.value();
    const BatchRunner runner(std::make_shared<Executor>(graph));
    const at::Tensor x = samples(each, 3);
    const auto both =
        runner.run(std::vector<Feed>{{graph->inputs()[0], x}}, std::vector{middle, out}, {});
    const auto rest = runner.run(std::vector<Feed>{{middle, both[0]}}, std::vector{out}, {});
    EXPECT_TRUE(near(rest[0].toTensor(), both[1].toTensor(), 1e-6)) << each.name;
  }
}

TEST(DeclaredBatch, IsNoneWhereItIsSymbolicAndNotSharedWhereInputsDisagree) {
  EXPECT_EQ(declared_batch(*one_conv()).size, std::nullopt);
  EXPECT_EQ(declared_batch(*fixed_one_conv()).size, 1);
  Net net;
  const ValueId a = net.input("a", {1, 3});
  net.input("b", {5, 3});
  EXPECT_FALSE(declared_batch(*net.returning({a})).shared);
}

}  // namespace
}  // namespace pellucid

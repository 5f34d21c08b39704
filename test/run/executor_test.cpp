// Whole and partial runs, observers, blocks, and what a run may not touch.
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "pellucid/graph/aliases.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

TEST(Executor, EqualsTheSameCallsMadeDirectly) {
  const auto graph = one_conv();
  const auto weight = [&](const char* name) { return graph->constant(graph->find(name))->data; };
  const at::Tensor x = noise({3, 1, 4, 4}, 1) * 30 + 30;
  const at::Tensor conv = at::relu(at::conv2d(x, weight("conv1.weight"), weight("conv1.bias")));
  const at::Tensor wanted =
      at::relu(at::linear(conv.flatten(1), weight("fc1.weight"), weight("fc1.bias")));
  ASSERT_GT(magnitude(wanted), 1);
  for (const Form form : {Form::functional, Form::in_place})
    EXPECT_TRUE(at::equal(answer_of(one_conv(form), x), wanted));
  // Another operator may sum in another order.
  EXPECT_TRUE(near(answer_of(one_conv(Form::decomposed), x), wanted, 1e-6));
}

TEST(Executor, EqualsTheHandDerivedNetworks) {
  EXPECT_EQ(answer_of(multi_layer(), at::tensor({20.0F, 50.0F, 30.0F}).reshape({1, 3}))[0][0]
                .item<float>(),
            390 - 1 + 3);
  for (const bool first : {true, false}) {
    EXPECT_EQ(answer_of(integrated_network(first), at::tensor({3.0F, 1.0F}).reshape({1, 2}))
                  .item<float>(),
              1);
  }
  EXPECT_EQ(answer_of(rescale_network(), at::tensor({1.0F, 2.0F}).reshape({1, 2})).item<float>(),
            3);
}

TEST(Executor, StartsAtAnyValueInTheMiddle) {
  const auto graph = one_conv();
  const Executor executor(graph);
  const ValueId relu = graph->find("relu1"), out = graph->outputs()[0].operand.value();
  const auto whole_run = executor.run(std::vector<Feed>{{graph->inputs()[0], one_conv_input()}},
                                      std::vector{relu, out}, {});
  int seen = 0;
  const Observer count{{}, [&](ValueId, const at::Tensor& tensor) {
                         ++seen;
                         return tensor;
                       }};
  RunSettings settings;
  settings.observer = &count;
  const auto rest =
      executor.run(std::vector<Feed>{{relu, whole_run[0]}}, std::vector{out}, settings);
  EXPECT_TRUE(at::equal(rest[0].toTensor(), whole_run[1].toTensor()));
  EXPECT_EQ(seen, 4);  // relu1 itself, flatten, fc1, relu2: nothing before it ran
}

TEST(Executor, RunsOnlyWhatTheWantedValuesNeed) {
  const auto graph = one_conv();
  std::vector<std::string> seen;
  const Observer watch{{}, [&](ValueId id, const at::Tensor& tensor) {
                         seen.push_back(graph->value(id).name);
                         return tensor;
                       }};
  RunSettings settings;
  settings.observer = &watch;
  Executor(graph).run(std::vector<Feed>{{graph->inputs()[0], one_conv_input()}},
                      std::vector{graph->find("conv1")}, settings);
  EXPECT_THAT(seen, ::testing::ElementsAre("x", "conv1"));
}

TEST(Executor, AsksForAMissingInputByItsName) {
  const auto graph = one_conv();
  const Error error =
      error_of([&] { Executor(graph).run({}, std::vector{graph->find("relu2")}, {}); });
  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), HasSubstr("\"x\""));
}

TEST(Executor, LeavesTheCallersTensorsAndTheWeightsAlone) {
  // relu_ on the input and on a weight, both still read afterwards.
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId w = net.constant("w", at::tensor({-1.0F, 2.0F, -3.0F}));
  net.call("rx", "relu_.default", {x}, {any, 3});
  net.call("rw", "relu_.default", {w}, {3});
  const auto graph = net.returning({net.call("y", "add.Tensor", {x, w}, {any, 3})});
  const at::Tensor given = at::tensor({-5.0F, 6.0F, -7.0F}).reshape({1, 3}), before = given.clone();
  const Executor executor(graph);
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(
        at::equal(run_all(executor, {given})[0], at::tensor({0.0F, 8.0F, 0.0F}).reshape({1, 3})));
  }
  EXPECT_TRUE(at::equal(given, before));
  EXPECT_EQ(graph->constant(w)->data[0].item<float>(), -1);
}

TEST(Executor, RunsWritesThroughAViewOfAnInput) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId column = net.call("column", "select.int", {x, whole(1), whole(0)}, {any});
  net.call("filled", "fill_.Scalar", {column, whole(9)}, {any});
  const auto graph = net.returning({net.call("y", "mul.Tensor", {x, whole(2)}, {any, 3})});
  const at::Tensor wanted = at::tensor({18.0F, 2.0F, 2.0F}).reshape({1, 3});
  EXPECT_TRUE(at::equal(answer_of(graph, at::ones({1, 3})), wanted));
  EXPECT_TRUE(at::equal(answer_of(functionalise(*graph), at::ones({1, 3})), wanted));
}

TEST(Executor, WritesThroughAValueThatWasHandedInTheMiddle) {
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId middle = net.call("middle", "neg.default", {x}, {any, 3});
  const ValueId column = net.call("column", "select.int", {middle, whole(1), whole(0)}, {any});
  net.call("filled", "fill_.Scalar", {column, whole(9)}, {any});
  const ValueId y = net.call("y", "mul.Tensor", {middle, whole(2)}, {any, 3});
  const auto graph = net.returning({y});
  const auto answer =
      Executor(graph).run(std::vector<Feed>{{middle, at::ones({1, 3})}}, std::vector{y}, {});
  EXPECT_TRUE(at::equal(answer[0].toTensor(), at::tensor({18.0F, 2.0F, 2.0F}).reshape({1, 3})));
}

TEST(Executor, FillsAMaskThroughItsSlices) {
  const at::Tensor x = noise({2, 4, 4}, 3);
  EXPECT_TRUE(at::equal(answer_of(masked_network(), x), x + filled_mask(-2)));
  EXPECT_TRUE(
      near(answer_of(masked_network(true), x), x + filled_mask(x.mean().item<double>()), 1e-6));
}

TEST(Executor, FreesValuesAfterTheirLastUse) {
  const auto graph = multi_layer();
  c10::weak_intrusive_ptr<c10::TensorImpl> first(at::ones({1}).getIntrusivePtr());
  bool freed = false;
  const Observer watch{{}, [&](ValueId id, const at::Tensor& tensor) {
                         if (graph->value(id).name == "fc1")
                           first =
                               c10::weak_intrusive_ptr<c10::TensorImpl>(tensor.getIntrusivePtr());
                         if (graph->value(id).name == "fc2") freed = first.expired();
                         return tensor;
                       }};
  RunSettings settings;
  settings.observer = &watch;
  answer_of(graph, at::ones({1, 3}), settings);
  EXPECT_TRUE(freed);
}

TEST(Executor, LetsAnObserverReplaceAValue) {
  const auto graph = multi_layer();
  const Observer zero{{graph->find("relu1")},
                      [](ValueId, const at::Tensor& tensor) { return tensor * 0; }};
  RunSettings settings;
  settings.observer = &zero;
  EXPECT_TRUE(at::equal(answer_of(graph, at::ones({1, 3}), settings),
                        at::tensor({-1.0F, 1.0F}).reshape({1, 2})));
  // An input, too.
  const Observer input{{graph->inputs()[0]},
                       [](ValueId, const at::Tensor& tensor) { return tensor * 0 + 10; }};
  settings.observer = &input;
  EXPECT_EQ(answer_of(graph, at::ones({1, 3}), settings)[0][0].item<float>(), 20 + 3 * 31 - 1);
}

TEST(Executor, ShowsAnObserverTheContentAtItsTime) {
  // conv1's own output, although relu_ overwrites it and its old content is read by nobody.
  const auto graph = one_conv(Form::in_place);
  at::Tensor kept;
  const Observer watch{{graph->find("conv1")},
                       [&](ValueId, const at::Tensor& tensor) { return kept = tensor; }};
  RunSettings settings;
  settings.observer = &watch;
  answer_of(graph, one_conv_input() * 0, settings);
  EXPECT_EQ(kept.max().item<float>(), -50);
  EXPECT_EQ(kept.min().item<float>(), -75);
}

TEST(Executor, LetsAnObserverReplaceStorageThatIsWrittenToLater) {
  const auto graph = masked_network();
  const at::Tensor ones = at::ones({4, 4});
  const Observer start{{graph->find("mask")}, [&](ValueId, const at::Tensor&) { return ones; }};
  RunSettings settings;
  settings.observer = &start;
  const at::Tensor x = noise({1, 4, 4}, 1);
  // Ones instead of zeros, then the two corners are filled as before.
  at::Tensor wanted = ones * 10;
  wanted.slice(0, 0, 2).slice(1, 0, 2).fill_(10);
  wanted.slice(0, 2, 4).slice(1, 2, 4).fill_(-20);
  EXPECT_TRUE(at::equal(answer_of(graph, x, settings), x + wanted));
  EXPECT_EQ(ones.sum().item<float>(), 16);  // the observer's own tensor is not written to
}

TEST(Executor, NamesTheNodeTheModuleAndTheSourceWhereItFails) {
  const Error error = error_of([&] { answer_of(multi_layer(), at::ones({1, 7})); });
  EXPECT_EQ(error.fault(), Fault::model);
  EXPECT_THAT(error.what(), HasSubstr("node fc0, module fc0, network.py:1"));
  EXPECT_THAT(error.what(), HasSubstr("aten::linear"));
  EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
}

TEST(Executor, StopsWhenItIsCancelled) {
  Cancellation cancellation;
  cancellation.request();
  RunSettings settings;
  settings.cancellation = &cancellation;
  EXPECT_EQ(error_of([&] {
              answer_of(multi_layer(), at::ones({1, 3}), settings);
            }).fault(),
            Fault::cancelled);
}

TEST(Executor, TakesTheBranchOfACondition) {
  const at::Tensor up = at::tensor({4.0F, -1.0F, 2.0F}).reshape({1, 3});
  EXPECT_TRUE(
      at::equal(answer_of(cond_network(), up), at::tensor({12.0F, 0.0F, 6.0F}).reshape({1, 3})));
  EXPECT_TRUE(at::equal(answer_of(cond_network(), -up), up));
  EXPECT_TRUE(at::equal(gradient_of(cond_network(), up, at::ones({1, 3})),
                        at::tensor({3.0F, 0.0F, 3.0F}).reshape({1, 3})));
}

TEST(Executor, RunsALoopOfSoManyRounds) {
  const at::Tensor x = at::tensor({1.0F, -2.0F, 3.0F}).reshape({1, 3});
  const auto graph = counting_network();
  const std::vector<ValueId> wanted = {graph->outputs()[0].operand.value(),
                                       graph->outputs()[1].operand.value()};
  const auto answers = Executor(graph).run(std::vector<Feed>{{graph->inputs()[0], x}}, wanted, {});
  EXPECT_TRUE(at::equal(answers[0].toTensor(), x * 8));
  EXPECT_TRUE(at::equal(answers[1].toTensor(), at::stack({x * 2, x * 4 + 1, x * 8 + 2})));
  EXPECT_TRUE(at::equal(gradient_of(graph, x, at::ones({1, 3})), at::full({1, 3}, 8.0F)));
}

TEST(Executor, RunsALoopWhileItsConditionHolds) {
  const at::Tensor x = at::tensor({9.0F, 6.0F, 3.0F}).reshape({1, 3});  // of mean 6: three halvings
  EXPECT_TRUE(at::equal(answer_of(halving_network(), x), x / 8));
  EXPECT_TRUE(
      at::equal(gradient_of(halving_network(), x, at::ones({1, 3})), at::full({1, 3}, 0.125F)));
  EXPECT_TRUE(at::equal(answer_of(halving_network(), -x), -x));
  // It would never end: the one who asks can.
  Cancellation cancellation;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancellation.request();
  });
  RunSettings settings;
  settings.cancellation = &cancellation;
  EXPECT_EQ(error_of([&] {
              answer_of(halving_network(), at::full({1, 3}, std::numeric_limits<float>::infinity()),
                        settings);
            }).fault(),
            Fault::cancelled);
  later.join();
}

}  // namespace
}  // namespace pellucid

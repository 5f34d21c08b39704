// The executor, Python's arithmetic, and the rewrites that have to run parts of a graph.
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/run/executor.h"
#include "pellucid/run/preferred_runner.h"
#include "pellucid/run/python_operators.h"
#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

std::vector<at::Tensor> run_all(const Runner& runner, const std::vector<at::Tensor>& inputs,
                                const RunSettings& settings = {}) {
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    feeds.push_back({runner.graph().inputs()[i], inputs[i]});
  std::vector<ValueId> wanted;
  for (const Output& output : runner.graph().outputs()) wanted.push_back(output.operand.value());
  std::vector<at::Tensor> answers;
  for (const c10::IValue& answer : runner.run(feeds, wanted, settings))
    answers.push_back(answer.toTensor());
  return answers;
}
at::Tensor answer_of(const std::shared_ptr<const Graph>& graph, const at::Tensor& x,
                     const RunSettings& settings = {}) {
  return run_all(Executor(graph), {x}, settings)[0];
}

// The gradient of the sum of weight · answer with respect to the only input.
at::Tensor gradient_of(const std::shared_ptr<const Graph>& graph, const at::Tensor& x,
                       const at::Tensor& weight) {
  const at::Tensor leaf = x.detach().requires_grad_(true);
  RunSettings settings;
  settings.gradient = true;
  const at::Tensor answer = answer_of(graph, leaf, settings);
  return torch::autograd::grad({answer}, {leaf}, {weight})[0];
}

template <class Work>
Error error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return internal_error("nothing was thrown");
}

// --- the executor ---

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

// --- Python's arithmetic ---

c10::IValue python(const char* op, const std::vector<c10::IValue>& operands) {
  return evaluate_python(op, operands);
}

TEST(PythonOperators, DivideAsPythonDoes) {
  const struct {
    std::int64_t a, b, quotient, rest;
  } rows[] = {{7, 2, 3, 1},   {-7, 2, -4, 1}, {7, -2, -4, -1}, {-7, -2, 3, -1}, {6, 3, 2, 0},
              {-6, 3, -2, 0}, {0, 5, 0, 0},   {1, -5, -1, -4}, {5, -1, -5, 0}};
  for (const auto& row : rows) {
    EXPECT_EQ(python("python::floordiv", {row.a, row.b}).toInt(), row.quotient)
        << row.a << " // " << row.b;
    EXPECT_EQ(python("python::mod", {row.a, row.b}).toInt(), row.rest) << row.a << " % " << row.b;
  }
  EXPECT_EQ(python("truediv", {std::int64_t{7}, std::int64_t{2}}).toDouble(), 3.5);
  EXPECT_EQ(python("floordiv", {-3.5, std::int64_t{2}}).toDouble(), -2.0);
  EXPECT_EQ(python("mod", {-3.5, std::int64_t{2}}).toDouble(), 0.5);
}

TEST(PythonOperators, RoundAsPythonDoes) {
  EXPECT_EQ(python("round", {2.5}).toInt(), 2);  // to even
  EXPECT_EQ(python("round", {3.5}).toInt(), 4);
  EXPECT_EQ(python("trunc", {-2.7}).toInt(), -2);
  EXPECT_EQ(python("floor", {-2.1}).toInt(), -3);
  EXPECT_EQ(python("ceil", {-2.9}).toInt(), -2);
  EXPECT_EQ(python("pow", {std::int64_t{-3}, std::int64_t{3}}).toInt(), -27);
  EXPECT_EQ(python("pow", {std::int64_t{2}, std::int64_t{-1}}).toDouble(), 0.5);
}

TEST(PythonOperators, CompareAndChoose) {
  EXPECT_TRUE(python("le", {std::int64_t{2}, std::int64_t{2}}).toBool());
  EXPECT_FALSE(python("lt", {std::int64_t{2}, std::int64_t{2}}).toBool());
  EXPECT_EQ(python("sym_max", {std::int64_t{2}, std::int64_t{7}}).toInt(), 7);
  EXPECT_EQ(python("sym_ite", {false, std::int64_t{1}, std::int64_t{2}}).toInt(), 2);
  EXPECT_EQ(python("sym_sum", {c10::IValue(c10::List<std::int64_t>({1, 2, 3}))}).toInt(), 6);
  EXPECT_EQ(python("getitem", {c10::IValue(c10::List<std::int64_t>({1, 2, 3})), std::int64_t{-1}})
                .toInt(),
            3);
  EXPECT_TRUE(python("and_", {true, true}).toBool());
  EXPECT_EQ(python("and_", {std::int64_t{6}, std::int64_t{3}}).toInt(), 2);
}

TEST(PythonOperators, CompareLargeWholeNumbersExactly) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;  // not a double
  EXPECT_FALSE(python("eq", {large, large - 1}).toBool());
  EXPECT_TRUE(python("gt", {large, large - 1}).toBool());
  EXPECT_EQ(python("sym_max", {large - 1, large}).toInt(), large);
}

TEST(PythonOperators, RefuseWhatOverflowsOrHasNoMeaning) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                     least = std::numeric_limits<std::int64_t>::min();
  const struct {
    const char* op;
    std::int64_t a, b;
  } rows[] = {{"add", most, 1},        {"sub", least, 1},  {"mul", most, 2},   {"pow", 10, 40},
              {"floordiv", least, -1}, {"mod", 1, 0},      {"floordiv", 1, 0}, {"truediv", 1, 0},
              {"lshift", 1, 63},       {"lshift", most, 1}};
  for (const auto& row : rows) {
    EXPECT_EQ(error_of([&] { python(row.op, {row.a, row.b}); }).fault(), Fault::model) << row.op;
  }
  EXPECT_EQ(error_of([&] { python("neg", {least}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("abs", {least}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("floordiv", {1.5, 0.0}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("mod", {1.5, 0.0}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("int", {1e300}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] {
              python("add", {std::string("a"), std::int64_t{1}});
            }).fault(),
            Fault::model);
  EXPECT_EQ(error_of([&] {
              python("getitem", {c10::IValue(c10::List<std::int64_t>({1})), std::int64_t{1}});
            }).fault(),
            Fault::model);
  EXPECT_EQ(error_of([&] {
              python("add", {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}});
            }).fault(),
            Fault::model);
}

// --- constants folded ---

std::size_t count_of(const Graph& graph, const std::string& op) {
  std::size_t count = 0;
  for (const Node& node : graph.nodes()) count += node.op == op;
  return count;
}

TEST(FoldConstants, FoldsAMaskThatIsFilledThroughSlices) {
  const auto graph = fold_constants(masked_network());
  ASSERT_EQ(graph->nodes().size(), 1U);  // x + far
  EXPECT_EQ(graph->nodes()[0].op, "aten::add.Tensor");
  const at::Tensor x = noise({2, 4, 4}, 3);
  EXPECT_TRUE(at::equal(answer_of(graph, x), x + filled_mask(-2)));
}

TEST(FoldConstants, LeavesAMaskThatTheInputWritesInto) {
  const auto graph = fold_constants(masked_network(true));
  EXPECT_EQ(count_of(*graph, "aten::new_zeros.default"), 1U);
  EXPECT_EQ(count_of(*graph, "aten::fill_.Scalar"), 1U);
  for (const std::uint64_t seed : {1U, 2U}) {
    const at::Tensor x = noise({2, 4, 4}, seed);
    EXPECT_TRUE(near(answer_of(graph, x), x + filled_mask(x.mean().item<double>()), 1e-6));
  }
}

TEST(FoldConstants, ShowsEarlyReadersTheContentOfTheirTime) {
  // x + mask, then the mask is filled, then + mask again.
  Net net;
  const ValueId x = net.input("x", {any, 2});
  const ValueId mask = net.call("mask", "new_zeros.default", {x, sizes({2})}, {2});
  const ValueId before = net.call("before", "add.Tensor", {x, mask}, {any, 2});
  net.call("filled", "fill_.Scalar", {mask, whole(3)}, {2});
  const auto graph = net.returning({net.call("after", "add.Tensor", {before, mask}, {any, 2})});
  EXPECT_TRUE(at::equal(answer_of(graph, at::zeros({1, 2})), at::ones({1, 2}) * 3));
  EXPECT_TRUE(at::equal(answer_of(fold_constants(graph), at::zeros({1, 2})), at::ones({1, 2}) * 3));
}

TEST(FoldConstants, KeepsTheWritesIntoWhatIsTooLargeToKeep) {
  Net net;
  const std::int64_t side = 4100;  // 64 MiB and a little
  const ValueId x = net.input("x", {any});
  const ValueId mask = net.call("mask", "zeros.default", {sizes({side, side})}, {side, side});
  const ValueId row = net.call("row", "select.int", {mask, whole(0), whole(0)}, {side});
  net.call("filled", "fill_.Scalar", {row, whole(1)}, {side});
  const ValueId sum = net.call("sum", "sum.default", {mask}, {});
  const ValueId first = net.call("first", "select.int", {mask, whole(1), whole(0)}, {side});
  const ValueId part =
      net.call("part", "narrow.default", {first, whole(0), whole(0), whole(2)}, {2});
  const ValueId y = net.call("y", "add.Tensor", {x, part}, {2});
  const auto graph = fold_constants(net.returning({y, sum}));
  const auto answers = run_all(Executor(graph), {at::zeros({2})});
  EXPECT_TRUE(at::equal(answers[0], at::tensor({1.0F, 0.0F})));
  EXPECT_EQ(answers[1].item<float>(), static_cast<float>(side));
}

TEST(FoldConstants, LeavesWhatIsRandom) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId r = net.call("r", "rand.default", {sizes({4})}, {4});
  const auto graph = fold_constants(net.returning({net.call("y", "add.Tensor", {x, r}, {any, 4})}));
  EXPECT_EQ(count_of(*graph, "aten::rand.default"), 1U);
}

TEST(FoldConstants, LeavesTheFilesWeightsAsTheyAre) {
  const at::Tensor weight = at::ones({2});
  Net net;
  const ValueId x = net.input("x", {any, 2});
  const ValueId w = net.constant("w", weight);
  net.call("written", "mul_.Tensor", {w, whole(5)}, {2});
  const auto graph = fold_constants(net.returning({net.call("y", "add.Tensor", {x, w}, {any, 2})}));
  EXPECT_EQ(graph->nodes().size(), 1U);
  EXPECT_TRUE(at::equal(answer_of(graph, at::zeros({1, 2})), at::ones({1, 2}) * 5));
  EXPECT_EQ(weight[0].item<float>(), 1);
}

// --- batch norm ---

TEST(RewriteNorms, EqualsTheOperator) {
  const at::Tensor x = noise({2, 3, 6, 5}, 1);
  const auto plain = residual_network(), rewritten = rewrite_norms(plain);
  EXPECT_EQ(count_of(*rewritten, "aten::batch_norm.default"), 0U);
  EXPECT_EQ(count_of(*rewritten, "aten::addcmul.default"), 2U);
  const at::Tensor wanted = answer_of(plain, x);
  ASSERT_GT(magnitude(wanted), 0.1);
  EXPECT_TRUE(near(answer_of(rewritten, x), wanted, 1e-6));  // x·s + t instead of (x − m)·s + b
}

TEST(RewriteNorms, LeavesTrainingModeToTheOperator) {
  Net net;
  const ValueId x = net.input("x", {any, 2, 3, 3});
  const ValueId mean = net.constant("mean", at::zeros({2})),
                variance = net.constant("variance", at::ones({2}));
  const auto graph = rewrite_norms(net.returning({net.call(
      "y", "batch_norm.default",
      {x, none(), none(), mean, variance, truth(true), real(0.1), real(1e-5), truth(false)},
      {any, 2, 3, 3})}));
  EXPECT_EQ(count_of(*graph, "aten::batch_norm.default"), 1U);
}

TEST(RewriteNorms, HasTheRightGradientWhereTorchsIsWrong) {
  Net net;
  const ValueId in = net.input("x", {any, 8, 5, 6});
  const at::Tensor mean = noise({8}, 3), variance = noise({8}, 4).square() + 0.5,
                   weight = noise({8}, 5), bias = noise({8}, 6);
  const ValueId w = net.constant("w", weight), b = net.constant("b", bias),
                m = net.constant("m", mean), v = net.constant("v", variance);
  const auto graph = net.returning({net.call(
      "y", "batch_norm.default", {in, w, b, m, v, truth(false), real(0.1), real(1e-5), truth(true)},
      {any, 8, 5, 6})});
  // A batch of one as a transposing model leaves it: strides (C, 1, W·C, C).
  const at::Tensor x = noise({240}, 1).as_strided({1, 8, 5, 6}, {8, 1, 48, 8});
  const at::Tensor upstream = noise({1, 8, 5, 6}, 2);
  const at::Tensor right = upstream * (weight * (variance + 1e-5).rsqrt()).reshape({1, 8, 1, 1});
  EXPECT_TRUE(near(gradient_of(rewrite_norms(graph), x, upstream), right, 1e-6));
  EXPECT_TRUE(near(answer_of(rewrite_norms(graph), x),
                   at::batch_norm(x, weight, bias, mean, variance, false, 0.1, 1e-5, false), 1e-6));

  // The reason for the rewrite. Should this fail, torch's batch norm has been repaired.
  const at::Tensor leaf = x.detach().requires_grad_(true);
  const at::Tensor y = at::batch_norm(leaf, weight, bias, mean, variance, false, 0.1, 1e-5, false);
  const at::Tensor torchs = torch::autograd::grad({y}, {leaf}, {upstream})[0];
  EXPECT_GT(magnitude(torchs - right), 1);
}

TEST(FoldBatchNorm, IsProvedEqualByTheCheckedRunner) {
  const auto plain = rewrite_norms(residual_network());
  const auto folded = fold_batch_norm(plain);
  EXPECT_EQ(count_of(*folded, "aten::addcmul.default"), 0U);
  EXPECT_EQ(folded->find("conv1"), no_value);
  const CheckedRunner runner(std::make_shared<Executor>(plain), std::make_shared<Executor>(folded),
                             1e-5);
  const at::Tensor x = noise({2, 3, 6, 5}, 1);
  EXPECT_TRUE(
      at::equal(run_all(runner, {x})[0], answer_of(plain, x)));  // it answers as the plain one
}

TEST(FoldBatchNorm, LeavesASumWithProductThatIsNotABatchNorm) {
  // addcmul with a factor of 2, as a user may write it.
  Net net;
  const ValueId x = net.input("x", {any, 3, 4, 4});
  const ValueId conv = detail::conv(net, "conv", x, noise({2, 3, 1, 1}, 1), noise({2}, 2), 0,
                                    {any, 2, 4, 4}, Form::functional);
  const ValueId shift = net.constant("shift", noise({1, 2, 1, 1}, 3)),
                scale = net.constant("scale", noise({1, 2, 1, 1}, 4));
  const auto graph = net.returning(
      {net.call("y", "addcmul.default", {shift, conv, scale, whole(2)}, {any, 2, 4, 4})});
  const at::Tensor data = noise({1, 3, 4, 4}, 5);
  EXPECT_TRUE(near(answer_of(fold_batch_norm(graph), data), answer_of(graph, data), 1e-6));
}

TEST(FoldBatchNorm, LeavesAConvolutionWhoseInputIsOverwrittenBeforeTheNorm) {
  Net net;
  const ValueId x = net.input("x", {any, 2, 4, 4});
  const ValueId conv = detail::conv(net, "conv", x, noise({2, 2, 1, 1}, 1), noise({2}, 2), 0,
                                    {any, 2, 4, 4}, Form::functional);
  net.call("written", "fill_.Scalar", {x, whole(0)}, {any, 2, 4, 4});
  const ValueId shift = net.constant("shift", noise({1, 2, 1, 1}, 3)),
                scale = net.constant("scale", noise({1, 2, 1, 1}, 4));
  const ValueId y = net.call("y", "addcmul.default", {shift, conv, scale}, {any, 2, 4, 4});
  const auto graph = net.returning({net.call("z", "add.Tensor", {y, x}, {any, 2, 4, 4})});
  const at::Tensor data = noise({1, 2, 4, 4}, 5);
  EXPECT_TRUE(near(answer_of(fold_batch_norm(graph), data), answer_of(graph, data), 1e-6));
}

TEST(PreferredRunner, AnswersQuicklyAndStillShowsWhatTheRewriteLeftOut) {
  const auto plain = rewrite_norms(residual_network());
  const auto quick = fold_batch_norm(plain);
  int quick_runs = 0;
  struct Counting final : Runner {
    Counting(std::shared_ptr<const Graph> graph, int& count)
        : inner(std::move(graph)), runs(count) {}
    const Graph& graph() const override { return inner.graph(); }
    std::vector<c10::IValue> run(std::span<const Feed> feeds, std::span<const ValueId> wanted,
                                 const RunSettings& settings) const override {
      ++runs;
      return inner.run(feeds, wanted, settings);
    }
    Executor inner;
    int& runs;
  };
  const PreferredRunner runner(std::make_shared<Executor>(plain),
                               std::make_shared<Counting>(quick, quick_runs));
  const at::Tensor x = noise({2, 3, 6, 5}, 1);
  EXPECT_TRUE(near(run_all(runner, {x})[0], answer_of(plain, x), 1e-5));
  EXPECT_EQ(quick_runs, 1);

  // conv1 was folded away: who observes it gets the plain graph.
  const ValueId hidden = plain->find("conv1");
  at::Tensor seen;
  const Observer observer{{hidden}, [&](ValueId id, const at::Tensor& tensor) {
                            EXPECT_EQ(id, hidden);
                            seen = tensor;
                            return tensor;
                          }};
  run_all(runner, {x}, {&observer, nullptr, false});
  EXPECT_TRUE(seen.defined());
  EXPECT_EQ(quick_runs, 1);

  // A value that both have keeps the plain graph's id.
  const ValueId kept = plain->outputs()[0].operand.value();
  const Observer last{{kept}, [&](ValueId id, const at::Tensor& tensor) {
                        EXPECT_EQ(id, kept);
                        return tensor;
                      }};
  run_all(runner, {x}, {&last, nullptr, false});
  EXPECT_EQ(quick_runs, 2);
}

TEST(CheckedRunner, NamesTheFirstValueThatDiffers) {
  const auto plain = residual_network();
  GraphParts parts = take_apart(*plain);
  for (Constant& constant : parts.constants) {
    if (constant.name == "bn2.bias") constant.data = constant.data + 0.001;
  }
  const CheckedRunner runner(std::make_shared<Executor>(plain),
                             std::make_shared<Executor>(assemble(std::move(parts))), 1e-5);
  const Error error = error_of([&] { run_all(runner, {noise({1, 3, 6, 5}, 1)}); });
  EXPECT_EQ(error.fault(), Fault::internal);
  EXPECT_THAT(error.what(), HasSubstr("bn2"));
}

// --- other types ---

TEST(WithDtype, ComputesInDoublePrecision) {
  const auto graph = rewrite_norms(residual_network());
  const auto wide = with_dtype(graph, at::kDouble);
  const at::Tensor x = noise({2, 3, 6, 5}, 1);
  const at::Tensor answer = answer_of(wide, x.to(at::kDouble));
  EXPECT_EQ(answer.scalar_type(), at::kDouble);
  EXPECT_EQ(wide->value(wide->inputs()[0]).dtype, at::kDouble);
  // The weights are the same numbers: what differs is float's rounding.
  EXPECT_TRUE(near(answer_of(graph, x), answer, 1e-5));
  EXPECT_FALSE(near(answer_of(graph, x), answer, 0));
}

TEST(WithDtype, ChangesLiteralsToo) {
  Net net;
  const ValueId x = net.input("x", {any, 2});
  const ValueId cast =
      net.call("cast", "to.dtype", {x, whole(static_cast<std::int64_t>(at::kFloat))}, {any, 2});
  const auto graph = net.returning({net.call("y", "mul.Tensor", {cast, whole(2)}, {any, 2})});
  EXPECT_EQ(answer_of(with_dtype(graph, at::kDouble), at::ones({1, 2}, at::kDouble)).scalar_type(),
            at::kDouble);
}

TEST(WithDtype, ReachesIntoBlocks) {
  const auto wide = with_dtype(cond_network(), at::kDouble);
  EXPECT_EQ(
      wide->nodes().back().bodies[0]->value(wide->nodes().back().bodies[0]->inputs()[0]).dtype,
      at::kDouble);
  EXPECT_EQ(answer_of(wide, at::ones({1, 3}, at::kDouble)).scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace pellucid

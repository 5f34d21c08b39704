// The rewrites that have to run parts of a graph, each against the graph it was made from.
#include "pellucid/run/rewrites.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/memory.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

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

TEST(FoldConstants, RefusesWhatNoMachineHoldsAndNamesIt) {
  watch_memory();
  Net net;
  const ValueId x = net.input("x", {any, 3});
  const ValueId huge =
      net.call("huge", "full.default", {sizes({400000, 400000}), whole(1)}, {400000, 400000});
  const ValueId row = net.call("row", "select.int", {huge, whole(0), whole(0)}, {400000});
  const ValueId few = net.call("few", "slice.Tensor", {row, whole(0), whole(0), whole(3)}, {3});
  const auto graph = net.returning({net.call("y", "add.Tensor", {x, few}, {any, 3})});
  const Error error = error_of([&] { fold_constants(graph); });
  EXPECT_EQ(error.fault(), Fault::too_large);
  EXPECT_THAT(error.what(), HasSubstr("huge"));
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

TEST(CheckedRunner, GivesBothRunsWhatItsCallerPutsInAValuesPlace) {
  const auto plain = rewrite_norms(residual_network());
  const CheckedRunner runner(std::make_shared<Executor>(plain),
                             std::make_shared<Executor>(fold_batch_norm(plain)), 1e-5);
  const at::Tensor x = noise({1, 3, 6, 5}, 1);
  const Observer halved{{plain->find("bn2")}, [](ValueId, const at::Tensor& tensor) -> at::Tensor {
                          return tensor * 0.5;
                        }};
  RunSettings settings;
  settings.observer = &halved;
  const at::Tensor got = run_all(runner, {x}, settings)[0];
  EXPECT_TRUE(at::equal(got, answer_of(plain, x, settings)));
  EXPECT_FALSE(near(got, answer_of(plain, x), 1e-3));
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

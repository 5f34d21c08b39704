// Counts against those made by hand.
#include "pellucid/run/count_operations.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pellucid {
namespace {

using Counts = std::map<std::string, double>;

template <class Work>
Counts counted(const Work& work) {
  const c10::InferenceMode inference;
  OperationCount count;
  work();
  return count.take();
}

TEST(OperationCount, OfAConvolutionIsTwiceItsProducts) {
  // Two groups, padding 1: 8 · 6 · 5 numbers of 2 · 3 · 3 products each, for three samples.
  EXPECT_EQ(counted([] {
              at::conv2d(at::zeros({3, 4, 6, 5}), at::zeros({8, 2, 3, 3}), {}, 1, 1, 1, 2);
            }),
            (Counts{{"convolution", 2.0 * 3 * 8 * 6 * 5 * 2 * 3 * 3}}));
  // Each of the 4 · 6 · 5 numbers that go in meets 8 kernels of 2 by 2.
  EXPECT_EQ(counted([] {
              at::conv_transpose2d(at::zeros({3, 4, 6, 5}), at::zeros({4, 8, 2, 2}), {}, 2);
            }),
            (Counts{{"convolution", 2.0 * 3 * 4 * 6 * 5 * 8 * 2 * 2}}));
}

TEST(OperationCount, OfProductsIsTwiceTheirProductsWhateverTheyAreCalled) {
  EXPECT_EQ(counted([] {
              at::linear(at::zeros({2, 7, 3}), at::zeros({5, 3}), at::zeros({5}));
            }),
            (Counts{{"linear", 2.0 * 2 * 7 * 5 * 3}}));
  EXPECT_EQ(counted([] {
              at::matmul(at::zeros({2, 4, 7, 3}), at::zeros({2, 4, 3, 6}));
            }),
            (Counts{{"matrix product", 2.0 * 2 * 4 * 7 * 6 * 3}}));
  EXPECT_EQ(counted([] {
              at::matmul(at::zeros({7, 3}), at::zeros({3}));
            }),
            (Counts{{"matrix product", 2.0 * 7 * 3}}));
  EXPECT_EQ(counted([] {
              at::einsum("bij,bkj->bik", {at::zeros({2, 7, 3}), at::zeros({2, 5, 3})});
            }),
            (Counts{{"matrix product", 2.0 * 2 * 7 * 5 * 3}}));
}

TEST(OperationCount, OfAttentionIsThatOfBothProductsFusedOrNot) {
  const auto attend = [](const std::optional<at::Tensor>& mask) {
    const at::Tensor heads = at::zeros({2, 3, 7, 4});
    return [=] { at::scaled_dot_product_attention(heads, heads, heads, mask); };
  };
  const Counts both = {{"attention", 2.0 * (2 * 3 * 7 * 7 * 4) * 2}};
  EXPECT_EQ(counted(attend(std::nullopt)), both);
  EXPECT_EQ(counted(attend(at::zeros({2, 3, 7, 7}))), both);
}

TEST(OperationCount, LeavesOutWhatIsNoProductAndWhatIsDoneElsewhere) {
  EXPECT_THAT(counted([] { at::relu(at::zeros({9})); }), testing::IsEmpty());
  OperationCount outer;
  EXPECT_FALSE(counted([] { at::matmul(at::zeros({2, 2}), at::zeros({2, 2})); }).empty());
  EXPECT_THAT(outer.take(), testing::IsEmpty());
  at::matmul(at::zeros({2, 2}), at::zeros({2, 2}));
  EXPECT_EQ(outer.take(), (Counts{{"matrix product", 16.0}}));
}

}  // namespace
}  // namespace pellucid

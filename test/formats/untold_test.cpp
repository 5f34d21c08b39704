// The shapes that ATen does not tell without data, against what its kernels make of data.
#include "pellucid/formats/onnx/untold.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pellucid::from_onnx {
namespace {

using Sizes = std::vector<std::int64_t>;

struct Case {
  const char* op;  // with its overload
  std::vector<c10::IValue> given;
};

at::Tensor noise(const Sizes& sizes) { return at::rand(sizes); }
at::Tensor whole(const Sizes& sizes) { return at::ones(sizes, at::kLong); }
at::Tensor truth(const Sizes& sizes) { return at::ones(sizes, at::kBool); }

std::vector<Case> cases() {
  const c10::IValue none;
  const at::Tensor per_channel = noise({4}),
                   complex = noise({3, 5, 2}).select(2, 0).to(at::kComplexFloat);
  return {
      {"aten::__lshift__.Tensor", {whole({2, 1}), whole({3})}},
      {"aten::__rshift__.Tensor", {whole({3}), whole({2, 3})}},
      {"aten::abs", {noise({2, 3})}},
      {"aten::batch_norm",
       {noise({2, 4, 5}), per_channel, per_channel, per_channel, per_channel, false, 0.1, 1e-5,
        true}},
      {"aten::col2im",
       {noise({2, 12, 6}), Sizes{4, 3}, Sizes{2, 2}, Sizes{1, 1}, Sizes{0, 0}, Sizes{1, 1}}},
      {"aten::embedding", {noise({5, 3}), whole({2, 4})}},
      {"aten::fake_quantize_per_channel_affine",
       {noise({2, 4}), noise({4}), at::ones({4}, at::kInt), 1, 0, 255}},
      {"aten::fake_quantize_per_tensor_affine", {noise({2, 4}), 0.1, 3, 0, 255}},
      {"aten::fft_fft", {noise({3, 5}), none, -1}},
      {"aten::fft_fft", {complex, 8, 0}},
      {"aten::fft_ifft", {complex, none, 1}},
      {"aten::fft_irfft", {complex, none, 1}},
      {"aten::fft_irfft", {complex, 7, 1}},
      {"aten::fft_rfft", {noise({3, 5}), none, 1}},
      {"aten::fft_rfft", {noise({3, 5}), 6, 0}},
      {"aten::flip", {noise({2, 3}), Sizes{1}}},
      {"aten::grid_sampler", {noise({2, 4, 5, 6}), noise({2, 7, 8, 2}), 0, 0, false}},
      {"aten::grid_sampler", {noise({2, 4, 5, 6, 3}), noise({2, 7, 8, 9, 3}), 0, 0, false}},
      {"aten::group_norm", {noise({2, 4, 3}), 2, per_channel, per_channel, 1e-5, true}},
      {"aten::hardswish", {noise({2, 3})}},
      {"aten::index_select", {noise({2, 3, 4}), -1, whole({7})}},
      {"aten::instance_norm",
       {noise({2, 4, 5}), per_channel, per_channel, none, none, true, 0.1, 1e-5, true}},
      {"aten::isinf", {noise({2, 3})}},
      {"aten::isnan", {noise({2, 3})}},
      {"aten::layer_norm", {noise({2, 4}), Sizes{4}, per_channel, per_channel, 1e-5, true}},
      {"aten::logical_and", {truth({2, 1}), noise({3})}},
      {"aten::logical_not", {noise({2, 3})}},
      {"aten::logical_or", {truth({2, 1}), truth({1, 3})}},
      {"aten::logical_xor", {truth({3}), truth({2, 3})}},
      {"aten::logsumexp", {noise({2, 3, 4}), Sizes{0, -1}, false}},
      {"aten::logsumexp", {noise({2, 3, 4}), Sizes{1}, true}},
      {"aten::max_pool3d",
       {noise({1, 2, 7, 8, 9}), Sizes{3, 3, 3}, Sizes{2, 3, 2}, Sizes{1, 0, 1}, Sizes{1, 1, 2},
        true}},
      {"aten::max_pool3d",
       {noise({1, 2, 7, 8, 9}), Sizes{2, 2, 2}, Sizes{2, 2, 2}, Sizes{0, 0, 0}, Sizes{1, 1, 1},
        false}},
      {"aten::nonzero", {truth({2, 3})}},
      {"aten::relu", {noise({2, 3})}},
      {"aten::unique_dim", {whole({2, 3, 4}), 1, true, true, true}},
      {"aten::var_mean.correction", {noise({2, 3, 4}), Sizes{0, 2}, 0, true}},
      {"aten::var_mean.correction", {noise({2, 3, 4}), none, 0, false}},
      {"aten::where.self", {truth({2, 1, 1}), noise({3, 1}), whole({4})}},
  };
}

TEST(UntoldShapes, AreThoseOfATensKernels) {
  std::vector<std::string_view> left = operators_with_rules();
  for (const Case& each : cases()) {
    const std::string_view name(each.op);
    const std::size_t dot = name.find('.', 6);
    const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(
        std::string(name.substr(0, dot)).c_str(),
        dot == name.npos ? "" : std::string(name.substr(dot + 1)).c_str());
    torch::jit::Stack stack = each.given;
    for (std::size_t i = stack.size(); i < handle.schema().arguments().size(); ++i)
      stack.push_back(handle.schema().arguments()[i].default_value().value());
    const auto told = untold_shapes(handle.schema().name(), stack, 0);
    ASSERT_TRUE(told.has_value()) << name;
    handle.callBoxed(stack);
    ASSERT_EQ(told->size(), stack.size()) << name;
    for (std::size_t i = 0; i < stack.size(); ++i) {
      const at::Tensor made = stack[i].toTensor();
      EXPECT_EQ((*told)[i].type, made.scalar_type()) << name << " result " << i;
      Sizes sizes = made.sizes().vec();
      ASSERT_EQ(sizes.size(), (*told)[i].sizes.size()) << name << " result " << i;
      // What the data count is told as a number that stands for it.
      for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        if (counts_data(handle.schema().name()) && (*told)[i].sizes[axis] == unknown_counts[0])
          sizes[axis] = unknown_counts[0];
      }
      EXPECT_EQ((*told)[i].sizes, sizes) << name << " result " << i;
    }
    std::erase(left, std::string_view(handle.schema().name()));
  }
  EXPECT_TRUE(left.empty()) << "no case for " << left.front();
}

TEST(UntoldShapes, OfUnlikeOperandsAreRefused) {
  const torch::jit::Stack unlike = {truth({2}), noise({3}), noise({4})};
  EXPECT_THROW(untold_shapes("aten::where", unlike, 0), c10::Error);
  EXPECT_EQ(untold_shapes("aten::frobnicate", unlike, 0), std::nullopt);
}

}  // namespace
}  // namespace pellucid::from_onnx

// Prepared convolutions and channels-last pictures: every value and gradient against the plain
// graph, and the graphs that must be left alone.
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "pellucid/graph/aliases.h"
#include "pellucid/graph/builder.h"
#include "pellucid/run/frozen_convolution.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

// The same sums in another order.
constexpr double rounding = 1e-5;

struct Shapes {
  std::int64_t channels, outputs, kernel, stride, padding, dilation, groups;
  bool bias;
};

// One convolution, what follows it, and a view that wants dense rows.
std::shared_ptr<const Graph> convolution(const Shapes& s, const std::string& rectifier) {
  Net net;
  const ValueId in = net.input("x", {any, s.channels, 11, 8});
  // Behind the input alone it would stay apart, for methods that follow a path.
  const ValueId x = net.call("bent", "tanh.default", {in}, {any, s.channels, 11, 8});
  const ValueId w =
      net.constant("w", noise({s.outputs, s.channels / s.groups, s.kernel, s.kernel}, 1));
  const auto length = [&](std::int64_t size) {
    return (size + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride + 1;
  };
  const Shape shape = {any, s.outputs, length(11), length(8)};
  ValueId y = net.call("conv", "conv2d.default",
                       {x, w, s.bias ? In(net.constant("b", noise({s.outputs}, 2))) : none(),
                        sizes({s.stride, s.stride}), sizes({s.padding, s.padding}),
                        sizes({s.dilation, s.dilation}), whole(s.groups)},
                       shape);
  if (rectifier == "relu") y = net.call("rectified", "relu.default", {y}, shape);
  if (rectifier == "relu6")
    y = net.call("rectified", "hardtanh.default", {y, real(0), real(6)}, shape);
  const std::int64_t features = s.outputs * length(11) * length(8);
  const ValueId flat =
      net.call("flat", "view.default", {y, sizes({-1, features})}, {any, features});
  return net.returning({net.call("scaled", "mul.Tensor", {flat, real(0.5)}, {any, features})});
}

std::size_t kernels(const Graph& graph) {
  return static_cast<std::size_t>(std::ranges::count_if(
      graph.nodes(), [](const Node& node) { return node.kind == NodeKind::kernel; }));
}

// Without oneDNN's operators (a processor other than x86) nothing is ever rewritten.
class FreezeConvolutions : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_freeze_convolutions()) GTEST_SKIP() << "this LibTorch has no prepared convolutions";
  }
};

TEST_F(FreezeConvolutions, EqualThePlainGraphInEveryGeometry) {
  const Shapes rows[] = {{3, 4, 3, 1, 1, 1, 1, true},  {3, 4, 3, 2, 0, 1, 1, false},
                         {4, 8, 1, 1, 0, 1, 1, true},  {4, 8, 1, 2, 0, 1, 1, true},
                         {4, 4, 3, 1, 1, 1, 4, false}, {4, 4, 5, 2, 2, 1, 4, true},
                         {8, 4, 3, 1, 2, 2, 2, true},  {3, 16, 7, 3, 3, 1, 1, true},
                         {2, 2, 2, 3, 0, 1, 1, true},  {1, 1, 3, 1, 0, 1, 1, true}};
  for (const Shapes& row : rows) {
    for (const char* rectifier : {"", "relu", "relu6"}) {
      const auto plain = convolution(row, rectifier);
      for (const Rectifiers rectifiers : {Rectifiers::apart, Rectifiers::fused}) {
        const auto frozen = freeze_convolutions(plain, rectifiers);
        ASSERT_EQ(kernels(*frozen), 1U);
        const bool hidden = rectifiers == Rectifiers::fused && *rectifier != '\0';
        EXPECT_EQ(frozen->find("conv") == no_value, hidden);
        // Batches in turn: the weights are prepared anew for each.
        const Executor runner(frozen);
        for (const std::int64_t batch : {1, 3, 2, 1}) {
          const at::Tensor x = noise({batch, row.channels, 11, 8}, 3);
          const at::Tensor wanted = answer_of(plain, x);
          ASSERT_GT(magnitude(wanted), 0.1);
          EXPECT_TRUE(near(run_all(runner, {x})[0], wanted, rounding));
          const at::Tensor upstream = noise(wanted.sizes(), 4);
          const at::Tensor gradient = gradient_of(plain, x, upstream);
          ASSERT_GT(magnitude(gradient), 0.1);
          EXPECT_TRUE(near(gradient_of(frozen, x, upstream), gradient, rounding));
        }
      }
    }
  }
}

TEST_F(FreezeConvolutions, HandOnWhatIsNoNumber) {
  for (const char* rectifier : {"", "relu", "relu6"}) {
    const auto plain = convolution({3, 4, 3, 1, 1, 1, 1, true}, rectifier);
    at::Tensor x = noise({1, 3, 11, 8}, 3);
    x[0][1][5][4] = std::numeric_limits<float>::quiet_NaN();
    const at::Tensor wanted = answer_of(plain, x).isnan();
    ASSERT_GT(wanted.sum().item<int>(), 8);
    for (const Rectifiers rectifiers : {Rectifiers::apart, Rectifiers::fused})
      EXPECT_TRUE(at::equal(answer_of(freeze_convolutions(plain, rectifiers), x).isnan(), wanted))
          << rectifier;
  }
}

TEST_F(FreezeConvolutions, LeaveAConvolutionThatNoOperatorWouldTake) {
  for (const auto& [stride, padding, dilation, groups] :
       {std::array{0, 1, 1, 1}, std::array{1, -1, 1, 1}, std::array{1, 1, 0, 1},
        std::array{1, 1, 1, 0}, std::array{1, 1, 1, 2}}) {
    Net net;
    const ValueId x = net.input("x", {any, 3, 6, 6});
    const auto graph = net.returning(
        {net.call("conv", "conv2d.default",
                  {x, net.constant("w", noise({4, 3, 3, 3}, 1)), none(), sizes({stride, stride}),
                   sizes({padding, padding}), sizes({dilation, dilation}), whole(groups)},
                  {any, 4, 6, 6})});
    EXPECT_EQ(freeze_convolutions(graph, Rectifiers::apart), graph);
    EXPECT_EQ(error_of([&] { answer_of(graph, noise({1, 3, 6, 6}, 2)); }).fault(), Fault::model);
  }
}

TEST_F(FreezeConvolutions, AddTheShortcutAndItsGradient) {
  for (const Form form : {Form::functional, Form::in_place}) {
    const auto plain = fold_batch_norm(rewrite_norms(functionalise(*residual_network(form))));
    const auto fused = freeze_convolutions(plain, Rectifiers::fused);
    EXPECT_EQ(kernels(*fused), 2U);
    EXPECT_EQ(fused->find("shortcut"), no_value);
    // Two convolutions, the ReLU behind the first (where a path may start), the mean, the head.
    EXPECT_EQ(fused->nodes().size(), 5U);
    const at::Tensor x = noise({2, 3, 6, 5}, 1), upstream = noise({2, 3}, 2);
    EXPECT_TRUE(near(answer_of(fused, x), answer_of(plain, x), rounding));
    EXPECT_TRUE(near(gradient_of(fused, x, upstream), gradient_of(plain, x, upstream), rounding));
  }
}

TEST_F(FreezeConvolutions, KeepEveryValueUnlessTheyFuse) {
  const auto plain = fold_batch_norm(rewrite_norms(residual_network()));
  const CheckedRunner runner(
      std::make_shared<Executor>(plain),
      std::make_shared<Executor>(freeze_convolutions(plain, Rectifiers::apart)), rounding);
  for (const Value& value : plain->values())
    EXPECT_NE(freeze_convolutions(plain, Rectifiers::apart)->find(value.name), no_value);
  run_all(runner, {noise({2, 3, 6, 5}, 1)});  // throws where a value differs
}

TEST_F(FreezeConvolutions, AreDifferentiableTwice) {
  const auto plain = convolution({3, 4, 3, 2, 1, 1, 1, true}, "");
  const auto second = [](const std::shared_ptr<const Graph>& graph) {
    const at::Tensor x = noise({2, 3, 11, 8}, 1).requires_grad_(true);
    RunSettings settings;
    settings.gradient = true;
    const at::Tensor y = answer_of(graph, x, settings);
    const at::Tensor first = torch::autograd::grad({y.pow(3).sum()}, {x}, {}, true, true)[0];
    return torch::autograd::grad({first.pow(2).sum()}, {x})[0];
  };
  const at::Tensor wanted = second(plain);
  ASSERT_GT(magnitude(wanted), 1);
  EXPECT_TRUE(near(second(freeze_convolutions(plain, Rectifiers::apart)), wanted, rounding));
}

TEST_F(FreezeConvolutions, RunUnderVmap) {
  // Mixes its samples at other batches than one: only vmap or one by one is right.
  Net net;
  const ValueId x = net.input("x", {1, 3, 6, 6});
  const ValueId conv = detail::conv(net, "conv", x, noise({4, 3, 3, 3}, 1), noise({4}, 2), 1,
                                    {1, 4, 6, 6}, Form::functional);
  const ValueId mean = net.call("mean", "mean.default", {conv}, {});
  const auto plain = net.returning({net.call("y", "sub.Tensor", {conv, mean}, {1, 4, 6, 6})});
  const BatchRunner lifted(
      std::make_shared<Executor>(freeze_convolutions(plain, Rectifiers::apart)));
  const at::Tensor data = noise({3, 3, 6, 6}, 3);
  const at::Tensor answer = run_all(lifted, {data})[0];
  EXPECT_EQ(lifted.batch_mode(), BatchMode::vmap);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(near(answer[i], answer_of(plain, data.slice(0, i, i + 1))[0], rounding));
}

TEST_F(FreezeConvolutions, SayWhatIsWrongAsTheOperatorDoes) {
  const auto frozen =
      freeze_convolutions(convolution({3, 4, 3, 1, 0, 1, 1, true}, "relu"), Rectifiers::fused);
  const Error small = error_of([&] { answer_of(frozen, noise({1, 3, 2, 2}, 1)); });
  EXPECT_EQ(small.fault(), Fault::model);
  EXPECT_THAT(small.what(), HasSubstr("Kernel size can't be greater than actual input size"));
  EXPECT_EQ(error_of([&] { answer_of(frozen, noise({1, 5, 11, 8}, 1)); }).fault(), Fault::model);
}

TEST_F(FreezeConvolutions, ServeSeveralThreads) {
  const auto plain = convolution({3, 8, 3, 1, 1, 1, 1, true}, "relu");
  const Executor runner(freeze_convolutions(plain, Rectifiers::fused));
  std::vector<std::thread> threads;
  std::vector<at::Tensor> inputs, wanted;
  for (std::int64_t i = 0; i < 4; ++i) {
    inputs.push_back(noise({i + 1, 3, 11, 8}, 1));
    wanted.push_back(answer_of(plain, inputs.back()));
  }
  std::array<int, 4> failures{};
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round)
        failures[i] += !near(run_all(runner, {inputs[i]})[0], wanted[i], rounding);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, ::testing::Each(0));
}

TEST_F(FreezeConvolutions, LeaveAGraphThatReadsStrides) {
  const auto followed_by = [](const std::function<ValueId(Net&, ValueId)>& last) {
    Net net;
    const ValueId x = net.input("x", {any, 2, 4, 4});
    const ValueId conv = detail::conv(net, "conv", x, noise({2, 2, 1, 1}, 1), noise({2}, 2), 0,
                                      {any, 2, 4, 4}, Form::functional);
    return net.returning({last(net, conv)});
  };
  const auto strided = followed_by([](Net& net, ValueId conv) {
    return net.call("y", "as_strided.default", {conv, sizes({1, 4}), sizes({1, 2})}, {1, 4});
  });
  EXPECT_EQ(freeze_convolutions(strided, Rectifiers::apart), strided);
  const auto as_bytes = followed_by([](Net& net, ValueId conv) {
    return net.call("y", "view.dtype", {conv, whole(static_cast<std::int64_t>(at::kByte))},
                    {any, 2, 4, 16}, "", at::kByte);
  });
  EXPECT_EQ(freeze_convolutions(as_bytes, Rectifiers::apart), as_bytes);
  // A reshape that must stay a view: it is written through.
  const auto written = followed_by([](Net& net, ValueId conv) {
    const ValueId rows = net.call("rows", "reshape.default", {conv, sizes({-1, 32})}, {any, 32});
    net.call("filled", "fill_.Scalar", {rows, whole(1)}, {any, 32});
    return net.call("y", "mul.Tensor", {conv, whole(2)}, {any, 2, 4, 4});
  });
  EXPECT_EQ(freeze_convolutions(written, Rectifiers::apart), written);
  EXPECT_TRUE(at::equal(answer_of(written, noise({1, 2, 4, 4}, 3)), at::full({1, 2, 4, 4}, 2.0F)));
}

TEST_F(FreezeConvolutions, FuseOnlyWhatNobodyElseReads) {
  Net net;
  const ValueId x = net.input("x", {any, 2, 4, 4});
  const Shape shape = {any, 2, 4, 4};
  const ValueId conv = detail::conv(net, "conv", x, noise({2, 2, 1, 1}, 1), noise({2}, 2), 0, shape,
                                    Form::functional);
  const ValueId relu = net.call("relu", "relu.default", {conv}, shape);
  const auto graph = net.returning({net.call("y", "mul.Tensor", {relu, conv}, shape)});
  const auto frozen = freeze_convolutions(graph, Rectifiers::fused);
  EXPECT_NE(frozen->find("conv"), no_value);
  const at::Tensor data = noise({2, 2, 4, 4}, 3), upstream = noise({2, 2, 4, 4}, 4);
  EXPECT_TRUE(
      near(gradient_of(frozen, data, upstream), gradient_of(graph, data, upstream), rounding));
}

}  // namespace
}  // namespace pellucid

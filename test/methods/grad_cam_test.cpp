// Grad-CAM against maps derived by hand, its laws, and the calls it may make.
#include <gtest/gtest.h>

#include "pellucid/graph/aliases.h"
#include "pellucid/run/rewrites.h"
#include "test/questions.h"

namespace pellucid {
extern constinit const Method grad_cam;
namespace {

at::Tensor two_by_two(float a, float b, float c, float d) {
  return at::tensor({a, b, c, d}).reshape({1, 2, 2});
}

// The map as the class activation map's paper sums it; the engine keeps it before the final ReLU.
TEST(GradCam, OfOneConvEqualsTheMapDerivedByHand) {
  for (const Form form : {Form::functional, Form::decomposed}) {
    const auto graph = one_conv(form);
    // Quarters of small whole numbers: exact in float.
    EXPECT_TRUE(
        near(explained(grad_cam, graph, {one_conv_input()}, {entry(0)}, Json::object(), "conv1")
                 .scores(),
             two_by_two(11.25F, 13.5F, 20.25F, 22.5F), 0));
    EXPECT_TRUE(
        near(explained(grad_cam, graph, {one_conv_input()}, {entry(0)}, Json::object(), "relu1")
                 .scores(),
             two_by_two(0, 4, 28, 32.5F), 0));
  }
}

TEST(GradCam, SeesWhatALayerGaveBeforeAnInPlaceReluOverwroteIt) {
  const auto graph = functionalise(*one_conv(Form::in_place));
  EXPECT_TRUE(near(
      explained(grad_cam, graph, {one_conv_input()}, {entry(0)}, Json::object(), "conv1").scores(),
      two_by_two(11.25F, 13.5F, 20.25F, 22.5F), 0));
  EXPECT_TRUE(near(
      explained(grad_cam, graph, {one_conv_input()}, {entry(0)}, Json::object(), "relu1").scores(),
      two_by_two(0, 4, 28, 32.5F), 0));
}

TEST(GradCam, ChoosesTheLastSpatialLayerAndSaysSo) {
  const auto answer = explained(grad_cam, one_conv(), {one_conv_input()}, {entry(0)});
  EXPECT_EQ(answer.answer.maps[0].name, "relu1");
  EXPECT_TRUE(near(answer.scores(), two_by_two(0, 4, 28, 32.5F), 0));
  ASSERT_EQ(answer.answer.notes.size(), 1U);
  EXPECT_NE(answer.answer.notes[0].find("relu1"), std::string::npos);
  EXPECT_TRUE(answer.answer.maps[0].positive_part);
  EXPECT_EQ(answer.answer.maps[0].coordinates, Coordinates::layer);
}

TEST(GradCam, BeforePoolingAndALinearLayerIsTheClassActivationMap) {
  const auto graph = rewrite_norms(residual_network());
  const at::Tensor x = noise({1, 3, 6, 5}, 2);
  const auto answer = explained(grad_cam, graph, {x}, {entry(2)});
  EXPECT_EQ(answer.answer.maps[0].name, "relu");  // the module used twice: what it returned last
  Probe probe = probe_of(graph);
  const at::Tensor activation =
      probe.forward(std::vector{x}, std::vector{graph->find("relu_2")})[0];
  const at::Tensor weights = noise({3, 4}, 5)[2].reshape({1, 4, 1, 1});
  // d target / d A is w / 30 at each of the 30 places.
  const at::Tensor map = (weights * activation).sum(1) / 30;
  ASSERT_GT(magnitude(map), 1e-3);
  EXPECT_TRUE(near(answer.scores(), map, 1e-6));
}

TEST(GradCam, OfABatchEqualsItsSamplesOneByOne) {
  const auto graph = rewrite_norms(residual_network());
  const at::Tensor x = noise({3, 3, 6, 5}, 4);
  const std::vector<Target> targets = {entry(1), entry(0), entry(2)};
  const at::Tensor together = explained(grad_cam, graph, {x}, targets).scores();
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto one =
        explained(grad_cam, graph, {x.slice(0, n, n + 1)}, {targets[static_cast<std::size_t>(n)]});
    ASSERT_GT(magnitude(one.scores()), 1e-3);
    EXPECT_TRUE(near(together.slice(0, n, n + 1), one.scores(),
                     1e-6));  // another batch may sum in another order
  }
}

TEST(GradCam, OfAConstantModelIsZero) {
  Net net;
  const ValueId x = net.input("x", {any, 1, 4, 4});
  const ValueId w = net.constant("w", at::ones({2, 1, 3, 3}));
  const ValueId conv = net.call("conv", "conv2d.default", {x, w}, {any, 2, 2, 2});
  const ValueId none = net.call("none", "mul.Tensor", {conv, whole(0)}, {any, 2, 2, 2});
  const ValueId pooled = net.call("pooled", "mean.dim", {none, sizes({2, 3})}, {any, 2});
  const auto graph = net.returning({pooled});
  EXPECT_EQ(
      magnitude(explained(grad_cam, graph, {one_conv_input()}, {entry(0)}, Json::object(), "conv")
                    .scores()),
      0);
}

TEST(GradCam, CostsOneGradientPerSampleAndNothingElse) {
  const auto answer =
      explained(grad_cam, one_conv(), {one_conv_input().expand({3, 1, 4, 4})}, {entry(0)});
  EXPECT_EQ(answer.cost.gradients, 3);
  EXPECT_EQ(answer.cost.forwards, 0);
}

TEST(GradCam, RefusesANetworkWithoutPlaces) {
  try {
    explained(grad_cam, multi_layer(), {noise({1, 3}, 1)}, {entry(0)});
    FAIL() << "a map without places";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_FALSE(error.remedy().empty());
  }
  EXPECT_THROW(
      explained(grad_cam, multi_layer(), {noise({1, 3}, 1)}, {entry(0)}, Json::object(), "fc1"),
      Error);
}

}  // namespace
}  // namespace pellucid

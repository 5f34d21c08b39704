// Obstacles follow from what a method's table entry says, so these methods are of no table.
#include "pellucid/explain/obstacle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/networks.h"

namespace pellucid {
namespace {

Method method_that(Needs needs, Coordinates coordinates = Coordinates::input) {
  Method method{};
  method.needs = needs;
  method.coordinates = coordinates;
  return method;
}
const Method by_gradient = method_that(Needs::gradient), by_forward = method_that(Needs::forward),
             by_layer = method_that(Needs::gradient, Coordinates::layer);

std::string reason(const Method& method, std::shared_ptr<const Graph> graph) {
  Model model;
  model.graph = std::move(graph);
  model.metadata = guess_metadata(*model.graph);
  const auto obstacle = obstacle_of(method, model);
  return obstacle ? obstacle->reason : "";
}

TEST(Obstacle, IsNoneForANetworkOfRealNumbers) {
  for (const Method& method : {by_gradient, by_forward, by_layer})
    EXPECT_EQ(reason(method, one_conv()), "");
}

TEST(Obstacle, IsAnInputOfWholeNumbersUnlessALayerIsLookedAt) {
  const auto tokens = [] {
    Net net;
    const ValueId x = net.input("tokens", {1, 5}, at::kLong);
    const ValueId table = net.constant("table", noise({9, 4}, 1));
    return net.returning({net.call("y", "embedding.default", {table, x}, {1, 5, 4})});
  };
  EXPECT_EQ(reason(by_gradient, tokens()), "the model has no real-valued input to attribute to");
  EXPECT_EQ(reason(by_layer, tokens()), "");
}

TEST(Obstacle, IsADetachForGradientsAlone) {
  const auto cut = [](bool everywhere) {
    Net net;
    const ValueId x = net.input("x", {any, 4});
    const ValueId y = net.call("y", "detach.default", {x}, {any, 4});
    return net.returning({net.call("z", "add.Tensor", {y, everywhere ? y : x}, {any, 4})});
  };
  EXPECT_THAT(reason(by_gradient, cut(true)), testing::HasSubstr("no gradient reaches"));
  EXPECT_EQ(reason(by_forward, cut(true)), "");
  EXPECT_EQ(reason(by_gradient, cut(false)), "") << "a shortcut goes round it";
}

TEST(Obstacle, IsAnAnswerOfWholeNumbersForAll) {
  const auto argmax = [] {
    Net net;
    const ValueId x = net.input("x", {any, 4});
    return net.returning({net.call("y", "argmax.default", {x, whole(1)}, {any}, "", at::kLong)});
  };
  for (const Method& method : {by_gradient, by_forward, by_layer})
    EXPECT_EQ(reason(method, argmax()), "no output holds real numbers");
}

TEST(Obstacle, IsWhatTheMethodItselfSays) {
  Method method = by_forward;
  method.obstacle = [](const Model&) -> std::optional<Obstacle> {
    return Obstacle{"it is a toy", "take a real one"};
  };
  EXPECT_EQ(reason(method, one_conv()), "it is a toy");
}

}  // namespace
}  // namespace pellucid

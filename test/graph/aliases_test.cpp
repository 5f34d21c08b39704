// What shares storage, what is random, and in-place operators made functional.
#include "pellucid/graph/aliases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/networks.h"

namespace pellucid {
namespace {

using ::testing::ElementsAre;

TEST(Functionalise, MakesAReluAfterAConvolutionFunctional) {
  const auto graph = functionalise(*one_conv(Form::in_place));
  EXPECT_EQ(operators(*graph), operators(*one_conv(Form::functional)));
  EXPECT_NE(graph->find("conv1"), graph->find("relu1"));
}

TEST(Functionalise, MakesResidualSumsFunctional) {
  EXPECT_EQ(operators(*functionalise(*residual_network(Form::in_place))),
            operators(*residual_network(Form::functional)));
}

TEST(Functionalise, LetsLaterReadersOfTheOldNameFollow) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4});
  const ValueId r = net.call("r", "relu_.default", {a}, {any, 4});
  net.call("s", "add_.Tensor", {a, whole(1)}, {any, 4});  // writes what r is, too
  const ValueId sum = net.call("sum", "add.Tensor", {a, r}, {any, 4});
  const auto graph = functionalise(*net.returning({sum}));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::neg.default", "aten::relu.default",
                                             "aten::add.Tensor", "aten::add.Tensor"));
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(graph->value(graph->nodes()[3].operands[static_cast<std::size_t>(i)].value()).name,
              "s");
}

TEST(Functionalise, LetsAnOutputFollow) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4});
  net.call("r", "relu_.default", {a}, {any, 4});  // the result is not used: the function returns a
  const auto graph = functionalise(*net.returning({a}));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::neg.default", "aten::relu.default"));
  EXPECT_EQ(graph->value(graph->outputs()[0].operand.value()).name, "r");
}

TEST(Functionalise, GivesAResultToACallThatHadNone) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4});
  net.builder.add_aten("r", "aten::relu_.default", {{"", {a}}}, {}, {});
  const auto graph = functionalise(*net.returning({a}));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::neg.default", "aten::relu.default"));
  EXPECT_EQ(graph->producer(graph->outputs()[0].operand.value()), 1);
}

TEST(Functionalise, LeavesAWriteThatALaterReaderSeesThroughAView) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4});
  const ValueId view = net.call("view", "view.default", {a, sizes({-1, 2})}, {any, 2});
  const ValueId r = net.call("r", "relu_.default", {a}, {any, 4});
  const ValueId twice = net.call("twice", "mul.Tensor", {view, whole(2)}, {any, 2});
  const auto graph = functionalise(*net.returning({r, twice}));
  EXPECT_THAT(operators(*graph), ::testing::Contains("aten::relu_.default"));
}

TEST(Functionalise, LeavesAWriteThroughSlices) {
  const auto graph = functionalise(*masked_network());
  const auto names = operators(*graph);
  EXPECT_EQ(std::count(names.begin(), names.end(), "aten::fill_.Scalar"), 2);
}

TEST(Functionalise, LeavesASumWhoseFunctionalTwinWouldChangeTheType) {
  Net net;
  const ValueId x = net.input("x", {any, 4}, at::kHalf);
  const ValueId wide = net.input("wide", {any, 4}, at::kFloat);
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4}, "", at::kHalf);
  const ValueId sum =
      net.call("sum", "add_.Tensor", {a, wide}, {any, 4}, "", at::kHalf);  // half stays half
  const auto graph = functionalise(*net.returning({sum}));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::neg.default", "aten::add_.Tensor"));
}

TEST(Functionalise, LeavesWholeNumbersThatALiteralWouldPromote) {
  Net net;
  const ValueId x = net.input("x", {any, 4}, at::kLong);
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4}, "", at::kLong);
  const ValueId scaled = net.call("scaled", "mul_.Tensor", {a, whole(2)}, {any, 4}, "", at::kLong);
  const auto graph = functionalise(*net.returning({scaled}));
  EXPECT_THAT(operators(*graph), ElementsAre("aten::neg.default", "aten::mul_.Tensor"));
}

TEST(Functionalise, KnowsThatDropoutMayReturnItsInput) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const ValueId a = net.call("a", "neg.default", {x}, {any, 4});
  const ValueId d = net.call("d", "dropout.default", {a, real(0.5), truth(false)}, {any, 4});
  const ValueId r = net.call("r", "relu_.default", {d}, {any, 4});
  const ValueId sum = net.call("sum", "add.Tensor", {a, r}, {any, 4});  // a was overwritten, too
  const auto graph = functionalise(*net.returning({sum}));
  EXPECT_THAT(operators(*graph), ::testing::Contains("aten::relu_.default"));
  // Nobody reads a afterwards: then the alias does not matter.
  Net alone;
  const ValueId y = alone.input("x", {any, 4});
  const ValueId b = alone.call("a", "neg.default", {y}, {any, 4});
  const ValueId e = alone.call("d", "dropout.default", {b, real(0.5), truth(false)}, {any, 4});
  const auto freed =
      functionalise(*alone.returning({alone.call("r", "relu_.default", {e}, {any, 4})}));
  EXPECT_THAT(operators(*freed), ::testing::Contains("aten::relu.default"));
}

TEST(Aliases, JoinViewsAndWritersOfOneStorage) {
  const auto graph = masked_network();
  const Aliases aliases(*graph);
  EXPECT_TRUE(aliases.share(graph->find("mask"), graph->find("corner2")));
  EXPECT_FALSE(aliases.share(graph->find("mask"), graph->find("far")));
  EXPECT_FALSE(aliases.share(graph->find("mask"), graph->find("x")));
  EXPECT_EQ(aliases.writers(graph->find("mask")).size(), 2U);
  EXPECT_FALSE(aliases.mutated(graph->find("y")));
}

TEST(Aliases, KnowRandomOperators) {
  Net net;
  const ValueId x = net.input("x", {any, 4});
  const auto graph = net.returning({net.call("r", "rand_like.default", {x}, {any, 4})});
  EXPECT_TRUE(is_random(graph->nodes()[0]));
  EXPECT_FALSE(is_random(multi_layer()->nodes()[0]));
}

TEST(Aliases, KnowThatDropoutIsRandomWhileTrainingOnly) {
  for (const auto& [p, train] : {std::pair{0.5, true}, {0.5, false}, {0.0, true}}) {
    Net net;
    const ValueId x = net.input("x", {any, 4});
    const auto graph =
        net.returning({net.call("d", "dropout.default", {x, real(p), truth(train)}, {any, 4})});
    EXPECT_EQ(is_random(graph->nodes()[0]), train && p > 0) << p << train;
  }
  for (const double p : {0.0, 0.1}) {
    Net net;
    const ValueId x = net.input("x", {any, 2, 5, 4});
    const auto graph = net.returning({net.call("a", "scaled_dot_product_attention.default",
                                               {x, x, x, none(), real(p)}, {any, 2, 5, 4})});
    EXPECT_EQ(is_random(graph->nodes()[0]), p > 0);
  }
}

}  // namespace
}  // namespace pellucid

// Rules against integrals that are known.
#include "pellucid/explain/quadrature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

double integral(const Quadrature& rule, int power) {
  double sum = 0;
  for (std::size_t i = 0; i < rule.points.size(); ++i)
    sum += rule.weights[i] * std::pow(rule.points[i], power);
  return sum;
}

TEST(Quadrature, OfGaussLegendreIsExactUpToDegreeTwoNMinusOne) {
  for (const int n : {1, 2, 3, 5, 8, 20, 50}) {
    const Quadrature rule = quadrature("gausslegendre", n);
    // ∫ xᵖ = 1 / (p + 1) on [0, 1]; sums of fifty doubles.
    for (int power = 0; power <= 2 * n - 1; ++power)
      EXPECT_NEAR(integral(rule, power), 1.0 / (power + 1), 1e-13) << n;
  }
  // One degree more is not integrated exactly: the test would see a rule that is better or worse
  // than it should be.
  EXPECT_GT(std::abs(integral(quadrature("gausslegendre", 2), 4) - 0.2), 1e-3);
}

TEST(Quadrature, HasWeightsThatSumToOneAndPointsInOrderWithinThePath) {
  for (const std::string_view name : quadrature_names()) {
    for (const int n : {2, 3, 50, 257}) {
      const Quadrature rule = quadrature(name, n);
      ASSERT_EQ(rule.points.size(), static_cast<std::size_t>(n));
      EXPECT_NEAR(integral(rule, 0), 1, 1e-12) << name;
      EXPECT_TRUE(std::is_sorted(rule.points.begin(), rule.points.end())) << name;
      EXPECT_GE(rule.points.front(), 0);
      EXPECT_LE(rule.points.back(), 1);
    }
  }
}

TEST(Quadrature, PlacesRiemannAndTrapezoidPointsAsTheirNamesSay) {
  using ::testing::ElementsAre;
  EXPECT_THAT(quadrature("riemann_left", 4).points, ElementsAre(0, 0.25, 0.5, 0.75));
  EXPECT_THAT(quadrature("riemann_right", 4).points, ElementsAre(0.25, 0.5, 0.75, 1));
  EXPECT_THAT(quadrature("riemann_middle", 2).points, ElementsAre(0.25, 0.75));
  EXPECT_THAT(quadrature("trapezoid", 3).points, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(quadrature("trapezoid", 3).weights, ElementsAre(0.25, 0.5, 0.25));
}

TEST(Quadrature, RefusesOtherNamesAndNumbersOfPoints) {
  EXPECT_EQ(error_of([] { quadrature("gausslegendre", 10001); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([] { quadrature("simpson", 3); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([] { quadrature("gausslegendre", 0); }).fault(), Fault::usage);
  EXPECT_EQ(error_of([] { quadrature("trapezoid", 1); }).fault(), Fault::usage);
}

}  // namespace
}  // namespace pellucid

// Gauss–Legendre nodes are the roots of the Legendre polynomial, by Newton's method from
// Chebyshev-like guesses (Abramowitz and Stegun 25.4.29); exact for polynomials of degree 2n − 1.
#include "pellucid/explain/quadrature.h"

#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr std::array<std::string_view, 5> names = {"gausslegendre", "trapezoid", "riemann_left",
                                                   "riemann_right", "riemann_middle"};

// Newton's method costs n² steps: a second here, and a minute at ten times as many.
constexpr int most_legendre = 10000;

Quadrature gauss_legendre(int n) {
  Quadrature rule;
  rule.points.resize(static_cast<std::size_t>(n));
  rule.weights.resize(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5));
    double slope = 0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double previous = 1, value = x;  // P0, P1
      for (int k = 2; k <= n; ++k) {
        const double next = ((2 * k - 1) * x * value - (k - 1) * previous) / k;
        previous = value;
        value = next;
      }
      slope = n == 1 ? 1 : n * (x * value - previous) / (x * x - 1);
      const double step = value / slope;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    // Ascending from 0, and half the weight since the interval is half as long as [−1, 1].
    const auto place = static_cast<std::size_t>(n - 1 - i);
    rule.points[place] = (1 + x) / 2;
    rule.weights[place] = n == 1 ? 1 : 1 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

}  // namespace

std::span<const std::string_view> quadrature_names() { return names; }

Quadrature quadrature(std::string_view name, int n) {
  if (n < 1) throw usage_error("n_steps must be at least 1");
  if (name == "gausslegendre") {
    if (n > most_legendre) {
      throw usage_error("gausslegendre takes n_steps of at most " + std::to_string(most_legendre))
          .hint("take quadrature=riemann_middle for more");
    }
    return gauss_legendre(n);
  }
  Quadrature rule;
  if (name == "trapezoid") {
    if (n < 2) throw usage_error("the trapezoid needs n_steps of at least 2");
    for (int k = 0; k < n; ++k) {
      rule.points.push_back(static_cast<double>(k) / (n - 1));
      rule.weights.push_back((k == 0 || k == n - 1 ? 0.5 : 1.0) / (n - 1));
    }
    return rule;
  }
  const double offset = name == "riemann_left"     ? 0
                        : name == "riemann_right"  ? 1
                        : name == "riemann_middle" ? 0.5
                                                   : -1;
  if (offset < 0) throw usage_error("no quadrature is called \"" + std::string(name) + "\"");
  for (int k = 0; k < n; ++k) {
    rule.points.push_back((k + offset) / n);
    rule.weights.push_back(1.0 / n);
  }
  return rule;
}

}  // namespace pellucid

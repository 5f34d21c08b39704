// Points and weights on [0, 1] for path integrals.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace pellucid {

struct Quadrature {
  std::vector<double> points, weights;  // weights sum to 1
};

// "gausslegendre", "trapezoid", "riemann_left", "riemann_right", "riemann_middle".
std::span<const std::string_view> quadrature_names();

// n ≥ 1 points (the trapezoid needs 2, Gauss–Legendre takes at most 10,000). Throws Error
// (Fault::usage) for another number or name.
Quadrature quadrature(std::string_view name, int n);

}  // namespace pellucid

// The contract of an explanation method: a descriptor and a function. One file and one test each,
// in methods/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pellucid/base/bound.h"
#include "pellucid/base/schema.h"
#include "pellucid/explain/attribution.h"
#include "pellucid/explain/probe.h"
#include "pellucid/explain/question.h"

namespace pellucid {

enum class Needs { forward, gradient, activations };
std::string_view to_string(Needs needs);

// What a method promises, as bits.
enum class Promise : unsigned {
  none = 0,
  deterministic = 1,
  completeness = 2,  // scores sum to target(input) − target(baseline)
  sensitivity = 4,
  symmetry = 8,
  implementation_invariance = 16,
};
constexpr Promise operator|(Promise a, Promise b) {
  return static_cast<Promise>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Promise set, Promise one) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) == static_cast<unsigned>(one);
}
std::vector<std::string> to_strings(Promise promises);

// What keeps a method from explaining any answer of a model, and what would help; a line each.
struct Obstacle {
  std::string reason, remedy;
};

struct Method {
  std::string_view name;      // the file's stem: symbol, CLI, Python, URL
  std::string_view title;     // "Integrated gradients"
  std::string_view summary;   // one sentence
  std::string_view citation;  // authors, year, where
  std::span<const Option> options = {};
  Needs needs = Needs::forward;
  Promise promises = Promise::none;
  Coordinates coordinates = Coordinates::input;
  bool uses_baseline = false;
  bool uses_layer = false;
  // What else it asks of a model than what it needs says; may be nullptr. See obstacle_of.
  std::optional<Obstacle> (*obstacle)(const Model& model) = nullptr;
  // `settings` holds every option's key that was given; unknown keys were refused before.
  Bound<Attribution(const Question& question, Probe& probe, const Json& settings)> explain;
  Bound<Json()> defaults;  // every option's default
};

namespace detail {

template <class Function>
struct SettingsOf;
template <class Settings>
struct SettingsOf<Attribution (*)(const Question&, Probe&, const Settings&)> {
  using type = Settings;
};

}  // namespace detail

// The two function members of a Method from `Attribution explain(const Question&, Probe&, const
// Settings&)` and the option table: .explain = run_with<explain, options>, .defaults =
// defaults_of<explain, options>.
template <auto Explain, const auto& Options>
Attribution run_with(const Question& question, Probe& probe, const Json& values) {
  typename detail::SettingsOf<decltype(Explain)>::type settings{};
  write_settings(Options, values, &settings);
  return Explain(question, probe, settings);
}

template <auto Explain, const auto& Options>
Json defaults_of() {
  const typename detail::SettingsOf<decltype(Explain)>::type settings{};
  return read_settings(Options, &settings);
}

}  // namespace pellucid

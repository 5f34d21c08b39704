// Options: one description of a setting serves a C++ struct, JSON, command-line words, help,
// completions, a server's schema and a form. Methods, metrics and operations list theirs as
// constexpr arrays:
//
//   struct Settings { bool absolute = true; };
//   constexpr Option options[] = {option<&Settings::absolute>("absolute", "Magnitude only; off
//   keeps the sign.")};
//
// The default is what a value-initialised struct holds: it is stated nowhere twice.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "pellucid/base/json.h"

namespace pellucid {

enum class OptionType { boolean, integer, real, text, list };

struct Option {
  std::string_view name;  // as in Python: lower case, underscores; the command line shows hyphens
  std::string_view help;  // one sentence, says what its values do
  OptionType type = OptionType::text;
  void (*write)(void* settings, const Json& value) = nullptr;
  Json (*read)(const void* settings) = nullptr;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> choices =
      {};                         // of a text or of each item of a list; empty: anything
  std::string_view metavar = {};  // what stands for the value in help: "SIZE"
  bool may_be_null = false;       // std::optional: null means "not given"
  bool whole_words = false;       // of a list: a comma does not split a word
  // It chooses what belongs to the process or the machine (threads, memory, how a model is read):
  // whoever runs the program sets it, a request from elsewhere can't.
  bool host_only = false;

  constexpr Option between(double low, double high) const {
    Option copy = *this;
    copy.least = low;
    copy.most = high;
    return copy;
  }
  constexpr Option one_of(std::span<const std::string_view> allowed) const {
    Option copy = *this;
    copy.choices = allowed;
    return copy;
  }
  constexpr Option shown_as(std::string_view name_of_value) const {
    Option copy = *this;
    copy.metavar = name_of_value;
    return copy;
  }
  constexpr Option for_host() const {
    Option copy = *this;
    copy.host_only = true;
    return copy;
  }
  // A list whose words may hold commas (labels): the operation splits them, the faces don't.
  constexpr Option with_commas() const {
    Option copy = *this;
    copy.whole_words = true;
    return copy;
  }
};

namespace detail {

template <class T>
struct MemberPointer;
template <class Owner, class Field>
struct MemberPointer<Field Owner::*> {
  using owner = Owner;
  using field = Field;
};

template <class Field>
constexpr OptionType option_type() {
  if constexpr (std::is_same_v<Field, bool>)
    return OptionType::boolean;
  else if constexpr (std::is_integral_v<Field>)
    return OptionType::integer;
  else if constexpr (std::is_floating_point_v<Field>)
    return OptionType::real;
  else if constexpr (std::is_same_v<Field, std::string>)
    return OptionType::text;
  else {
    static_assert(std::is_same_v<Field, std::vector<std::string>>,
                  "an option is a bool, integer, real, text or list");
    return OptionType::list;
  }
}

}  // namespace detail

// `Member` points to a field of bool, integer, double, std::string, std::vector<std::string>, or
// std::optional of one (null in JSON). `Owner` is given where the field belongs to a base class of
// the settings.
template <auto Member, class Owner = typename detail::MemberPointer<decltype(Member)>::owner>
constexpr Option option(std::string_view name, std::string_view help) {
  using Field = typename detail::MemberPointer<decltype(Member)>::field;
  constexpr bool may_be_null = requires(Field f) { f.has_value(); };
  using Plain = decltype([] {
    if constexpr (may_be_null)
      return typename Field::value_type{};
    else
      return Field{};
  }());
  return {
      .name = name,
      .help = help,
      .type = detail::option_type<Plain>(),
      .write =
          [](void* settings, const Json& value) {
            auto& field = static_cast<Owner*>(settings)->*Member;
            if constexpr (may_be_null) {
              if (value.is_null())
                field.reset();
              else
                field = value.get<Plain>();
            } else {
              field = value.get<Plain>();
            }
          },
      .read = [](const void* settings) -> Json {
        const auto& field = static_cast<const Owner*>(settings)->*Member;
        if constexpr (may_be_null)
          return field ? Json(*field) : Json(nullptr);
        else
          return Json(field);
      },
      .may_be_null = may_be_null,
  };
}

// One table out of several: an operation lists its own options and those it shares.
template <std::size_t... Sizes>
constexpr auto all_options(const std::array<Option, Sizes>&... tables) {
  std::array<Option, (Sizes + ...)> all{};
  std::size_t next = 0;
  const auto append = [&](const auto& table) {
    for (const Option& each : table) all[next++] = each;
  };
  (append(tables), ...);
  return all;
}

// The option of that name, or nullptr.
const Option* find_option(std::span<const Option> options, std::string_view name);

// A word of the command line as the option's JSON value: "off" → false, "3" → 3, "a,b" → ["a","b"].
// Throws Error (Fault::usage) with what was expected; the caller adds where.
Json parse_word(const Option& option, std::string_view word);

// Checks type, range and choices, then writes each key of `values` (a JSON object) into the struct.
// Throws Error (Fault::usage) for an unknown key (the nearest are named) or a value that does not
// fit.
void write_settings(std::span<const Option> options, const Json& values, void* settings);

// The checks of write_settings alone. `what` names the table in the message: "option", "option of
// saliency".
void check_settings(std::span<const Option> options, const Json& values,
                    std::string_view what = "option");

// "a number from 0 to 1", "one of zero, black": what a value of this option has to be.
std::string expected(const Option& option);

// Every option's present value, in the table's order.
Json read_settings(std::span<const Option> options, const void* settings);

// Name, type, help, default, range and choices of each option, for lists and schemas. `defaults` is
// the value-initialised struct as read_settings gives it.
Json describe(std::span<const Option> options, const Json& defaults);

}  // namespace pellucid

// Options as data: words and JSON are checked against the table before anything is written into a
// struct.
#include "pellucid/base/schema.h"

#include <charconv>
#include <cmath>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"

namespace pellucid {
namespace {

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean:
      return "boolean";
    case OptionType::integer:
      return "integer";
    case OptionType::real:
      return "number";
    case OptionType::text:
      return "string";
    case OptionType::list:
      return "list";
  }
  return "";
}

Error unfit(const Option& option, std::string_view value) {
  return usage_error("\"" + std::string(value) + "\" does not fit")
      .hint("expected " + expected(option));
}

template <class Number>
Number parse_number(const Option& option, std::string_view word) {
  Number value{};
  const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
    throw unfit(option, word);
  return value;
}

std::vector<std::string> split(std::string_view word) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = word.find(',');
    std::string_view part = word.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    word.remove_prefix(comma + 1);
  }
}

void check_choice(const Option& option, const std::string& value) {
  if (option.choices.empty() || std::ranges::find(option.choices, value) != option.choices.end())
    return;
  throw unfit(option, value);
}

void check_value(const Option& option, const Json& value) {
  if (value.is_null() && option.may_be_null) return;
  const auto wrong = [&] { return unfit(option, to_text(value, false)); };
  switch (option.type) {
    case OptionType::boolean:
      if (!value.is_boolean()) throw wrong();
      return;
    case OptionType::integer:
      if (!value.is_number_integer()) throw wrong();
      break;
    case OptionType::real:
      if (!value.is_number()) throw wrong();
      break;
    case OptionType::text:
      if (!value.is_string()) throw wrong();
      return check_choice(option, value.get<std::string>());
    case OptionType::list:
      if (!value.is_array()) throw wrong();
      for (const Json& item : value) {
        if (!item.is_string()) throw wrong();
        check_choice(option, item.get<std::string>());
      }
      return;
  }
  const double number = value.get<double>();
  // Beyond 2^63 a JSON integer is unsigned and would wrap when it is read as a signed one.
  const bool wraps = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
  if (!(number >= option.least && number <= option.most) || wraps) throw wrong();
}

}  // namespace

const Option* find_option(std::span<const Option> options, std::string_view name) {
  const auto found = std::ranges::find(options, name, &Option::name);
  return found == options.end() ? nullptr : &*found;
}

std::string expected(const Option& option) {
  std::string text;
  switch (option.type) {
    case OptionType::boolean:
      return "on or off";
    case OptionType::integer:
      text = "a whole number";
      break;
    case OptionType::real:
      text = "a number";
      break;
    case OptionType::text:
      text = "a word";
      break;
    case OptionType::list:
      text = "a list of words";
      break;
  }
  if (!option.choices.empty()) {
    std::vector<std::string> choices(option.choices.begin(), option.choices.end());
    text = (option.type == OptionType::list ? "some of " : "one of ") + join(choices, ", ");
  }
  const bool low = std::isfinite(option.least), high = std::isfinite(option.most);
  if (low && high)
    return text + " from " + number(option.least, 12) + " to " + number(option.most, 12);
  if (low) return text + ", at least " + number(option.least, 12);
  if (high) return text + ", at most " + number(option.most, 12);
  return text;
}

Json parse_word(const Option& option, std::string_view word) {
  Json value;
  switch (option.type) {
    case OptionType::boolean: {
      const std::string lower = lower_case(word);
      const bool on = lower == "on" || lower == "true" || lower == "yes" || lower == "1";
      const bool off = lower == "off" || lower == "false" || lower == "no" || lower == "0";
      if (!on && !off) throw unfit(option, word);
      value = on;
      break;
    }
    case OptionType::integer:
      value = parse_number<std::int64_t>(option, word);
      break;
    case OptionType::real:
      value = parse_number<double>(option, word);
      break;
    case OptionType::text:
      value = std::string(word);
      break;
    case OptionType::list:
      value = option.whole_words ? std::vector<std::string>{std::string(word)} : split(word);
      if (value.empty() || value == Json::array({""})) throw unfit(option, word);
      break;
  }
  check_value(option, value);
  return value;
}

void check_settings(std::span<const Option> options, const Json& values, std::string_view what) {
  if (!values.is_object()) throw usage_error("expected an object of options by name");
  for (const auto& [key, value] : values.items()) {
    const Option* option = find_option(options, key);
    if (option == nullptr) {
      std::vector<std::string> names;
      for (const Option& each : options) names.emplace_back(each.name);
      const std::string like = nearest(key, names);
      Error error = usage_error("unknown " + std::string(what) + " \"" + key + "\"");
      if (!like.empty()) throw error.hint("did you mean " + like + "?");
      if (names.empty()) throw error.hint("it takes none");
      throw error.hint("there are " + join(names, ", "));
    }
    try {
      check_value(*option, value);
    } catch (Error& error) {
      throw error.at(std::string(what) + " \"" + key + "\"");
    }
  }
}

void write_settings(std::span<const Option> options, const Json& values, void* settings) {
  check_settings(options, values);
  for (const auto& [key, value] : values.items()) find_option(options, key)->write(settings, value);
}

Json read_settings(std::span<const Option> options, const void* settings) {
  Json values = Json::object();
  for (const Option& option : options) values[std::string(option.name)] = option.read(settings);
  return values;
}

Json describe(std::span<const Option> options, const Json& defaults) {
  Json list = Json::array();
  for (const Option& option : options) {
    const std::string name(option.name);
    Json entry = {{"name", name}, {"type", type_name(option.type)}, {"help", option.help}};
    // What stands for a value in help; one that names FILE may be a file's name.
    if (!option.metavar.empty()) entry["value_name"] = option.metavar;
    entry["default"] = defaults.contains(name) ? defaults[name] : Json(nullptr);
    if (std::isfinite(option.least)) entry["least"] = option.least;
    if (std::isfinite(option.most)) entry["most"] = option.most;
    if (!option.choices.empty()) entry["choices"] = option.choices;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace pellucid

// Lists as people read them on a terminal, and as documents.
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

std::vector<std::string> option_row(const Json& option, Language language) {
  std::string name = option["name"].get<std::string>();
  std::string range;
  if (option.contains("choices"))
    range = join(option["choices"].get<std::vector<std::string>>(), ", ");
  if (option.contains("least")) range.append("≥ ").append(number(option["least"].get<double>(), 6));
  if (option.contains("most"))
    range += (range.empty() ? "≤ " : ", ≤ ") + number(option["most"].get<double>(), 6);
  const std::string help(translated(language, option["help"].get<std::string>()));
  return {name, value_text(option["default"]), help + (range.empty() ? "" : " (" + range + ")")};
}

}  // namespace

std::string value_text(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_array()) return join(value.get<std::vector<std::string>>(), ",");
  if (value.is_string()) return value.get<std::string>();
  return to_text(value, false);
}

std::string table_text(const Table& table) {
  std::vector<int> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const auto& row : table) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size())
        line += std::string(static_cast<std::size_t>(widths[i] - display_width(row[i]) + 2), ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

Json method_document(const Method& method) {
  return {
      {"name", method.name},
      {"title", method.title},
      {"summary", method.summary},
      {"citation", method.citation},
      {"needs", to_string(method.needs)},
      {"promises", to_strings(method.promises)},
      {"coordinates", method.coordinates == Coordinates::input ? "input" : "layer"},
      {"uses_baseline", method.uses_baseline},
      {"uses_layer", method.uses_layer},
      {"options", describe(method.options, method.defaults ? method.defaults() : Json::object())}};
}

std::string method_text(const Method& method, Language language) {
  const std::vector<std::string> promises = to_strings(method.promises);
  std::string text = std::string(method.title) + " (" + std::string(method.name) + ")\n" +
                     std::string(translated(language, method.summary)) + "\n\n";
  Table facts = {
      {say(language, "needs"), std::string(to_string(method.needs))},
      {say(language, "promises"),
       promises.empty() ? say(language, "nothing") : join(promises, ", ")},
      {say(language, "scores"), method.coordinates == Coordinates::input
                                    ? say(language, "one for each value of the input")
                                    : say(language, "one for each place of a layer")},
      {say(language, "baseline"), method.uses_baseline ? "--baseline" : say(language, "none")},
      {say(language, "layer"), method.uses_layer ? "--layer" : say(language, "none")},
      {say(language, "citation"), std::string(method.citation)},
  };
  text += table_text(facts);
  if (method.options.empty()) return text;
  Table rows;
  for (const Json& option :
       describe(method.options, method.defaults ? method.defaults() : Json::object())) {
    rows.push_back(option_row(option, language));
  }
  return text + "\n" + say(language, "Options, set with --set KEY=VALUE") + "\n" + table_text(rows);
}

std::string methods_table(std::span<const Method* const> methods, Language language) {
  Table rows;
  for (const Method* method : methods) {
    std::vector<std::string> options;
    for (const Option& option : method->options) options.emplace_back(option.name);
    rows.push_back({std::string(method->name), std::string(to_string(method->needs)),
                    std::string(translated(language, method->summary))});
    if (!options.empty())
      rows.push_back({"", "", say(language, "options: {0}", {join(options, ", ")})});
  }
  return table_text(rows) + "\n" +
         say(language,
             "pellucid methods NAME tells what a method promises, cites and lets be set.") +
         "\n";
}

}  // namespace pellucid

// Help as text: everything in it comes from the tables, so that a new operation or option needs no
// line here.
#include "help.h"

#include "pellucid/report/tables.h"
#include "words.h"

namespace pellucid {
namespace {

constexpr int columns = 96;
constexpr int help_column = 28;

struct Letter {
  std::size_t bytes;
  int width;
};

Letter letter_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  bytes = std::min(bytes, text.size() - at);
  // E2 and below: Latin, Greek, punctuation, bars. E3 and above: CJK, which terminals draw two
  // columns wide.
  return {bytes, first >= 0xe3 ? 2 : 1};
}

std::string row(const std::string& left, std::string_view right) {
  std::string line = "  " + left;
  const int used = display_width(line);
  if (used + 2 > help_column) {
    line += "\n" + std::string(help_column, ' ');
  } else {
    line += std::string(static_cast<std::size_t>(help_column - used), ' ');
  }
  return line + wrap(right, columns - help_column, help_column) + "\n";
}

std::string option_row(const Option& option, const Json& initial, Language language) {
  const bool on = initial.is_boolean() && initial.get<bool>();
  std::string left = on ? "--no-" + flag(option.name).substr(2) : flag(option.name);
  const std::string value = value_name(option);
  if (!value.empty()) left += " " + value;
  std::string right(translated(language, option.help));
  const std::string usual = initial == Json(false) ? "" : value_text(initial);
  if (!usual.empty()) right += " " + say(language, "(default {0})", {usual});
  return row(left, right);
}

}  // namespace

std::string wrap(std::string_view text, int width, int indent) {
  std::string result, word;
  int used = 0;
  const auto flush = [&] {
    const int size = display_width(word);
    if (used > 0 && used + size > width) {
      while (result.ends_with(' ')) result.pop_back();
      result += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
      used = 0;
    }
    result += word;
    used += size;
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    if (text[at] == '\n') {
      flush();
      result += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
      used = 0;
    } else if (text[at] == ' ') {
      flush();
      if (used < width) result += ' ';
      ++used;
    } else {
      if (letter.width == 2) flush();
      word += text.substr(at, letter.bytes);
    }
    at += letter.bytes;
  }
  flush();
  while (result.ends_with(' ')) result.pop_back();
  return result;
}

std::vector<std::pair<std::string_view, std::vector<const Operation*>>> verb_groups(
    const Catalogue& catalogue) {
  static constexpr std::string_view order[] = {"Look", "Trust", "Model", "Lists", "Else"};
  // The order of a first session within a group; what a table adds later follows by name.
  static constexpr std::string_view verbs[] = {
      "predict",   "explain",    "trace",   "features",  "compare",  "intervene",
      "visualize", "project",    "score",   "recommend", "diagnose", "replay",
      "inspect",   "check",      "convert", "reference", "methods",  "metrics",
      "formats",   "segmenters", "serve",   "doctor"};
  std::vector<std::pair<std::string_view, std::vector<const Operation*>>> groups;
  for (const std::string_view group : order) groups.push_back({group, {}});
  for (const Operation* operation : catalogue.operations) {
    if (!serves(operation->faces, Faces::command_line)) continue;
    auto found =
        std::ranges::find(groups, operation->group, [](const auto& group) { return group.first; });
    if (found == groups.end()) found = groups.insert(groups.end(), {operation->group, {}});
    found->second.push_back(operation);
  }
  for (auto& [name, operations] : groups) {
    std::ranges::stable_sort(operations, {}, [](const Operation* operation) {
      return std::pair(std::ranges::find(verbs, operation->name) - std::begin(verbs),
                       operation->name);
    });
  }
  std::erase_if(groups, [](const auto& group) { return group.second.empty(); });
  return groups;
}

std::string usage_line(const Operation& operation) {
  std::string line = "pellucid " + std::string(operation.name);
  if (operation.subject == Subject::model) line += " MODEL";
  if (operation.subject == Subject::models) line += " [NAME=]MODEL...";
  if (!operation.writes.empty()) line += " OUT" + std::string(operation.writes);
  if (!operation.bare_word.empty()) {
    line += " [" + value_name(*find_option(operation.options, operation.bare_word)) + "]";
  }
  if (operation.inputs == Inputs::required) line += " INPUT|DIR...";
  if (operation.inputs == Inputs::optional) line += " [INPUT|DIR]...";
  return line + " [options]";
}

std::string general_help(const Catalogue& catalogue, Language language) {
  const auto tell = [&](std::string_view text) { return say(language, text); };
  std::string text =
      "Pellucid " PELLUCID_VERSION ": " +
      tell("what a neural network saw, where, and how far that answer can be trusted.") + "\n\n";
  text += "  pellucid VERB MODEL [INPUT|DIR]... [options]\n";
  for (const auto& [group, operations] : verb_groups(catalogue)) {
    text += "\n" + std::string(translated(language, group)) + "\n";
    for (const Operation* operation : operations) {
      text += row(std::string(operation->name), translated(language, operation->summary));
    }
  }
  text += "\n" + tell("Options without a verb") + "\n";
  text += row("--help", tell("This page; behind a verb, the verb's own."));
  text += row("--version", tell("The program's version and LibTorch's."));
  text += row("--completions SHELL", tell("A completion script for bash, zsh or fish."));
  text += row("--man", tell("The manual page; read it with `pellucid --man | man -l -`."));
  text += "\n" +
          tell(
              "Exit codes: 0 done, 1 nothing could be done, 2 wrong usage, 3 some inputs failed, "
              "130 interrupted.") +
          "\n";
  return text;
}

std::string verb_help(const Operation& operation, Language language) {
  const auto tell = [&](std::string_view words) { return say(language, words); };
  std::string text = usage_line(operation) + "\n\n";
  text += wrap(translated(language, operation.summary), columns, 0) + "\n";
  if (!operation.details.empty()) {
    text += "\n" + wrap(translated(language, operation.details), columns, 0) + "\n";
  }
  const Json defaults = operation.defaults ? operation.defaults() : Json::object();
  std::string own;
  for (const Option& option : operation.options) {
    if (option.name == operation.bare_word) continue;
    own += option_row(option, defaults.value(std::string(option.name), Json(nullptr)), language);
  }
  if (operation.takes_settings) {
    own += row("--set [METHOD.]KEY=VALUE",
               tell("An option of the method, as `pellucid methods METHOD` lists them; "
                    "may be repeated."));
  }
  if (!own.empty()) text += "\n" + tell("Options") + "\n" + own;
  text += "\n" + tell("Output") + "\n";
  const FaceSettings initial;
  for (const Option& option : face_options(&operation))
    text += option_row(option, option.read(&initial), language);
  return text;
}

}  // namespace pellucid

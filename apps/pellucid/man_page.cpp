// The manual page in troff, from the tables.
#include "help.h"
#include "pellucid/report/tables.h"
#include "words.h"

namespace pellucid {
namespace {

// A line of troff must not begin with a dot or a quote, and hyphens of options are meant as they
// stand.
std::string roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else
      safe += c;
  }
  if (safe.starts_with('.') || safe.starts_with('\'')) safe.insert(0, "\\&");
  return safe;
}

std::string entry(const std::string& term, std::string_view value, std::string_view text) {
  std::string head = "\\fB" + roff(term) + "\\fR";
  if (!value.empty()) head += " \\fI" + roff(value) + "\\fR";
  return ".TP\n" + head + "\n" + roff(text) + "\n";
}

std::string option_entry(const Option& option, const Json& initial) {
  std::string help(option.help);
  const std::string usual = initial == Json(false) ? "" : value_text(initial);
  if (!usual.empty()) help += " Default: " + usual + ".";
  return entry(flag(option.name), value_name(option), help);
}

}  // namespace

std::string man_page(const Catalogue& catalogue) {
  std::string page = ".TH PELLUCID 1 \"\" \"Pellucid " PELLUCID_VERSION
                     "\" \"User Commands\"\n"
                     ".SH NAME\npellucid \\- what a neural network saw, where, and how far that "
                     "answer can be trusted\n"
                     ".SH SYNOPSIS\n.B pellucid\n\\fIVERB MODEL\\fR [\\fIINPUT\\fR|\\fIDIR\\fR]... "
                     "[\\fIoptions\\fR]\n";
  const FaceSettings initial;
  for (const auto& [group, operations] : verb_groups(catalogue)) {
    for (const Operation* operation : operations) {
      page += ".SH \"" + roff(operation->name) + "\"\n.B " + roff(usage_line(*operation)) +
              "\n.PP\n" + roff(operation->summary) + "\n";
      if (!operation->details.empty()) page += ".PP\n" + roff(operation->details) + "\n";
      const Json defaults = operation->defaults ? operation->defaults() : Json::object();
      for (const Option& option : operation->options) {
        if (option.name == operation->bare_word) continue;
        page += option_entry(option, defaults.value(std::string(option.name), Json(nullptr)));
      }
      if (operation->takes_settings) {
        page += entry("--set", "[METHOD.]KEY=VALUE", "An option of the method; may be repeated.");
      }
      for (const Option& option : face_options(operation))
        page += option_entry(option, option.read(&initial));
    }
  }
  page += ".SH METHODS\n";
  for (const Method* method : catalogue.methods) {
    page += entry(std::string(method->name), "",
                  std::string(method->summary) + " " + std::string(method->citation));
    const Json defaults = method->defaults ? method->defaults() : Json::object();
    for (const Option& option : method->options) {
      page += ".RS\n" +
              entry("--set " + std::string(method->name) + "." + std::string(option.name), "",
                    std::string(option.help) + " Default: " +
                        value_text(defaults.value(std::string(option.name), Json(nullptr))) + ".") +
              ".RE\n";
    }
  }
  page += ".SH \"EXIT STATUS\"\n" + entry("0", "", "Done.") +
          entry("1", "", "Nothing could be done.") + entry("2", "", "Wrong usage.") +
          entry("3", "", "Some inputs failed; the others are there.") +
          entry("130", "", "Interrupted.");
  page +=
      ".SH FILES\n" + entry("DIR/run.json", "",
                            "Every input, file, warning and failure of a run, with its settings.");
  return page;
}

}  // namespace pellucid

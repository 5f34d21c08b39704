// Completion scripts: verbs, each verb's options, the words an option may have; files everywhere
// else.
#include "help.h"
#include "words.h"

namespace pellucid {
namespace {

struct Flag {
  std::string name;  // "--n-steps"
  std::string_view help;
  std::string value;                 // what its value is called; empty: a switch
  std::vector<std::string> choices;  // of the value
};

std::vector<std::string> choices_of(const Option& option, const Catalogue& catalogue) {
  if (option.metavar == "METHOD") {
    std::vector<std::string> names;
    for (const Method* method : catalogue.methods) names.emplace_back(method->name);
    return names;
  }
  return {option.choices.begin(), option.choices.end()};
}

Flag flag_of(const Option& option, const Catalogue& catalogue) {
  return {flag(option.name), option.help, value_name(option), choices_of(option, catalogue)};
}

std::vector<Flag> flags(const Operation& operation, const Catalogue& catalogue) {
  std::vector<Flag> all;
  for (const Option& option : operation.options) {
    if (option.name != operation.bare_word) all.push_back(flag_of(option, catalogue));
  }
  if (operation.takes_settings) {
    Flag set = {"--set", "An option of the method.", "KEY=VALUE", {}};
    for (const Method* method : catalogue.methods) {
      for (const Option& option : method->options) {
        set.choices.push_back(std::string(method->name) + "." + std::string(option.name) + "=");
      }
    }
    all.push_back(std::move(set));
  }
  for (const Option& option : face_options(&operation)) all.push_back(flag_of(option, catalogue));
  all.push_back({"--help", "Options of this verb.", "", {}});
  return all;
}

std::vector<std::string> bare_choices(const Operation& operation, const Catalogue& catalogue) {
  if (operation.bare_word.empty()) return {};
  return choices_of(*find_option(operation.options, operation.bare_word), catalogue);
}

std::vector<const Operation*> verbs(const Catalogue& catalogue) {
  std::vector<const Operation*> all;
  for (const auto& [group, operations] : verb_groups(catalogue)) {
    all.insert(all.end(), operations.begin(), operations.end());
  }
  return all;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string shell_quoted(std::string_view text) {
  return "'" + replaced(std::string(text), "'", "'\\''") + "'";
}

std::string bash_script(const Catalogue& catalogue) {
  std::string names, cases;
  for (const Operation* operation : verbs(catalogue)) {
    names += (names.empty() ? "" : " ") + std::string(operation->name);
    std::string words, values;
    for (const Flag& each : flags(*operation, catalogue)) {
      words += (words.empty() ? "" : " ") + each.name;
      if (!each.choices.empty())
        values +=
            "        " + each.name + ") words=" + shell_quoted(join(each.choices, " ")) + " ;;\n";
      else if (!each.value.empty())
        values += "        " + each.name + ") words= ;;\n";
    }
    cases += "    " + std::string(operation->name) + ")\n      options=" + shell_quoted(words) +
             "\n      bare=" + shell_quoted(join(bare_choices(*operation, catalogue), " ")) +
             "\n      case $previous in\n" + values +
             "        *) if [[ $current == -* ]]; then words=$options; else words=$bare; fi ;;\n   "
             "   esac ;;\n";
  }
  return "# bash completion for pellucid: source <(pellucid --completions bash)\n"
         "_pellucid() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words= "
         "options= bare=\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W '" +
         names +
         " --help --version --man --completions' -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases +
         "    --completions) words='bash zsh fish' ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  if [[ ${COMPREPLY-} == *= ]]; then compopt -o nospace; fi\n"
         "}\n"
         "complete -o default -o bashdefault -F _pellucid pellucid\n";
}

// Within _arguments a colon, a bracket and a backslash have a meaning.
std::string zsh_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string zsh_script(const Catalogue& catalogue) {
  std::string names, cases;
  for (const Operation* operation : verbs(catalogue)) {
    names += "    " +
             shell_quoted(zsh_text(operation->name) + ":" + std::string(operation->summary)) + "\n";
    cases += "    " + std::string(operation->name) + ")\n      _arguments \\\n";
    for (const Flag& each : flags(*operation, catalogue)) {
      std::string line =
          "*" + each.name + (each.value.empty() ? "" : "=") + "[" + zsh_text(each.help) + "]";
      if (!each.value.empty()) {
        line += ":" + zsh_text(each.value) + ":";
        line += each.choices.empty() ? "_files" : "(" + join(each.choices, " ") + ")";
      }
      cases += "        " + shell_quoted(line) + " \\\n";
    }
    const auto bare = bare_choices(*operation, catalogue);
    const std::string rest = bare.empty() ? "*:file:_files" : "1:name:(" + join(bare, " ") + ")";
    cases += "        " + shell_quoted(rest) + " ;;\n";
  }
  return "#compdef pellucid\n"
         "# zsh completion: pellucid --completions zsh > a folder of $fpath, as _pellucid\n"
         "_pellucid() {\n"
         "  local -a verbs\n  verbs=(\n" +
         names +
         "  )\n"
         "  if ((CURRENT == 2)); then\n    _describe 'verb' verbs\n    return\n  fi\n"
         "  local verb=$words[2]\n  shift words\n  ((CURRENT--))\n"
         "  case $verb in\n" +
         cases +
         "  esac\n}\n"
         "if [[ $funcstack[1] == _pellucid ]]; then _pellucid \"$@\"; else compdef _pellucid "
         "pellucid; fi\n";
}

std::string fish_quoted(std::string_view text) {
  return "'" + replaced(replaced(std::string(text), "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_script(const Catalogue& catalogue) {
  std::string script = "# fish completion for pellucid: pellucid --completions fish | source\n";
  for (const Operation* operation : verbs(catalogue)) {
    const std::string verb(operation->name);
    script += "complete -c pellucid -f -n __fish_use_subcommand -a " + verb + " -d " +
              fish_quoted(operation->summary) + "\n";
    const std::string within =
        "complete -c pellucid -n '__fish_seen_subcommand_from " + verb + "' ";
    for (const Flag& each : flags(*operation, catalogue)) {
      script += within + "-l " + each.name.substr(2) + " -d " + fish_quoted(each.help);
      if (!each.choices.empty())
        script += " -x -a " + fish_quoted(join(each.choices, " "));
      else if (!each.value.empty())
        script += " -r";
      script += "\n";
    }
    const auto bare = bare_choices(*operation, catalogue);
    if (!bare.empty()) script += within + "-f -a " + fish_quoted(join(bare, " ")) + "\n";
  }
  return script;
}

}  // namespace

std::string completions(std::string_view shell, const Catalogue& catalogue) {
  if (shell == "bash") return bash_script(catalogue);
  return shell == "zsh" ? zsh_script(catalogue) : fish_script(catalogue);
}

}  // namespace pellucid

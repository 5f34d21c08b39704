// The grammar: VERB MODEL [INPUT|DIR]... [options], options anywhere after the verb, `--` ends
// them.
#include "words.h"

#include "help.h"

namespace pellucid {
namespace {

class Reader {
 public:
  Reader(std::span<const std::string_view> words, const Catalogue& catalogue)
      : words_(words), catalogue_(catalogue) {}

  Command read() {
    // Help is given even when the words before or behind it are wrong.
    for (const std::string_view word : words_) {
      if (word == "--") break;
      if (word == "--help" || word == "-h") command_.help = true;
    }
    try {
      read_all();
    } catch (const Error&) {
      if (!command_.help) throw;
    }
    return std::move(command_);
  }

 private:
  void read_all() {
    bool options_end = false;
    while (next_ < words_.size()) {
      const std::string_view word = words_[next_++];
      if (!options_end && word == "--") {
        options_end = true;
      } else if (!options_end && word.size() > 1 && word.starts_with('-')) {
        read_option(word);
      } else if (command_.operation == nullptr) {
        read_verb(word);
      } else {
        bare_.emplace_back(word);
      }
    }
    if (command_.operation != nullptr && !command_.help) place_bare_words();
  }

  void read_verb(std::string_view word) {
    if (word == "help") {
      command_.help = true;
      return;
    }
    command_.operation = catalogue_.find_operation(word);
    if (command_.operation != nullptr && serves(command_.operation->faces, Faces::command_line))
      return;
    command_.operation = nullptr;
    std::vector<std::string> verbs;
    for (const Operation* each : catalogue_.operations) {
      if (serves(each->faces, Faces::command_line)) verbs.emplace_back(each->name);
    }
    const std::string like = nearest(word, verbs);
    throw usage_error("there is no verb \"" + std::string(word) + "\"")
        .hint(like.empty() ? "the verb comes first: " + join(verbs, ", ")
                           : "did you mean " + like + "?");
  }

  std::string_view value_of(std::string_view name, std::optional<std::string_view> attached) {
    if (attached) return *attached;
    if (next_ == words_.size() || words_[next_] == "--" || words_[next_].starts_with("--")) {
      throw usage_error(std::string(name) + " needs a value");
    }
    return words_[next_++];
  }

  void read_option(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    std::optional<std::string_view> attached;
    if (equals != std::string_view::npos) attached = word.substr(equals + 1);
    if (name == "--help" || name == "-h") return;
    if (command_.operation == nullptr) {
      if (name == "--version") return void(command_.version = true);
      if (name == "--man") return void(command_.man = true);
      if (name == "--completions") return read_shell(value_of(name, attached));
    }
    if (name == "--set" && command_.operation != nullptr && command_.operation->takes_settings) {
      return read_setting(value_of(name, attached));
    }
    std::string key(name.substr(name.starts_with("--") ? 2 : 1));
    std::ranges::replace(key, '-', '_');
    const bool negated = key.starts_with("no_") && !attached;
    if (command_.operation != nullptr && name.starts_with("--")) {
      const auto own = command_.operation->options;
      if (const Option* option = find_option(own, key))
        return take(*option, name, attached, command_.options);
      const Option* positive =
          negated ? find_option(own, std::string_view(key).substr(3)) : nullptr;
      if (positive != nullptr && positive->type == OptionType::boolean) {
        command_.options[std::string(positive->name)] = false;
        return;
      }
    }
    const std::vector<Option> face = face_options(command_.operation);
    if (const Option* option = name.starts_with("--") ? find_option(face, key) : nullptr) {
      Json value = Json::object();
      take(*option, name, attached, value);
      option->write(&command_.face, value.begin().value());
      return;
    }
    throw unknown(name, face);
  }

  void take(const Option& option, std::string_view name, std::optional<std::string_view> attached,
            Json& values) {
    const std::string key(option.name);
    if (option.type == OptionType::boolean && !attached) {
      values[key] = true;
      return;
    }
    try {
      const Json value = parse_word(option, value_of(name, attached));
      if (option.type == OptionType::list && values.contains(key)) {
        for (const Json& item : value) values[key].push_back(item);
      } else {
        values[key] = value;
      }
    } catch (Error& error) {
      throw error.at(name);
    }
  }

  void read_setting(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (equals == std::string_view::npos || name.empty() || name.ends_with('.')) {
      throw usage_error("\"" + std::string(word) + "\" is not a setting")
          .at("--set")
          .hint("write KEY=VALUE or METHOD.KEY=VALUE");
    }
    const std::string value(word.substr(equals + 1));
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
      command_.settings[underscored(name)] = value;
    } else {
      command_.settings[underscored(name.substr(0, dot))][underscored(name.substr(dot + 1))] =
          value;
    }
  }

  static std::string underscored(std::string_view name) {
    std::string key(name);
    std::ranges::replace(key, '-', '_');
    return key;
  }

  void read_shell(std::string_view shell) {
    if (std::ranges::find(shells, shell) == std::end(shells)) {
      throw usage_error("no completions for \"" + std::string(shell) + "\"")
          .hint("there are bash, zsh and fish");
    }
    command_.completions = shell;
  }

  Error unknown(std::string_view word, std::span<const Option> face) const {
    std::vector<std::string> names = {"help"};
    if (command_.operation == nullptr) {
      names.insert(names.end(), {"version", "man", "completions"});
    } else {
      for (const Option& each : command_.operation->options) names.emplace_back(each.name);
      if (command_.operation->takes_settings) names.emplace_back("set");
    }
    for (const Option& each : face) names.emplace_back(each.name);
    const std::string verb =
        command_.operation == nullptr ? "" : " " + std::string(command_.operation->name);
    const std::string_view bare = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    const std::string like = nearest(underscored(bare), names, 1);
    return usage_error("pellucid" + verb + " has no option " + std::string(word))
        .hint(like.empty() ? "see pellucid" + verb + " --help"
                           : "did you mean " + flag(like) + "?");
  }

  void place_bare_words() {
    const Operation& operation = *command_.operation;
    const std::string verb(operation.name);
    std::size_t first = 0;
    if (operation.subject == Subject::model) {
      if (bare_.empty()) {
        throw usage_error(verb + " needs a model")
            .hint("pellucid " + verb + " MODEL.pt2; see --help");
      }
      command_.model = bare_[first++];
    }
    if (operation.subject == Subject::models) {
      if (bare_.empty()) {
        throw usage_error(verb + " needs a model")
            .hint("pellucid " + verb + " MODEL.pt2 or NAME=MODEL.pt2, one or more; see --help");
      }
      command_.models = std::move(bare_);
      return;
    }
    if (!operation.writes.empty()) {
      if (first == bare_.size()) {
        throw usage_error(verb + " needs a name for the file that it makes")
            .hint(usage_line(operation));
      }
      command_.file = bare_[first++];
    }
    if (!operation.bare_word.empty() && first < bare_.size()) {
      const Option* option = find_option(operation.options, operation.bare_word);
      command_.options[std::string(operation.bare_word)] = parse_word(*option, bare_[first++]);
    }
    if (operation.inputs == Inputs::none && first < bare_.size()) {
      throw usage_error("\"" + bare_[first] + "\" is one word too many")
          .hint("see pellucid " + verb + " --help");
    }
    if (operation.inputs == Inputs::required && first == bare_.size()) {
      throw usage_error(verb + " needs an input")
          .hint("give a picture, an .npy file or a folder of them behind the model");
    }
    command_.inputs.assign(bare_.begin() + static_cast<std::ptrdiff_t>(first), bare_.end());
  }

  std::span<const std::string_view> words_;
  const Catalogue& catalogue_;
  std::size_t next_ = 0;
  std::vector<std::string> bare_;
  Command command_;
};

}  // namespace

std::vector<Option> face_options(const Operation* operation) {
  std::vector<Option> options;
  if (operation != nullptr && !operation->formats.empty()) options.push_back(out_option);
  if (operation != nullptr && operation->subject == Subject::model) {
    options.push_back(metadata_option);
    options.push_back(labels_option);
  }
  if (operation != nullptr) {
    options.push_back(json_option);
    options.push_back(quiet_option);
  }
  options.push_back(lang_option);
  return options;
}

Command read_words(std::span<const std::string_view> words, const Catalogue& catalogue) {
  return Reader(words, catalogue).read();
}

std::string flag(std::string_view name) {
  std::string text = "--" + std::string(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string value_name(const Option& option) {
  if (option.type == OptionType::boolean) return "";
  if (!option.metavar.empty()) return std::string(option.metavar);
  if (!option.choices.empty()) {
    return join(std::vector<std::string>(option.choices.begin(), option.choices.end()),
                option.type == OptionType::list ? "," : "|");
  }
  switch (option.type) {
    case OptionType::integer:
      return "N";
    case OptionType::real:
      return "X";
    case OptionType::list:
      return "LIST";
    default:
      return "WORD";
  }
}

}  // namespace pellucid

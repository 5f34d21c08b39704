#include "pellucid/operation/reproduction.h"

#include "pellucid/operation/loaded_model.h"

namespace pellucid {
namespace {

// A word as a shell takes it.
std::string shell_word(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos)
    return std::string(word);
  std::string text = "'";
  for (const char letter : word) {
    if (letter == '\'')
      text += R"('\'')";
    else
      text += letter;
  }
  return text + "'";
}

// Python's spelling of a JSON value; texts of both are written alike.
std::string python_of(const Json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (!value.is_structured()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text;
  for (const auto& [key, each] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += python_of(key) + ": ";
    text += python_of(each);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

// An option's value: a list of one is written as that one.
std::string python_argument(const Json& value) {
  const bool alone = value.is_array() && value.size() == 1 && value[0].is_string() &&
                     value[0].get_ref<const std::string&>().find(',') == std::string::npos;
  return python_of(alone ? value[0] : value);
}

std::string word_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// --name VALUE; a list as one word where no item holds a comma.
std::string words_of(const Option& option, const Json& value) {
  std::string name = " --" + std::string(option.name);
  std::ranges::replace(name, '_', '-');
  if (value.is_boolean()) return value.get<bool>() ? name : name + "=off";
  if (!value.is_array()) return name + " " + shell_word(word_of(value));
  const bool repeated = option.whole_words || std::ranges::any_of(value, [](const Json& item) {
                          return item.get_ref<const std::string&>().find(',') != std::string::npos;
                        });
  std::string words, joined;
  for (const Json& item : value) {
    if (repeated) words += name + " " + shell_word(item.get_ref<const std::string&>());
    joined += (joined.empty() ? "" : ",") + item.get<std::string>();
  }
  return repeated ? words : name + " " + shell_word(joined);
}

// {"KEY": value} and {"METHOD": {"KEY": value}} as pairs of METHOD.KEY and value.
std::vector<std::pair<std::string, Json>> flat(const Json& settings) {
  std::vector<std::pair<std::string, Json>> pairs;
  for (const auto& [key, value] : settings.items()) {
    if (!value.is_object()) {
      pairs.emplace_back(key, value);
      continue;
    }
    for (const auto& [inner, own] : value.items()) pairs.emplace_back(key + "." + inner, own);
  }
  return pairs;
}

// Of a model of one input its name says nothing.
bool one_input(std::span<const RequestInput> inputs) {
  return std::ranges::all_of(
      inputs, [&](const RequestInput& input) { return input.of == inputs.front().of; });
}

// The inputs as a Python value: one, a list, or a dict of the model's input names.
std::string python_inputs(std::span<const RequestInput> inputs) {
  if (inputs.size() == 1) return python_of(inputs.front().name);
  Json list = Json::array(), named = Json::object();
  for (const RequestInput& input : inputs) {
    list.push_back(input.name);
    named[input.of].push_back(input.name);
  }
  return python_of(one_input(inputs) ? list : named);
}

}  // namespace

Json reproduction(const Operation& operation, const Request& request,
                  const Surroundings& surroundings) {
  std::string command = "pellucid " + std::string(operation.name), python, call;
  const auto argument = [&](const std::string& text) { call += (call.empty() ? "" : ", ") + text; };
  if (operation.subject == Subject::model) {
    const std::string& model = surroundings.model->name();
    command += " " + shell_word(model);
    python = "model = pellucid.load(" + python_of(model) + ")\nmodel.";
  } else {
    python = "pellucid.";
  }
  if (!operation.writes.empty()) {
    const std::string file = "OUT" + std::string(operation.writes);
    command += " " + file;
    argument(python_of(file));
  }
  const bool plain = one_input(request.inputs);
  for (const RequestInput& input : request.inputs)
    command += " " + shell_word(plain ? input.name : input.of + "=" + input.name);
  if (!request.inputs.empty()) argument(python_inputs(request.inputs));
  const Json defaults = operation.defaults ? operation.defaults() : Json::object();
  for (const Option& option : operation.options) {
    const std::string name(option.name);
    const auto given = request.options.find(name);
    if (given == request.options.end() || defaults.value(name, Json()) == *given) continue;
    command += option.name == operation.bare_word ? " " + shell_word(word_of(*given))
                                                  : words_of(option, *given);
    argument(name + "=" + python_argument(*given));
  }
  for (const auto& [key, value] : flat(request.settings)) {
    command += " --set " + shell_word(key + "=" + word_of(value));
  }
  if (!request.settings.empty()) argument("settings=" + python_of(request.settings));
  python = "import pellucid\n\n" + python + std::string(operation.name) + "(" + call + ")";
  // The command writes the files; in Python they are in the answer.
  const Json formats = request.options.value("format", defaults.value("format", Json::array()));
  if (formats.is_array() && !formats.empty()) python += ".save()";
  return {{"command", command}, {"python", python}};
}

}  // namespace pellucid

// Invariant: no option is known here by its name alone; a table's flag says what belongs to the
// host.
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

constexpr std::string_view settings_key = "settings";

}  // namespace

std::vector<Option> open_options(const Operation& operation) {
  std::vector<Option> options;
  for (const Option& option : operation.options) {
    if (!option.host_only) options.push_back(option);
  }
  return options;
}

void read_parameters(const Operation& operation, const Json& parameters, Request& request) {
  if (!parameters.is_object()) throw usage_error("expected an object").at("parameters");
  const std::vector<Option> options = open_options(operation);
  for (const auto& [key, value] : parameters.items()) {
    if (key == settings_key) {
      if (!value.is_object()) throw usage_error("expected an object").at(key);
      request.settings = value;
      continue;
    }
    const Option* option = find_option(options, key);
    const bool is_word = option != nullptr && value.is_string() && option->type != OptionType::text;
    try {
      request.options[key] = is_word ? parse_word(*option, value.get<std::string>()) : value;
    } catch (Error& error) {
      throw error.at("parameter \"" + key + "\"");
    }
  }
  check_settings(options, request.options, "parameter of " + std::string(operation.name));
}

void add_host_options(const Operation& operation, const Json& host, Request& request) {
  for (const Option& option : operation.options) {
    const std::string name(option.name);
    if (option.host_only && host.contains(name) && !host[name].is_null())
      request.options[name] = host[name];
  }
}

const Operation* find_served(const Catalogue& catalogue, std::string_view name) {
  const Operation* operation = catalogue.find_operation(name);
  if (operation == nullptr || !serves(operation->faces, Faces::http)) return nullptr;
  return operation->subject == Subject::models ? nullptr : operation;
}

std::vector<const Operation*> served(const Catalogue& catalogue) {
  std::vector<const Operation*> operations;
  for (const Operation* operation : catalogue.operations) {
    if (find_served(catalogue, operation->name) == operation) operations.push_back(operation);
  }
  return operations;
}

void prefer_numbers(const Operation& operation, Request& request) {
  constexpr std::string_view key = "format", numbers = "npy";
  const Option* option = find_option(operation.options, key);
  if (option == nullptr || request.options.contains(key) ||
      std::ranges::find(operation.formats, numbers) == operation.formats.end()) {
    return;
  }
  request.options[std::string(key)] = Json::array({numbers});
}

}  // namespace pellucid

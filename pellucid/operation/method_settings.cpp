// --set: which methods a key is for, and its value as the method's table wants it.
#include "pellucid/operation/operation.h"

namespace pellucid {
namespace {

// A word of a command line and a value of a JSON request are both taken.
Json value_for(const Option& option, const Json& value) {
  if (!value.is_string() || option.type == OptionType::text) return value;
  return parse_word(option, value.get<std::string>());
}

std::string joined_names(std::span<const Method* const> methods) {
  std::vector<std::string> names;
  for (const Method* method : methods) names.emplace_back(method->name);
  return join(names, ", ");
}

void set(const Method& method, const Option& option, const Json& value, Json& settings) {
  const std::string key(option.name);
  try {
    settings[key] = value_for(option, value);
    check_settings(method.options, Json{{key, settings[key]}});
  } catch (Error& error) {
    throw error.at("--set " + std::string(method.name) + "." + key);
  }
}

Error unknown_key(const std::string& key, std::span<const Method* const> methods) {
  std::vector<std::string> keys;
  for (const Method* method : methods) {
    for (const Option& option : method->options) {
      if (std::ranges::find(keys, option.name) == keys.end()) keys.emplace_back(option.name);
    }
  }
  Error error = usage_error("no setting \"" + key + "\" in " + joined_names(methods)).at("--set");
  const std::string like = nearest(key, keys);
  if (!like.empty()) return error.hint("did you mean " + like + "?");
  return error.hint(keys.empty() ? "there are none to set" : "there are " + join(keys, ", "));
}

Json split_key(const std::string& key, const Json& value) {
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos) return {{key, value}};
  return {{key.substr(0, dot), {{key.substr(dot + 1), value}}}};
}

// A key for every chosen method that has it.
void set_all(std::span<const Method* const> chosen, const std::string& key, const Json& value,
             std::vector<Json>& all) {
  bool known = false;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Option* option = find_option(chosen[i]->options, key);
    if (option == nullptr) continue;
    set(*chosen[i], *option, value, all[i]);
    known = true;
  }
  if (!known) throw unknown_key(key, chosen);
}

// Keys of one method.
void set_one(std::span<const Method* const> chosen, const std::string& name, const Json& values,
             std::vector<Json>& all) {
  const auto found =
      std::ranges::find(chosen, name, [](const Method* method) { return method->name; });
  if (found == chosen.end()) {
    throw usage_error("method \"" + name + "\" is not among those chosen")
        .at("--set")
        .hint("chosen: " + joined_names(chosen));
  }
  for (const auto& [key, value] : values.items()) {
    const Option* option = find_option((*found)->options, key);
    if (option == nullptr) throw unknown_key(key, std::span(&*found, 1));
    set(**found, *option, value, all[static_cast<std::size_t>(found - chosen.begin())]);
  }
}

}  // namespace

std::vector<Json> method_settings(std::span<const Method* const> chosen, const Json& settings) {
  std::vector<Json> all(chosen.size(), Json::object());
  // Keys of one method win over keys for all of them, in whichever order they were given.
  for (const bool of_one : {false, true}) {
    for (const auto& [key, value] : settings.items()) {
      const Json entry = split_key(key, value);
      const std::string& name = entry.begin().key();
      const Json& values = entry.begin().value();
      if (values.is_object() != of_one) continue;
      if (of_one) {
        set_one(chosen, name, values, all);
      } else {
        set_all(chosen, name, values, all);
      }
    }
  }
  return all;
}

}  // namespace pellucid

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

}  // namespace

std::vector<Json> method_settings(std::span<const Method* const> chosen, const Json& settings) {
  std::vector<Json> all(chosen.size(), Json::object());
  // Keys of one method win over keys for all of them, in whichever order they were given.
  for (const bool prefixed : {false, true}) {
    for (const auto& [key, value] : settings.items()) {
      if (value.is_object() != prefixed) continue;
      if (!prefixed) {
        bool known = false;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
          if (const Option* option = find_option(chosen[i]->options, key)) {
            set(*chosen[i], *option, value, all[i]);
            known = true;
          }
        }
        if (!known) throw unknown_key(key, chosen);
        continue;
      }
      const auto found =
          std::ranges::find(chosen, key, [](const Method* method) { return method->name; });
      if (found == chosen.end()) {
        throw usage_error("method \"" + key + "\" is not among those chosen")
            .at("--set")
            .hint("chosen: " + joined_names(chosen));
      }
      for (const auto& [inner, inner_value] : value.items()) {
        const Option* option = find_option((*found)->options, inner);
        if (option == nullptr) throw unknown_key(inner, std::span(&*found, 1));
        set(**found, *option, inner_value, all[static_cast<std::size_t>(found - chosen.begin())]);
      }
    }
  }
  return all;
}

}  // namespace pellucid

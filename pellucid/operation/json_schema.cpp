// The JSON Schema (draft 2020-12) of an operation's request, from its table alone; what only the
// host may set is not in it.
#include <cmath>

#include "pellucid/operation/operation.h"

namespace pellucid {
namespace {

Json schema_of(const Option& option, const Json& initial) {
  Json entry = Json::object();
  switch (option.type) {
    case OptionType::boolean:
      entry["type"] = "boolean";
      break;
    case OptionType::integer:
      entry["type"] = "integer";
      break;
    case OptionType::real:
      entry["type"] = "number";
      break;
    case OptionType::text:
      entry["type"] = "string";
      break;
    case OptionType::list:
      entry = {{"type", "array"}, {"items", {{"type", "string"}}}};
      break;
  }
  if (!option.choices.empty()) {
    (option.type == OptionType::list ? entry["items"] : entry)["enum"] = option.choices;
  }
  if (std::isfinite(option.least)) entry["minimum"] = option.least;
  if (std::isfinite(option.most)) entry["maximum"] = option.most;
  if (option.may_be_null) entry = {{"anyOf", Json::array({entry, {{"type", "null"}}})}};
  entry["description"] = option.help;
  entry["default"] = initial;
  return entry;
}

Json properties(std::span<const Option> options, const Json& defaults) {
  Json all = Json::object();
  for (const Option& option : options) {
    if (option.host_only) continue;
    const std::string name(option.name);
    all[name] = schema_of(option, defaults.value(name, Json(nullptr)));
  }
  return all;
}

Json object_of(Json fields) {
  return {{"type", "object"}, {"properties", std::move(fields)}, {"additionalProperties", false}};
}

// --set: a key of any method, or an object of keys under a method's name.
Json settings_schema(const Catalogue& catalogue) {
  Json fields = Json::object();
  for (const Method* method : catalogue.methods) {
    const Json own =
        properties(method->options, method->defaults ? method->defaults() : Json::object());
    fields[std::string(method->name)] = object_of(own);
  }
  for (const Method* method : catalogue.methods) {
    for (const Option& option : method->options) {
      const std::string key(option.name);
      if (!fields.contains(key)) fields[key] = {{"description", option.help}};
    }
  }
  return object_of(std::move(fields));
}

}  // namespace

Json schema(const Operation& operation, const Catalogue& catalogue) {
  const Json defaults = operation.defaults ? operation.defaults() : Json::object();
  Json fields = Json::object();
  fields["options"] = object_of(properties(operation.options, defaults));
  if (operation.takes_settings) fields["settings"] = settings_schema(catalogue);
  Json required = Json::array();
  if (operation.inputs != Inputs::none) {
    fields["inputs"] = {
        {"type", "array"},
        {"minItems", operation.inputs == Inputs::required ? 1 : 0},
        {"items",
         object_of({{"name", {{"type", "string"}}},
                    {"of", {{"type", "string"}, {"description", "the model input it is for"}}},
                    {"bytes", {{"type", "string"}, {"contentEncoding", "base64"}}}})},
    };
    fields["inputs"]["items"]["required"] = {"bytes"};
    if (operation.inputs == Inputs::required) required.push_back("inputs");
  }
  Json document = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", operation.name},
                   {"description", operation.summary}};
  document.update(object_of(std::move(fields)));
  if (!required.empty()) document["required"] = required;
  return document;
}

}  // namespace pellucid

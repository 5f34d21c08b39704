// Invariant: an operation, a method or an option that is added to a table is here without a line.
#include "pellucid/serve/description.h"

#include "pellucid/model/model.h"
#include "pellucid/operation/prepared_input.h"
#include "pellucid/report/tables.h"
#include "pellucid/serve/exchange.h"
#include "pellucid/serve/route.h"
#include "pellucid/serve/tensors.h"
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

std::string path_of(const Operation& operation) {
  const std::string name(operation.name);
  return operation.subject == Subject::model ? "/v2/models/{model}/" + name : "/v2/" + name;
}

// The range and the choices stay; the sentence is in the reader's language.
Json options_of(const Operation& operation, Language language) {
  const Json defaults = operation.defaults ? operation.defaults() : Json::object();
  Json list = describe(open_options(operation), defaults);
  for (Json& entry : list) entry["help"] = translated(language, entry["help"].get<std::string>());
  return list;
}

Json reference(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

Json content(Json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

Json array_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

Json objects() { return array_of({{"type", "object"}}); }

Json strings() { return array_of({{"type", "string"}}); }

Json object_of(Json properties, Json required) {
  return {
      {"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
}

Json schemas() {
  const Json shape = {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}}}};
  const Json tensor = object_of(
      {{"name", {{"type", "string"}}},
       {"shape", shape},
       {"datatype",
        {{"enum",
          {"BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"}}}},
       {"parameters", {{"type", "object"}}},
       {"data",
        {{"type", "array"},
         {"description", "numbers, flat or nested; of BYTES: pictures or .npy as base64"}}}},
      {"name", "shape", "datatype"});
  Json error = object_of({{"what", {{"type", "string"}}},
                          {"where", {{"type", "string"}}},
                          {"what_to_do", {{"type", "string"}}}},
                         {"what"});
  const Json count = {{"type", "integer"}, {"minimum", 0}};
  return {
      {"Tensor", tensor},
      {"Progress",
       object_of({{"state", {{"enum", {"waiting", "running", "unknown"}}}},
                  {"stage", {{"type", "string"}}},
                  {"done", count},
                  {"total", {{"type", "integer"}, {"minimum", 0}, {"description", "0: not known"}}},
                  {"seconds", {{"type", "number"}, {"minimum", 0}}}},
                 {"state", "stage", "done", "total", "seconds"})},
      {"Error", object_of({{"error", std::move(error)}}, {"error"})},
      {"Answer", object_of({{"id", {{"type", "string"}}},
                            {"model_name", {{"type", "string"}}},
                            {"parameters", {{"type", "object"}}},
                            {"document", {{"type", "object"}}},
                            {"warnings", strings()},
                            {"failures", objects()},
                            {"words", {{"type", "object"}}},
                            {"outputs", array_of(reference("Tensor"))}},
                           {"outputs"})},
      {"Models", object_of({{"models", strings()}}, {"models"})},
      {"Status", object_of({{"name", {{"type", "string"}}}, {"ready", {{"type", "boolean"}}}},
                           {"name", "ready"})},
      {"Live", object_of({{"live", {{"type", "boolean"}}}}, {"live"})},
      {"Ready", object_of({{"ready", {{"type", "boolean"}}}}, {"ready"})},
      {"Server", object_of({{"name", {{"type", "string"}}},
                            {"version", {{"type", "string"}}},
                            {"extensions", strings()}},
                           {"name", "version", "extensions"})},
      {"Catalogue",
       object_of({{"operations", objects()}, {"methods", objects()}}, {"operations", "methods"})},
      {"TensorInfo",
       object_of(
           {{"name", {{"type", "string"}}},
            {"datatype", {{"type", "string"}}},
            {"shape",
             {{"type", "array"},
              {"items", {{"type", "integer"}, {"minimum", -1}}},
              {"description", "-1: any size"}}},
            {"parameters", object_of({{"takes", {{"enum", {"picture", "array"}}}}}, {"takes"})}},
           {"name", "datatype", "shape"})},
      {"Model", object_of({{"name", {{"type", "string"}}},
                           {"versions", strings()},
                           {"platform", {{"type", "string"}}},
                           {"inputs", array_of(reference("TensorInfo"))},
                           {"outputs", array_of(reference("TensorInfo"))}},
                          {"name", "versions", "platform", "inputs", "outputs"})},
      {"Instances", object_of({{"instances",
                                {{"type", "array"},
                                 {"minItems", 1},
                                 {"description", "arrays, or pictures as {\"b64\": ...}"}}},
                               {"parameters", {{"type", "object"}}}},
                              {"instances"})},
      {"InstanceAnswers", object_of({{"predictions", {{"type", "array"}}},
                                     {"explanations", {{"type", "array"}}},
                                     {"warnings", strings()}},
                                    Json::array())},
  };
}

// What a fixed page answers with; empty: any JSON.
std::string_view schema_of(Resource resource) {
  switch (resource) {
    case Resource::v1_models:
      return "Models";
    case Resource::v1_model:
    case Resource::v2_model_ready:
      return "Status";
    case Resource::v1_operation:
      return "InstanceAnswers";
    case Resource::v2_server:
      return "Server";
    case Resource::live:
      return "Live";
    case Resource::ready:
      return "Ready";
    case Resource::catalogue:
      return "Catalogue";
    case Resource::v2_model:
      return "Model";
    case Resource::request:
      return "Progress";
    default:
      return "";
  }
}

// The v2 request of an operation: its own options stand in "parameters".
Json request_schema(const Operation& operation, const Catalogue& catalogue) {
  const Json own = schema(operation, catalogue)["properties"];
  Json parameters = own["options"];
  if (operation.takes_settings) parameters["properties"]["settings"] = own["settings"];
  parameters["properties"]["binary_data_output"] = {{"type", "boolean"}, {"default", false}};
  Json fields = {{"id", {{"type", "string"}}}, {"parameters", std::move(parameters)}};
  fields["outputs"] = {
      {"type", "array"},
      {"items", object_of({{"name", {{"type", "string"}}}, {"parameters", {{"type", "object"}}}},
                          {"name"})}};
  Json required = Json::array();
  if (operation.inputs != Inputs::none) {
    fields["inputs"] = array_of(reference("Tensor"));
    if (operation.inputs == Inputs::required) {
      fields["inputs"]["minItems"] = 1;
      required.push_back("inputs");
    }
  }
  return object_of(std::move(fields), std::move(required));
}

Json responses(const RoutePattern& route, std::string_view good) {
  const Json error = {{"description", "what was wrong, where, and what to do"},
                      {"content", content(reference("Error"))}};
  Json all = {{"200", {{"description", route.summary}}}};
  if (route.resource == Resource::metrics)
    all["200"]["content"] = {{"text/plain", {{"schema", {{"type", "string"}}}}}};
  else
    all["200"]["content"] =
        content(good.empty() ? Json::object({{"type", "object"}}) : reference(good));
  std::vector<std::string> statuses = {"400", "401", "403", "404", "405", "408", "431", "503"};
  if (route.method == "POST")
    statuses.insert(statuses.end(), {"413", "415", "429", "500", "504", "507"});
  for (const std::string& status : statuses) all[status] = error;
  return all;
}

Json parameter(std::string_view name) {
  return {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
}

Json header(std::string_view name, std::string_view description, Json schema) {
  return {{"name", name},
          {"in", "header"},
          {"description", description},
          {"schema", std::move(schema)}};
}

// A page of one route; `operation` fills in what the tables know of it.
Json page(const RoutePattern& route, const Operation* operation, const Catalogue& catalogue,
          std::span<const std::string> models) {
  Json entry = {{"summary", operation ? operation->summary : route.summary}};
  Json parameters = Json::array();
  if (route.pattern.find("{model}") != std::string_view::npos) {
    parameters.push_back(parameter("model"));
    if (!models.empty()) parameters.back()["schema"]["enum"] = models;
  }
  if (route.resource == Resource::request) parameters.push_back(parameter("id"));
  if (operation == nullptr && route.pattern.find("{operation}") != std::string_view::npos) {
    parameters.push_back(parameter("operation"));
    parameters.back()["schema"]["enum"] = {"predict", "explain"};
  }
  if (route.method == "POST")
    parameters.push_back(header("X-Request-Id", "its name in the log and in /v2/requests/{id}",
                                {{"type", "string"}}));
  if (operation != nullptr) {
    parameters.push_back(header("Inference-Header-Content-Length",
                                "bytes of JSON in front of the tensors' own",
                                {{"type", "integer"}, {"minimum", 0}}));
    Json forms = content(request_schema(*operation, catalogue));
    forms["application/octet-stream"] = {{"schema", {{"type", "string"}, {"format", "binary"}}}};
    entry["requestBody"] = {{"content", std::move(forms)},
                            {"required", operation->inputs == Inputs::required}};
  } else if (route.resource == Resource::v1_operation) {
    entry["requestBody"] = {{"content", content(reference("Instances"))}, {"required", true}};
  }
  if (!parameters.empty()) entry["parameters"] = std::move(parameters);
  entry["responses"] =
      responses(route, operation != nullptr ? "Answer" : schema_of(route.resource));
  return {{lower_case(route.method), std::move(entry)}};
}

}  // namespace

Json catalogue_document(const Catalogue& catalogue, Language language) {
  Json operations = Json::array(), methods = Json::array();
  for (const Operation* operation : served(catalogue)) {
    operations.push_back({{"name", operation->name},
                          {"path", path_of(*operation)},
                          {"group", translated(language, operation->group)},
                          {"summary", translated(language, operation->summary)},
                          {"details", translated(language, operation->details)},
                          {"inputs", to_string(operation->inputs)},
                          {"formats", operation->formats},
                          {"takes_settings", operation->takes_settings},
                          {"options", options_of(*operation, language)}});
  }
  for (const Method* method : catalogue.methods) methods.push_back(method_document(*method));
  return {{"operations", std::move(operations)}, {"methods", std::move(methods)}};
}

Json openapi_document(const Catalogue& catalogue, std::span<const std::string> models,
                      bool needs_token) {
  Json paths = Json::object();
  const std::vector<const Operation*> operations = served(catalogue);
  for (const RoutePattern& route : route_patterns()) {
    if (is_for_browsers(route.resource)) continue;
    if (route.resource == Resource::v2_model_operation ||
        route.resource == Resource::v2_operation) {
      for (const Operation* operation : operations) {
        const bool fits = (operation->subject == Subject::model) ==
                          (route.resource == Resource::v2_model_operation);
        if (fits) paths[path_of(*operation)].update(page(route, operation, catalogue, models));
      }
      continue;
    }
    const Operation* operation =
        route.resource == Resource::infer ? find_served(catalogue, "predict") : nullptr;
    if (route.resource == Resource::infer && operation == nullptr) continue;
    paths[std::string(route.pattern)].update(page(route, operation, catalogue, models));
  }
  Json document = {{"openapi", "3.1.0"},
                   {"info", {{"title", "Pellucid"}, {"version", PELLUCID_VERSION}}},
                   {"paths", std::move(paths)},
                   {"components", {{"schemas", schemas()}}}};
  if (needs_token) {
    document["components"]["securitySchemes"] = {
        {"token", {{"type", "http"}, {"scheme", "bearer"}}}};
    document["security"] = Json::array({{{"token", Json::array()}}});
  }
  return document;
}

Json server_document() {
  return {{"name", "pellucid"},
          {"version", PELLUCID_VERSION},
          {"extensions", {"binary_tensor_data", "pellucid_operations"}}};
}

Json model_document(std::string_view name, const Model& model) {
  const auto tensor = [&](const std::string& called, ValueId id) -> Json {
    const Value& value = model.graph->value(id);
    Json shape = Json::array();
    for (const auto& size : value.shape) shape.push_back(size.value_or(-1));
    return {{"name", called},
            {"datatype", value.dtype ? datatype_of(*value.dtype) : std::string_view("FP32")},
            {"shape", std::move(shape)}};
  };
  Json inputs = Json::array(), outputs = Json::array();
  for (std::size_t i = 0; i < model.graph->inputs().size(); ++i) {
    const ValueId id = model.graph->inputs()[i];
    Json input = tensor(model.graph->value(id).name, id);
    input["parameters"] = {{"takes", takes_pictures(model, i) ? "picture" : "array"}};
    inputs.push_back(std::move(input));
  }
  for (std::size_t i = 0; i < model.graph->outputs().size(); ++i) {
    const Operand& operand = model.graph->outputs()[i].operand;
    if (operand.is_value() && model.graph->value(operand.value()).is_tensor)
      outputs.push_back(tensor(output_name(model, i), operand.value()));
  }
  return {{"name", name},
          {"versions", Json::array()},
          {"platform", "pellucid_" + model.format},
          {"inputs", std::move(inputs)},
          {"outputs", std::move(outputs)}};
}

}  // namespace pellucid

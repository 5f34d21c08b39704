// KServe v1: instances in, one answer each. An instance is an array, {"b64": ...}, or for a model
// of several inputs an object of these by the inputs' names.
#include <set>

#include "pellucid/base/base64.h"
#include "pellucid/input/npy.h"
#include "pellucid/model/model.h"
#include "pellucid/serve/exchange.h"
#include "pellucid/serve/tensors.h"
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

constexpr std::string_view b64_key = "b64";

bool is_encoded(const Json& value) {
  return value.is_object() && value.size() == 1 && value.contains(b64_key);
}

std::vector<std::byte> bytes_of(const Json& value, const Model& model, std::size_t input) {
  if (is_encoded(value)) {
    const Json& text = value[std::string(b64_key)];
    std::optional<std::vector<std::byte>> bytes;
    if (text.is_string()) bytes = from_base64(text.get_ref<const std::string&>());
    if (!bytes) throw usage_error("\"b64\" must be a base64 text");
    return std::move(*bytes);
  }
  const Value& wanted = model.graph->value(model.graph->inputs()[input]);
  return write_npy(tensor_of(value, wanted.dtype.value_or(at::kFloat)));
}

std::size_t input_called(const std::string& name, const Model& model) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < model.graph->inputs().size(); ++i) {
    names.push_back(model.graph->value(model.graph->inputs()[i]).name);
    if (names.back() == name) return i;
  }
  throw usage_error("the model has no input \"" + name + "\"").hint("it has " + join(names, ", "));
}

void add_instance(const Json& instance, const Model& model, std::size_t sample, Request& request) {
  const std::string where = "instances[" + std::to_string(sample) + "]";
  const auto add = [&](const Json& value, std::size_t input, const std::string& of) {
    auto kept = std::make_shared<const std::vector<std::byte>>(bytes_of(value, model, input));
    request.inputs.push_back({where, std::to_string(sample), of, [kept] { return *kept; }});
  };
  try {
    if (!instance.is_object() || is_encoded(instance)) {
      add(instance, 0, {});
      return;
    }
    for (const auto& [name, value] : instance.items()) add(value, input_called(name, model), name);
  } catch (Error& error) {
    throw error.at(where);
  }
}

// The arrays of one instance: alone, or by what tells their names apart.
Json arrays_of(const std::string& stem, const Performed& done) {
  Json all = Json::object();
  for (const Artefact& file : done.artefacts) {
    if (file.media_type != npy_media_type || !file.name.starts_with(stem + ".")) continue;
    const std::string rest = file.name.substr(stem.size() + 1);
    all[rest.substr(0, rest.rfind('.'))] = nested_values(read_npy(file.bytes, file.name));
  }
  return all.size() == 1 ? Json(all.begin().value()) : all;
}

}  // namespace

BodyRequest read_v1(const Operation& operation, const Model& model, std::string_view body) {
  const Json document = parse_body(body);
  if (!document.is_object()) throw usage_error("expected a JSON object");
  BodyRequest asked;
  for (const auto& [key, value] : document.items()) {
    if (key == "parameters") {
      read_parameters(operation, value, asked.request);
    } else if (key != "instances") {
      throw usage_error("unknown key \"" + key + "\"").hint("there are instances and parameters");
    }
  }
  if (!document.contains("instances") || !document["instances"].is_array() ||
      document["instances"].empty()) {
    throw usage_error("expected a list of one instance or more").at("instances");
  }
  const Json& instances = document["instances"];
  for (std::size_t i = 0; i < instances.size(); ++i)
    add_instance(instances[i], model, i, asked.request);
  return asked;
}

HttpResponse v1_response(const Operation& operation, const BodyRequest& asked,
                         const Performed& done) {
  // The protocol has no place for an instance that failed among others.
  refuse_failures(done.answer);
  std::set<std::string> stems;
  for (const RequestInput& input : asked.request.inputs) stems.insert(input.stem);
  const bool explains = operation.name == "explain";
  Json list = Json::array();
  for (std::size_t i = 0; i < stems.size(); ++i) {
    Json values = arrays_of(std::to_string(i), done);
    if (!explains) {
      list.push_back(std::move(values));
      continue;
    }
    Json records = Json::array();
    for (const Json& record : done.answer.document.value("answers", Json::array())) {
      if (record.value("input", "") == "instances[" + std::to_string(i) + "]")
        records.push_back(record);
    }
    list.push_back({{"records", std::move(records)}, {"scores", std::move(values)}});
  }
  Json document = {{explains ? "explanations" : "predictions", std::move(list)}};
  if (!done.answer.warnings.empty()) document["warnings"] = done.answer.warnings;
  return json_response(document);
}

}  // namespace pellucid

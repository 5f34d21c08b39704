// A model's description, as a document first and as text out of the document.
#include "pellucid/report/model_description.h"

#include "pellucid/model/count_weights.h"
#include "pellucid/model/layers.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/tables.h"
#include "pellucid/run/lift_batch.h"

namespace pellucid {
namespace {

Json shape_of(const Value& value) {
  Json shape = Json::array();
  for (const auto& size : value.shape) shape.push_back(size ? Json(*size) : Json(nullptr));
  return shape;
}

Json input_document(const Model& model, std::size_t i, bool batched) {
  const Value& value = model.graph->value(model.graph->inputs()[i]);
  const InputInfo& info = model.metadata.inputs[i];
  Json entry = {{"name", info.name}, {"kind", to_string(info.kind)}};
  if (value.dtype) entry["dtype"] = dtype_name(*value.dtype);
  entry["shape"] = shape_of(value);
  entry["declared"] = declared_text(value, batched);
  if (info.preprocessing) entry["preprocessing"] = to_json(*info.preprocessing);
  if (!info.features.empty()) entry["features"] = info.features;
  return entry;
}

Json output_document(const Model& model, std::size_t i, bool batched) {
  const OutputInfo& info = model.metadata.outputs[i];
  Json entry = {{"name", info.name}, {"kind", to_string(info.kind)}, {"guessed", info.guessed}};
  const Operand& operand = model.graph->outputs()[i].operand;
  if (operand.is_value()) {
    const Value& value = model.graph->value(operand.value());
    if (value.dtype) entry["dtype"] = dtype_name(*value.dtype);
    entry["shape"] = shape_of(value);
    entry["declared"] = declared_text(value, batched);
  }
  return entry;
}

std::string counted(std::int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace

std::string declared_text(const Value& value, bool batched) {
  std::string text = value.dtype ? std::string(dtype_name(*value.dtype)) : "any type";
  if (!value.is_tensor) return "a number";
  text += " [";
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    const std::string unknown = i == 0 && batched ? "N" : "any";
    if (i > 0) text += ", ";
    text += value.shape[i] ? std::to_string(*value.shape[i]) : unknown;
  }
  return text + "]";
}

Json model_description(const Model& model, bool with_layers) {
  const Graph& graph = *model.graph;
  const DeclaredBatch batch = declared_batch(graph);
  Json document = model_reference(model);
  document["inputs"] = Json::array();
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    document["inputs"].push_back(input_document(model, i, batch.shared));
  }
  document["outputs"] = Json::array();
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    document["outputs"].push_back(output_document(model, i, batch.shared));
  }
  document["batch"] = !batch.shared ? Json("none")
                      : batch.size  ? Json(*batch.size)
                                    : Json("dynamic");
  document["parameters"] = model.parameters;
  const WeightCount weights = count_weights(graph, {ConstantKind::parameter, ConstantKind::buffer,
                                                    ConstantKind::literal, ConstantKind::folded});
  document["weights"] = {
      {"tensors", weights.tensors}, {"numbers", weights.numbers}, {"bytes", weights.bytes}};
  document["nodes"] = graph.nodes().size();
  const std::vector<Layer> all = layers(graph);
  document["layers"] = all.size();
  document["labels"] = model.metadata.labels.size();
  document["sample"] = model.metadata.sample.has_value();
  document["warnings"] = model.warnings;
  if (with_layers) {
    Json list = Json::array();
    for (const Layer& layer : all) {
      Json entry = {{"name", layer.name}, {"class", layer.module_class}};
      if (layer.value != no_value) {
        entry["value"] = graph.value(layer.value).name;
        entry["declared"] = declared_text(graph.value(layer.value), batch.shared);
      }
      list.push_back(std::move(entry));
    }
    document["layer_list"] = std::move(list);
  }
  return document;
}

std::string model_description_text(const Json& description, Language language) {
  const auto tell = [&](std::string_view words,
                        std::initializer_list<std::string_view> values = {}) {
    return say(language, words, values);
  };
  const auto word = [](const Json& value) { return on_one_line(value.get<std::string>()); };
  Table facts = {{tell("format"), word(description["format"])},
                 {"SHA-256", word(description["sha256"])}};
  if (description.contains("producer"))
    facts.push_back({tell("made by"), word(description["producer"])});
  if (description.contains("supplied_by")) {
    facts.push_back({tell("supplied by"), word(description["supplied_by"])});
  }
  for (const Json& input : description["inputs"]) {
    std::string kind = word(input["kind"]);
    facts.push_back(
        {tell("input"), word(input["name"]) + ": " + word(input["declared"]) + ", " + kind});
    if (input.contains("preprocessing")) {
      facts.push_back({"", tell("preprocessing") + " " + to_text(input["preprocessing"], false)});
    } else if (kind == "image") {
      facts.push_back({"", tell("no preprocessing recorded: give arrays, or --metadata")});
    }
  }
  for (const Json& output : description["outputs"]) {
    const std::string declared =
        output.contains("declared") ? word(output["declared"]) : tell("a constant");
    const std::string name = word(output["name"]);
    std::string line = name.empty() ? declared : name + ": " + declared;
    line += ", " + word(output["kind"]);
    if (output["guessed"].get<bool>()) line += " (" + tell("a guess") + ")";
    facts.push_back({tell("output"), std::move(line)});
  }
  const Json& batch = description["batch"];
  facts.push_back({tell("batch"), batch.is_string() ? tell(batch == "dynamic" ? "dynamic" : "none")
                                                    : tell("fixed at {0}", {to_text(batch)})});
  facts.push_back({tell("parameters"), counted(description["parameters"].get<std::int64_t>())});
  const Json& weights = description["weights"];
  facts.push_back({tell("weights"), tell("{0} numbers in {1} tensors, {2}",
                                         {counted(weights["numbers"].get<std::int64_t>()),
                                          to_text(weights["tensors"]),
                                          human_bytes(weights["bytes"].get<double>())})});
  facts.push_back({tell("graph"), tell("{0} nodes, {1} layers", {to_text(description["nodes"]),
                                                                 to_text(description["layers"])})});
  facts.push_back({tell("labels"), description["labels"] == 0 ? tell("none recorded")
                                                              : to_text(description["labels"])});
  facts.push_back({tell("sample"), description["sample"].get<bool>()
                                       ? tell("recorded: `pellucid check` re-runs it")
                                       : tell("none recorded")});
  std::string text = word(description["name"]) + "\n" + table_text(facts);
  if (!description.contains("layer_list")) return text;
  Table rows;
  for (const Json& layer : description["layer_list"]) {
    rows.push_back({word(layer["name"]), layer.contains("declared") ? word(layer["declared"]) : "",
                    word(layer["class"])});
  }
  return text + "\n" + table_text(rows);
}

}  // namespace pellucid

// Answers as the Open Inference Protocol v2 has them: every file is an output. Arrays carry their
// values, other files are BYTES with their media type.
#include <ATen/ops/stack.h>

#include "pellucid/base/base64.h"
#include "pellucid/base/bytes.h"
#include "pellucid/base/phrases.h"
#include "pellucid/input/npy.h"
#include "pellucid/model/model.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/html.h"
#include "pellucid/serve/exchange.h"
#include "pellucid/serve/tensors.h"

namespace pellucid {
namespace {

struct NamedOutput {
  std::string name;
  at::Tensor values;               // undefined: a file
  const Artefact* file = nullptr;  // undefined values: this one
};

// The output's JSON, its bytes behind all JSON if they were asked for.
Json write_output(const NamedOutput& output, bool binary, std::string& behind) {
  Json entry = {{"name", output.name}};
  std::string bytes;
  if (output.values.defined()) {
    entry["shape"] = output.values.sizes().vec();
    entry["datatype"] = datatype_of(output.values.scalar_type());
    if (binary) {
      bytes = raw_bytes(output.values);
    } else {
      entry["data"] = flat_values(output.values);
    }
  } else {
    entry["shape"] = Json::array({1});
    entry["datatype"] = "BYTES";
    entry["parameters"] = {{"content_type", output.file->media_type}};
    if (binary) {
      const auto size = static_cast<std::uint32_t>(output.file->bytes.size());
      for (int i = 0; i < 4; ++i) bytes += static_cast<char>(size >> (8 * i) & 0xff);
      bytes += text_of(output.file->bytes);
    } else {
      entry["parameters"]["encoding"] = "base64";
      entry["data"] = Json::array({to_base64(output.file->bytes)});
    }
  }
  if (binary) {
    entry["parameters"]["binary_data_size"] = bytes.size();
    behind += bytes;
  }
  return entry;
}

Json failures_of(const Answer& answer, Language language) {
  Json list = Json::array();
  for (const Failure& failure : answer.failures) {
    list.push_back({{"input", failure.input},
                    {"what", rephrased(language, failure.error.message())},
                    {"what_to_do", rephrased(language, failure.error.remedy())}});
  }
  return list;
}

HttpResponse respond(Json document, const BodyRequest& asked, std::vector<NamedOutput> outputs) {
  for (const ChosenOutput& chosen : asked.chosen) {
    if (std::ranges::find(outputs, chosen.name, &NamedOutput::name) != outputs.end()) continue;
    std::vector<std::string> names;
    for (const NamedOutput& output : outputs) names.push_back(output.name);
    throw usage_error("there is no output \"" + chosen.name + "\"")
        .at("outputs")
        .hint(names.empty() ? "the answer is its document alone"
                            : "there are " + join(names, ", "));
  }
  std::string behind;
  document["outputs"] = Json::array();
  for (const NamedOutput& output : outputs) {
    const auto chosen = std::ranges::find(asked.chosen, output.name, &ChosenOutput::name);
    if (chosen == asked.chosen.end() && !asked.chosen.empty()) continue;
    const bool binary = asked.binary || (chosen != asked.chosen.end() && chosen->binary);
    document["outputs"].push_back(write_output(output, binary, behind));
  }
  HttpResponse response = json_response(document);
  if (behind.empty()) return response;
  response.fields.emplace_back("Inference-Header-Content-Length",
                               std::to_string(response.body.size()));
  response.content_type = "application/octet-stream";
  response.body += behind;
  return response;
}

Json opening(std::string_view model, const BodyRequest& asked) {
  Json document = Json::object();
  if (!asked.id.is_null()) document["id"] = asked.id;
  if (!model.empty()) document["model_name"] = model;
  return document;
}

std::size_t tensor_outputs(const Model& model) {
  return static_cast<std::size_t>(
      std::ranges::count_if(model.graph->outputs(), [&](const auto& output) {
        return output.operand.is_value() && model.graph->value(output.operand.value()).is_tensor;
      }));
}

}  // namespace

void refuse_failures(const Answer& answer) {
  if (answer.failures.empty()) return;
  const Failure& first = answer.failures.front();
  Error error = first.error;
  throw error.where().starts_with(first.input) ? error : error.at(first.input);
}

HttpResponse v2_response(std::string_view model, const BodyRequest& asked, const Performed& done) {
  if (done.answer.nothing_done) refuse_failures(done.answer);
  Json document = opening(model, asked);
  document["document"] = done.answer.document;
  document["warnings"] = done.answer.warnings;
  document["failures"] = failures_of(done.answer, asked.language);
  if (asked.language != Language::english)
    document["words"] = words_in(done.answer.document, asked.language);
  std::vector<NamedOutput> outputs;
  for (const Artefact& file : done.artefacts) {
    NamedOutput output{file.name, {}, &file};
    if (file.media_type == npy_media_type) output.values = read_npy(file.bytes, file.name);
    outputs.push_back(std::move(output));
  }
  return respond(std::move(document), asked, std::move(outputs));
}

std::string output_name(const Model& model, std::size_t output) {
  const std::string& name = model.metadata.outputs[output].name;
  return name.empty() ? "output" : name;
}

HttpResponse infer_response(std::string_view name, const Model& model, const BodyRequest& asked,
                            const Performed& done) {
  // Half of a batch would be no tensor.
  refuse_failures(done.answer);
  const bool several = tensor_outputs(model) > 1;
  std::vector<NamedOutput> outputs;
  for (std::size_t i = 0; i < model.metadata.outputs.size(); ++i) {
    const std::string called = output_name(model, i);
    const std::string ending =
        ".output" + (several ? "." + file_name_part(model.metadata.outputs[i].name) : "") + ".npy";
    std::vector<at::Tensor> parts;
    for (const Artefact& file : done.artefacts) {
      const std::size_t stem = file.name.find('.');
      if (std::string_view(file.name).substr(stem) == ending)
        parts.push_back(read_npy(file.bytes, file.name));
    }
    if (parts.empty()) continue;
    const bool equal = std::ranges::all_of(
        parts, [&](const at::Tensor& part) { return part.sizes() == parts.front().sizes(); });
    if (!equal) throw usage_error("outputs of unequal shapes are no tensor").at(called);
    const bool stacked = asked.pictures || parts.size() > 1;
    outputs.push_back({called, stacked ? at::stack(parts) : parts.front(), nullptr});
  }
  Json document = opening(name, asked);
  // NaN and infinity are no JSON: their place holds null, and why is said here.
  if (!done.answer.warnings.empty()) document["parameters"] = {{"warnings", done.answer.warnings}};
  return respond(std::move(document), asked, std::move(outputs));
}

}  // namespace pellucid

// predict: what the model answers. Raw outputs go to files; on the terminal they are read by the
// kind of output.
#include <ATen/ops/isfinite.h>

#include <chrono>

#include "pellucid/explain/probe.h"
#include "pellucid/input/npy.h"
#include "pellucid/operation/prepared_input.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/exhibit.h"
#include "pellucid/report/pictures.h"
#include "pellucid/report/prediction.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings, InputSettings, MemorySettings {
  std::int64_t top = 5;
  std::vector<std::string> format = {"npy", "json"};
};

constexpr std::string_view formats[] = {"npy", "json", "html"};

constexpr std::array own = {
    option<&Settings::top>("top", "How many classes are listed.").between(1, 1e6).shown_as("K"),
    option<&Settings::format>("format", "Which files are written for each input.").one_of(formats),
};
constexpr auto options =
    all_options(own, input_options<Settings>, memory_options<Settings>, model_options<Settings>);

// Samples that share one model call at most; the Probe may cut further.
constexpr std::int64_t batch_size = 16;

// An output that depends on the input, and its place in the model's answer.
struct Wanted {
  std::size_t output;
  ValueId value;
};

std::vector<Wanted> wanted_outputs(const Graph& graph) {
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const Operand& operand = graph.outputs()[i].operand;
    if (operand.is_value() && graph.value(operand.value()).is_tensor)
      wanted.push_back({i, operand.value()});
  }
  if (wanted.empty()) throw model_error("the model returns no tensor");
  return wanted;
}

class Prediction {
 public:
  Prediction(const Request& request, const Surroundings& surroundings, const Settings& settings)
      : request_(request),
        surroundings_(surroundings),
        settings_(settings),
        model_(surroundings.model->open(settings)),
        wanted_(wanted_outputs(*model_.graph)),
        probe_(surroundings.model->runner(), {.memory_limit = settings.bytes(),
                                              .cancellation = surroundings.cancellation,
                                              .progress = {}}) {}

  Answer run() {
    answer_.document["model"] = model_reference(model_);
    answer_.document["load_seconds"] = surroundings_.model->load_seconds();
    answer_.document["answers"] = Json::array();
    answer_.warnings = model_.warnings;
    for_each_batch(request_, surroundings_, settings_, batch_size, "predicting", answer_,
                   [this](std::span<PreparedInput> batch) { use(batch); });
    answer_.document["chunk"] = probe_.chunk();
    for (const Wanted& each : wanted_) say_guess(each.output);
    return std::move(answer_);
  }

 private:
  void use(std::span<PreparedInput> batch) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<at::Tensor> inputs = stack(batch, surroundings_.model->device());
    std::vector<ValueId> values;
    for (const Wanted& each : wanted_) values.push_back(each.value);
    const std::vector<at::Tensor> outputs = probe_.forward(inputs, values);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::int64_t samples = inputs.front().dim() > 0 ? inputs.front().size(0) : 1;
    std::int64_t first = 0;
    for (const PreparedInput& input : batch) {
      const std::int64_t count = input.tensors.front().data.dim() > 0 ? input.samples() : 1;
      std::vector<at::Tensor> own_outputs;
      for (const at::Tensor& output : outputs) {
        const bool divides = output.dim() > 0 && output.size(0) == samples;
        // Alone it gets all of an output without a batch axis; together nobody could tell whose it
        // is.
        if (!divides && batch.size() > 1) throw model_error("an output has no batch axis");
        own_outputs.push_back(divides ? output.slice(0, first, first + count).cpu() : output.cpu());
      }
      first += count;
      record(input, own_outputs,
             seconds * static_cast<double>(count) / static_cast<double>(samples));
    }
  }

  void record(const PreparedInput& input, const std::vector<at::Tensor>& outputs, double seconds) {
    Json entry = input.document();
    entry["seconds"] = seconds + input.seconds;
    entry["outputs"] = Json::array();
    std::string text = on_one_line(input.name) + "\n";
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::size_t output = wanted_[i].output;
      entry["outputs"].push_back(output_document(input, output, outputs[i], text));
      if (wants("npy")) write_output(input, output, outputs[i]);
    }
    if (wants("json")) {
      Json document = {{"pellucid", PELLUCID_VERSION},
                       {"operation", "predict"},
                       {"model", model_reference(model_)}};
      document.update(entry);
      surroundings_.artefact(
          {input.stem + ".predict.json", "application/json", json_bytes(document)});
    }
    if (surroundings_.exhibit) exhibit(input);
    answer_.document["answers"].push_back(std::move(entry));
    answer_.text += text;
  }

  // What there is to see of the input, for the one-file report.
  void exhibit(const PreparedInput& input) {
    const auto image =
        std::ranges::find(model_.metadata.inputs, InputKind::image, &InputInfo::kind);
    if (image == model_.metadata.inputs.end()) return;
    const auto place = static_cast<std::size_t>(image - model_.metadata.inputs.begin());
    for (std::int64_t n = 0; n < input.samples(); ++n) {
      surroundings_.exhibit(
          to_json(Exhibit{input.name, input.batched ? std::optional(n) : std::nullopt,
                          sight_of(model_, {input.tensors, input.photos, n}, place)}));
    }
  }

  Json output_document(const PreparedInput& input, std::size_t output, const at::Tensor& values,
                       std::string& text) {
    const OutputInfo& info = model_.metadata.outputs[output];
    Json document = {
        {"name", info.name}, {"kind", to_string(info.kind)}, {"guessed", info.guessed}};
    if (wanted_.size() > 1) text += " " + on_one_line(info.name) + "\n";
    // A lone sample of a model without a batch axis is the whole output.
    const bool whole = values.dim() == 0 || values.size(0) != input.samples();
    Json samples = Json::array();
    for (std::int64_t n = 0; n < (whole ? 1 : values.size(0)); ++n) {
      samples.push_back(
          prediction_document(model_, output, whole ? values : values[n], settings_.top));
      if (input.batched && !whole) text.append(" [").append(std::to_string(n)).append("]\n");
      text += prediction_text(samples.back(), surroundings_.language);
    }
    document["samples"] = std::move(samples);
    if (at::isFloatingType(values.scalar_type()) && !at::isfinite(values).all().item<bool>()) {
      answer_.warnings.push_back(
          say(surroundings_.language, "{0}: the output has NaN or infinite values", {input.name}));
    }
    return document;
  }

  void write_output(const PreparedInput& input, std::size_t output, const at::Tensor& values) {
    std::string name = input.stem + ".output";
    if (wanted_.size() > 1) name += "." + file_name_part(model_.metadata.outputs[output].name);
    const bool strip = !input.batched && values.dim() > 0 && values.size(0) == 1;
    surroundings_.artefact(
        {name + ".npy", std::string(npy_media_type), write_npy(strip ? values[0] : values)});
  }

  bool wants(std::string_view format) const {
    return surroundings_.artefact &&
           std::ranges::find(settings_.format, format) != settings_.format.end();
  }

  void say_guess(std::size_t output) {
    const OutputInfo& info = model_.metadata.outputs[output];
    if (!info.guessed || info.kind == OutputKind::other) return;
    answer_.warnings.push_back(
        wanted_.size() == 1
            ? say(surroundings_.language,
                  "the file does not say what its output is: read as {0}, which is a guess "
                  "(--output-kind says it)",
                  {to_string(info.kind)})
            : say(surroundings_.language,
                  "the file does not say what its output {0} is: read as {1}, which is a guess "
                  "(--output-kind says it)",
                  {info.name, to_string(info.kind)}));
  }

  const Request& request_;
  const Surroundings& surroundings_;
  const Settings& settings_;
  const Model& model_;
  std::vector<Wanted> wanted_;
  Probe probe_;
  Answer answer_;
};

Answer run(const Request& request, const Surroundings& surroundings, const Settings& settings) {
  return Prediction(request, surroundings, settings).run();
}

}  // namespace

extern constinit const Operation predict = {
    .name = "predict",
    .group = "Look",
    .summary =
        "Says what the model answers: the likeliest classes with their probabilities, or its raw "
        "numbers.",
    .details =
        "Scores are the model's raw outputs; probabilities are computed from them only where the "
        "outputs are "
        "known to be logits, and a guess is said to be one.",
    .inputs = Inputs::required,
    .options = options,
    .input_by_input = true,
    .formats = formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

// convert: a model of any format as a .pt2 with all its metadata, which holds no code and which
// torch.export.load reads, too.
#include "pellucid/formats/pt2/write_archive.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings {};

// Where to compute is no question: the file holds what the CPU has.
constexpr auto options =
    all_options(std::array{computing_options<Settings>.front()}, reading_options<Settings>);

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  const Model& model = surroundings.model->open(settings);
  const Language language = surroundings.language;
  const pt2::ArchiveWriter writer(model, surroundings.cancellation);
  const Metadata& written = writer.metadata();
  double bytes = 0;
  if (surroundings.artefact) {
    Artefact artefact{file_name_part(model.metadata.name) + ".pt2", "application/zip", {}};
    artefact.write = [&](const ByteSink& sink) {
      writer.write([&](std::span<const std::byte> piece) {
        if (surroundings.cancellation != nullptr) surroundings.cancellation->check();
        sink(piece);
        bytes += static_cast<double>(piece.size());
      });
    };
    surroundings.artefact(std::move(artefact));
  }
  const bool own_sample = !written.sample->recorded_by.empty();
  Answer answer;
  answer.document = {{"model", model_reference(model)},
                     {"bytes", bytes},
                     {"nodes", writer.nodes()},
                     {"batch", writer.dynamic() ? "dynamic" : "fixed"},
                     {"sample", own_sample ? "recorded" : "copied"}};
  Json inputs = Json::array(), outputs = Json::array();
  for (const InputInfo& input : written.inputs) inputs.push_back(input.name);
  for (const OutputInfo& output : written.outputs) outputs.push_back(output.name);
  answer.document["inputs"] = std::move(inputs);
  answer.document["outputs"] = std::move(outputs);
  answer.text =
      on_one_line(model.metadata.name) + "\n" +
      table_text(
          {{say(language, "from"), model.format},
           {say(language, "graph"), say(language, "{0} nodes", {std::to_string(writer.nodes())})},
           {say(language, "batch"), say(language, writer.dynamic() ? "dynamic" : "fixed")},
           {say(language, "sample"),
            own_sample ? say(language, "recorded now: the outputs are this program's own")
                       : say(language, "taken over from the model's file")}});
  answer.warnings = model.warnings;
  answer.warnings.insert(answer.warnings.end(), writer.warnings().begin(), writer.warnings().end());
  return answer;
}

}  // namespace

extern constinit const Operation convert = {
    .name = "convert",
    .group = "Model",
    .summary = "Writes the model as a .pt2 file that holds no code, with all its metadata.",
    .details =
        "torch.export.load reads the file, too, with equal outputs. It keeps preprocessing, labels "
        "and the recorded sample, and names the file it was made of; where there is no sample one "
        "is recorded, of this program's own outputs.",
    .faces = Faces::command_line | Faces::python,
    .options = options,
    .writes = ".pt2",
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

// inspect: what a model's file holds, what a sample takes and what can be asked; the model runs
// once, to count.
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/model_abilities.h"
#include "pellucid/report/model_description.h"
#include "pellucid/report/module_diagram.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings, ReportSettings {
  bool layers = false;
  std::int64_t depth = 0;
};

constexpr std::string_view file_formats[] = {"svg", "html"};

constexpr std::array own = {
    option<&Settings::layers>("layers", "List every layer, with the names that --layer takes."),
    option<&ReportSettings::format, Settings>(
        "format",
        "Files to write: svg, a drawing of the modules; html, the answer as one page that anyone "
        "can open.")
        .one_of(file_formats),
    option<&Settings::depth>("depth",
                             "Modules in the drawing: those with at most so many parts in their "
                             "names; 0: as many as a page can show.")
        .between(0, 16),
};
constexpr auto options = all_options(own, reading_options<Settings>);

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  const Model& model = surroundings.model->open(settings);
  Answer answer;
  answer.document = model_description(model, settings.layers);
  answer.document["load_seconds"] = surroundings.model->load_seconds();
  const std::string& sidecar = surroundings.model->sidecar_name();
  if (!sidecar.empty()) answer.document["supplied_by"] = sidecar;
  answer.warnings = model.warnings;

  Effort effort;
  try {
    effort = measure_effort(model, surroundings.cancellation);
    answer.document.update(effort_document(effort));
  } catch (const Error& error) {
    if (error.fault() == Fault::cancelled) throw;
    answer.warnings.push_back("operations and memory are not counted, as the model did not run: " +
                              std::string(error.what()));
  }
  answer.document["cam_layers"] = cam_layers_document(model);
  answer.document["methods"] = applicable_document(surroundings.catalogue->methods, model);

  if (surroundings.artefact && std::ranges::find(settings.format, "svg") != settings.format.end()) {
    const Diagram diagram =
        module_diagram(model, effort, static_cast<int>(settings.depth), surroundings.language);
    surroundings.artefact({file_name_part(model.metadata.name) + ".modules.svg", "image/svg+xml",
                           draw(diagram, PictureFormat::svg)});
  }
  answer.text = model_description_text(answer.document, surroundings.language) +
                abilities_text(answer.document, settings.layers, surroundings.language);
  return answer;
}

}  // namespace

extern constinit const Operation inspect = {
    .name = "inspect",
    .group = "Model",
    .summary =
        "Shows what a model's file holds, what a sample of it takes, and which layers and methods "
        "can explain it.",
    .details =
        "The model runs once, at the recorded sample or at made-up numbers: operations are those "
        "of convolutions and matrix products, memory is that of the values between the layers.",
    .options = options,
    .formats = file_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

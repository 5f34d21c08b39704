// inspect: what a model's file holds, without running it.
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/report/model_description.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings, ReportSettings {
  bool layers = false;
};

constexpr std::array own = {
    option<&Settings::layers>("layers", "List every layer, with the names that --layer takes."),
};
constexpr auto options = all_options(own, reading_options<Settings>, report_options<Settings>);

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  const Model& model = surroundings.model->open(settings);
  Answer answer;
  answer.document = model_description(model, settings.layers);
  answer.document["load_seconds"] = surroundings.model->load_seconds();
  const std::string& sidecar = surroundings.model->sidecar_name();
  if (!sidecar.empty()) answer.document["supplied_by"] = sidecar;
  answer.text = model_description_text(answer.document, surroundings.language);
  answer.warnings = model.warnings;
  return answer;
}

}  // namespace

extern constinit const Operation inspect = {
    .name = "inspect",
    .group = "Model",
    .summary =
        "Shows what a model's file holds: inputs, outputs, preprocessing, labels, layers, "
        "identity.",
    .options = options,
    .formats = report_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

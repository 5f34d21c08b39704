// check: does this program give the answers that the training framework gave? Re-runs the sample
// recorded in the file, and compares the gradient with differences of the model's own outputs.
#include <cmath>

#include "pellucid/base/phrases.h"
#include "pellucid/explain/probe.h"
#include "pellucid/model/gradient_check.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings, ReportSettings {
  double tolerance = 1e-4;
};

constexpr std::array own = {
    option<&Settings::tolerance>(
        "tolerance", "Largest difference of outputs that passes, relative to the largest output.")
        .between(0, 1),
};
constexpr auto options = all_options(own, model_options<Settings>, report_options<Settings>);

struct Difference {
  double absolute = 0, relative = 0;
};

Difference difference(const at::Tensor& ours, const at::Tensor& recorded) {
  const at::Tensor a = ours.to(at::kDouble), b = recorded.to(at::kDouble);
  if (a.numel() == 0) return {};
  // Equal infinities and NaN at the same places are agreement.
  const at::Tensor same = a.eq(b).logical_or(a.ne(a).logical_and(b.ne(b)));
  const double largest = b.nan_to_num(0, 0, 0).abs().max().item<double>();
  double absolute = (a - b).abs().masked_fill(same, 0).max().item<double>();
  if (std::isnan(absolute)) absolute = INFINITY;
  return {absolute, absolute == 0 ? 0 : absolute / std::max(largest, 1e-12)};
}

Check passed_if(bool good, std::string name, double value, double threshold, std::string words) {
  return {std::move(name), good ? "pass" : "fail", value, threshold, std::move(words)};
}

const SampleTensor* find(const std::vector<SampleTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &SampleTensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

class Checking {
 public:
  Checking(const Surroundings& surroundings, const Settings& settings)
      : surroundings_(surroundings),
        settings_(settings),
        model_(surroundings.model->open(settings)) {}

  Answer run() {
    if (model_.metadata.sample) {
      note_own_sample();
      check_outputs();
      check_preprocessing();
      check_gradients();
    } else {
      checks_.push_back(
          {"outputs",
           "info",
           {},
           {},
           tell("the file has no recorded sample: nothing to compare with; export it with "
                "pellucid.export, which records one")});
    }
    return answer();
  }

 private:
  std::string tell(std::string_view text,
                   std::initializer_list<std::string_view> values = {}) const {
    return say(surroundings_.language, text, values);
  }

  // In the graph's order; none when one is missing.
  std::vector<at::Tensor> sample_inputs() const {
    std::vector<at::Tensor> inputs;
    for (const InputInfo& input : model_.metadata.inputs) {
      const SampleTensor* tensor = find(model_.metadata.sample->inputs, input.name);
      if (tensor == nullptr) return {};
      inputs.push_back(tensor->data.to(surroundings_.model->device()));
    }
    return inputs;
  }

  // Agreement with what this program itself answered proves less than with a framework's.
  void note_own_sample() {
    const std::string& who = model_.metadata.sample->recorded_by;
    if (who.empty()) return;
    checks_.push_back({"sample",
                       "info",
                       {},
                       {},
                       tell("the sample's outputs were recorded by {0}, not by the framework that "
                            "trained the model",
                            {on_one_line(who)})});
  }

  static bool is_of_outputs(const Check& check) { return check.name.starts_with("outputs"); }

  void check_outputs() {
    const Graph& graph = *model_.graph;
    const std::vector<at::Tensor> inputs = sample_inputs();
    if (inputs.empty()) {
      checks_.push_back({"outputs", "fail", {}, {}, tell("the recorded sample lacks an input")});
      return;
    }
    Probe probe(surroundings_.model->runner(),
                {.cancellation = surroundings_.cancellation, .progress = {}});
    for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
      const Operand& operand = graph.outputs()[i].operand;
      const std::string& name = model_.metadata.outputs[i].name;
      const SampleTensor* recorded = find(model_.metadata.sample->outputs, name);
      if (recorded == nullptr || !operand.is_value() || !graph.value(operand.value()).is_tensor)
        continue;
      const ValueId wanted[] = {operand.value()};
      compare(name, probe.forward(inputs, wanted).front().cpu(), recorded->data);
    }
    if (std::ranges::none_of(checks_, &is_of_outputs))
      checks_.push_back({"outputs", "warn", {}, {}, tell("the recorded sample has no outputs")});
  }

  void compare(const std::string& output, const at::Tensor& ours, const at::Tensor& recorded) {
    const std::string name = output.empty() ? "outputs" : "outputs." + output;
    if (ours.sizes() != recorded.sizes()) {
      checks_.push_back(
          {name, "fail", {}, {}, tell("the output has another shape than the recorded one")});
      return;
    }
    const Difference d = difference(ours, recorded);
    Check check = passed_if(
        d.relative <= settings_.tolerance, name, d.relative, settings_.tolerance,
        tell("largest difference from the recorded output {0}, relative {1} (allowed {2})",
             {number(d.absolute, 3), number(d.relative, 3), number(settings_.tolerance, 3)}));
    checks_.push_back(std::move(check));
  }

  void check_preprocessing() {
    for (const auto& [input, photo] : model_.metadata.sample->photos) {
      const auto info = std::ranges::find(model_.metadata.inputs, input, &InputInfo::name);
      const SampleTensor* recorded = find(model_.metadata.sample->inputs, input);
      if (info == model_.metadata.inputs.end() || recorded == nullptr || !info->preprocessing) {
        checks_.push_back(
            {"preprocessing",
             "info",
             {},
             {},
             tell("a photo is recorded for the input {0}, but no preprocessing", {input})});
        continue;
      }
      const Picture picture = decode_picture(photo, {}, tell("the recorded photo"));
      const Prepared prepared = prepare(picture, *info->preprocessing);
      check_pixels(*info->preprocessing, prepared.tensor, recorded->data);
    }
  }

  // In levels of a pixel: a difference that one rounding explains is none.
  void check_pixels(const Preprocessing& preprocessing, const at::Tensor& ours,
                    const at::Tensor& recorded) {
    if (recorded.dim() != ours.dim() + 1 || recorded.sizes().slice(1) != ours.sizes()) {
      checks_.push_back(
          {"preprocessing",
           "fail",
           {},
           {},
           tell("the photo becomes a tensor of another shape than the recorded one")});
      return;
    }
    const double spread = *std::ranges::max_element(preprocessing.std);
    const double levels = difference(ours, recorded[0]).absolute * spread / preprocessing.scale;
    // Pillow's resizing is reproduced to the bit; 2 levels is what enlarging may differ by.
    constexpr double allowed = 2;
    checks_.push_back(passed_if(levels <= allowed, "preprocessing", levels, allowed,
                                tell("the recorded photo differs from the recorded tensor by {0} "
                                     "of 255 levels (allowed {1})",
                                     {number(levels, 3), number(allowed, 3)})));
  }

  // Always anew: whoever asks for a check does not want a remembered one.
  void check_gradients() {
    const std::vector<at::Tensor> inputs = sample_inputs();
    if (inputs.empty()) return;
    try {
      const GradientCheck gradient = check_gradient(*surroundings_.model->runner(), model_.graph,
                                                    inputs, surroundings_.cancellation);
      keep_gradient_check(model_.fingerprint, gradient);
      const std::string error = number(gradient.error, 3), allowed = number(gradient.threshold, 3);
      Check check = passed_if(
          gradient.passed(), "gradient", gradient.error, gradient.threshold,
          tell("the gradient differs from finite differences by {0} of its size (allowed {1})",
               {error, allowed}));
      // What the model's author asked for is no defect: PyTorch gives the same gradient.
      const std::string cut = gradient_cut(*model_.graph);
      if (!gradient.passed() && !cut.empty()) {
        check.verdict = "warn";
        check.words = tell(
            "the model cuts its own gradient ({0}): maps do not see what flows there, {1} of the "
            "output's change",
            {cut, error});
      }
      if (gradient.flat) {
        check.verdict = "info";
        check.words =
            tell("the outputs do not change around the sample: its gradient can't be checked");
      }
      checks_.push_back(std::move(check));
    } catch (const Error& error) {
      if (error.fault() == Fault::cancelled) throw;
      checks_.push_back({"gradient",
                         "info",
                         {},
                         {},
                         tell("the gradient could not be checked: {0}",
                              {line_of(error, surroundings_.language)})});
    }
  }

  Answer answer() {
    Answer result;
    const bool failed =
        std::ranges::any_of(checks_, [](const Check& check) { return check.verdict == "fail"; });
    const bool compared =
        std::ranges::any_of(checks_, [](const Check& check) { return check.verdict == "pass"; });
    result.document["model"] = model_reference(model_);
    result.document["verdict"] = failed ? "fail" : compared ? "pass" : "info";
    result.document["checks"] = Json::array();
    Table rows;
    for (const Check& check : checks_) {
      result.document["checks"].push_back(to_json(check));
      rows.push_back({std::string(translated(surroundings_.language, check.verdict)), check.name,
                      check.words});
    }
    result.text = on_one_line(model_.metadata.name) + "\n" + table_text(rows);
    const bool only_gradient = std::ranges::none_of(checks_, [](const Check& check) {
      return check.verdict == "fail" && check.name != "gradient";
    });
    if (failed) {
      result.text += (only_gradient ? tell("Maps of this model that need a gradient are wrong.")
                                    : tell("This program does not reproduce what the model's file "
                                           "recorded.")) +
                     "\n";
    }
    result.warnings = model_.warnings;
    result.verdict_failed = failed;
    return result;
  }

  const Surroundings& surroundings_;
  const Settings& settings_;
  const Model& model_;
  std::vector<Check> checks_;
};

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  return Checking(surroundings, settings).run();
}

}  // namespace

extern constinit const Operation check = {
    .name = "check",
    .group = "Model",
    .summary = "Re-runs the sample recorded in the model's file and reports every difference.",
    .details =
        "Compared are the outputs, the preprocessing of the recorded photo with the recorded "
        "tensor, and the "
        "gradient with differences of the outputs in float64.",
    .options = options,
    .formats = report_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

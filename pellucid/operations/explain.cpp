// explain: one map per input, target, layer and method, with its picture, numbers and checks.
//
// Order: load → read inputs → ask the method, which settles the targets → check → write. The
// gradient self-check of a model that was never checked runs after the pictures and arrays are out,
// so that it delays only the records.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>

#include <chrono>

#include "pellucid/explain/inputs.h"
#include "pellucid/explain/target.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/input/npy.h"
#include "pellucid/model/layers.h"
#include "pellucid/operation/baselines.h"
#include "pellucid/operation/checked_gradient.h"
#include "pellucid/operation/prepared_input.h"
#include "pellucid/operations/explain/file_names.h"
#include "pellucid/operations/explain/record.h"
#include "pellucid/operations/explain/settings.h"
#include "pellucid/render/heading.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/exhibit.h"
#include "pellucid/report/pictures.h"
#include "pellucid/report/prediction.h"

namespace pellucid {
namespace {

using Settings = ExplainSettings;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t batch_size = 16, likeliest = 5;

class Explaining {
 public:
  Explaining(const Request& request, const Surroundings& surroundings, const Settings& settings)
      : request_(request),
        surroundings_(surroundings),
        settings_(settings),
        model_(surroundings.model->open(settings)),
        targets_(parse_targets(asked_targets(), model_)),
        branches_(decided_by_data(*model_.graph)),
        baselines_(settings.baseline, model_, settings, surroundings),
        pictures_(wanted_pictures()),
        lettering_(pictures_.empty() ? surroundings.language
                                     : drawable_language(fonts_, surroundings.language)) {
    for (const std::string& name : settings.method)
      methods_.push_back(&surroundings.catalogue->method(name));
    method_settings_ = method_settings(methods_, request.settings);
    for (const std::string& words : settings.layer)
      layers_.push_back(find_layer(*model_.graph, words));
    if (!layers_.empty() &&
        std::ranges::none_of(methods_, [](const Method* m) { return m->uses_layer; })) {
      throw usage_error("none of the chosen methods looks at a layer")
          .at("layer")
          .hint("leave out --layer, or take grad_cam");
    }
    if (settings.baseline != Settings{}.baseline &&
        std::ranges::none_of(methods_, [](const Method* m) { return m->uses_baseline; })) {
      throw usage_error("none of the chosen methods starts from a baseline")
          .at("baseline")
          .hint("leave out --baseline, or take integrated_gradients");
    }
  }

  Answer run() {
    answer_.document["model"] = model_reference(model_);
    answer_.document["load_seconds"] = surroundings_.model->load_seconds();
    answer_.warnings = model_.warnings;
    answer_.document["answers"] = Json::array();
    for_each_batch(request_, surroundings_, settings_, batch_size, "explaining", answer_,
                   [this](std::span<PreparedInput> batch) { use(batch); });
    finish();
    return std::move(answer_);
  }

 private:
  std::vector<std::string> asked_targets() const {
    return settings_.target.empty() ? default_targets(model_) : settings_.target;
  }
  bool wants(std::string_view format) const {
    return surroundings_.artefact &&
           std::ranges::find(settings_.format, format) != settings_.format.end();
  }

  std::vector<PictureKind> wanted_pictures() const {
    std::vector<PictureKind> kinds;
    std::ranges::copy_if(picture_kinds, std::back_inserter(kinds),
                         [this](const PictureKind& kind) { return wants(kind.name); });
    return kinds;
  }

  void use(std::span<PreparedInput> batch) {
    Question question = question_about(batch);
    if (question_for_check_.inputs.empty()) question_for_check_ = question;
    // The files of a batch are written only when all of it is answered: a batch that fails is tried
    // one by one, and nothing may be there twice.
    Answered answered{batch, {}, {}, {}, {}};
    Probe probe(surroundings_.model->runner(), probe_settings(),
                {data_of(question), [this](const Target& target, const auto& outputs) {
                   return settle(target, model_, outputs);
                 }});
    std::vector<Error> refused;
    for (std::size_t m = 0; m < methods_.size(); ++m) {
      try {
        ask_all(question, m, probe, answered);
      } catch (const Error& error) {
        // What one method can't do the others may; of a batch it is found out one by one.
        const bool own = error.where().ends_with(place_of(*methods_[m])) &&
                         error.fault() != Fault::cancelled && error.fault() != Fault::storage;
        if (!own || batch.size() > 1) throw;
        refused.push_back(error);
      }
    }
    if (refused.size() == methods_.size()) throw refused.front();
    for (Error& error : refused) answer_.failures.push_back({batch.front().name, std::move(error)});
    for (Artefact& artefact : answered.artefacts) surroundings_.artefact(std::move(artefact));
    for (const auto& [key, exhibit] : answered.exhibits) surroundings_.exhibit(to_json(exhibit));
    for (const Record& record : answered.records) {
      const std::string line = explanation_line(record.document, surroundings_.language);
      if (surroundings_.text)
        surroundings_.text(line);
      else
        answer_.text += line;
    }
    records_.insert(records_.end(), std::make_move_iterator(answered.records.begin()),
                    std::make_move_iterator(answered.records.end()));
  }

  Question question_about(std::span<PreparedInput> batch) {
    Question question;
    question.model = &model_;
    question.seed = static_cast<std::uint64_t>(settings_.seed);
    question.baseline = settings_.baseline;
    const std::vector<at::Tensor> data = stack(batch, surroundings_.model->device());
    for (std::size_t i = 0; i < data.size(); ++i) {
      question.inputs.push_back(batch.front().tensors[i]);
      question.inputs.back().data = data[i];
      if (data[i].dim() == 0)
        throw usage_error("the model's input \"" + question.inputs[i].name +
                          "\" has no batch axis: single numbers can't be explained");
    }
    const bool needed =
        std::ranges::any_of(methods_, [](const Method* method) { return method->uses_baseline; });
    if (needed) question.baselines = baselines_.of(question);
    return question;
  }

  ProbeSettings probe_settings() const {
    // Of a single batch the steps are told; of more the inputs are, by for_each_batch.
    const bool one_batch = request_.inputs.size() <= batch_size;
    return {.chunk = settings_.chunk,
            .memory_limit = settings_.bytes(),
            .cancellation = surroundings_.cancellation,
            .progress = one_batch ? surroundings_.progress : ProgressSink{},
            .several_targets = targets_.size() > 1};
  }

  // What a batch came to so far.
  struct Answered {
    std::span<const PreparedInput> batch;
    std::vector<at::Tensor> outputs;  // of the model, raw
    std::vector<Artefact> artefacts;
    std::vector<Record> records;
    // By input, sample and which of the model's inputs is shown.
    std::map<std::tuple<const PreparedInput*, std::int64_t, std::size_t>, Exhibit> exhibits;
  };

  static std::string place_of(const Method& method) { return "method " + std::string(method.name); }

  // About every layer and target.
  void ask_all(Question& question, std::size_t m, Probe& probe, Answered& answered) {
    const bool layered = methods_[m]->uses_layer && !layers_.empty();
    for (std::size_t l = 0; l < (layered ? layers_.size() : 1); ++l) {
      question.layer.reset();
      question.layer_name.clear();
      if (layered) {
        question.layer = layers_[l].value;
        question.layer_name = layers_[l].name;
      }
      for (const Target& target : targets_) {
        question.targets.assign(static_cast<std::size_t>(question.batch()), target);
        ask(question, m, probe, answered);
      }
    }
  }

  void ask(Question& question, std::size_t m, Probe& probe, Answered& answered) {
    const Method& method = *methods_[m];
    const auto start = Clock::now();
    probe.start_counting();
    Attribution attribution = [&] {
      try {
        return method.explain(question, probe, method_settings_[m]);
      } catch (Error& error) {
        // A wrong target is no matter of the method that met it first.
        throw error.where().starts_with("target") ? error : error.at(place_of(method));
      }
    }();
    question.targets = probe.settled(question.targets);
    answered.outputs = probe.outputs(data_of(question));
    const Target& target = question.targets.front();
    for (Map& map : attribution.maps) {
      map.scores = map.scores.cpu();
      map.unit = unit_of(map, target, model_);
      // Of a difference both signs mean something: one class each.
      if (target.kind == Target::Kind::difference) map.positive_part = false;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const Json cost = cost_document(probe, surroundings_.model->runner()->batch_mode(), seconds,
                                    question.batch());
    std::int64_t first = 0;
    for (const PreparedInput& input : answered.batch) {
      answer_one(input, first, question, m, attribution, cost, answered);
      first += input.samples();
    }
  }

  // What one sample's map comes to: its files, and its record for later.
  void answer_one(const PreparedInput& input, std::int64_t first, const Question& question,
                  std::size_t m, const Attribution& attribution, const Json& cost,
                  Answered& answered) {
    const Method& method = *methods_[m];
    const std::string stem =
        file_stem(input, question, first, method, {targets_.size() > 1, layers_.size() > 1});
    for (std::int64_t n = first; n < first + input.samples(); ++n) {
      const Target& target = question.targets[static_cast<std::size_t>(n)];
      Record record{stem + (input.batched ? "." + std::to_string(n - first) : "") + ".json",
                    {{"pellucid", PELLUCID_VERSION},
                     {"operation", "explain"},
                     {"model", model_reference(model_)}},
                    method.needs == Needs::gradient};
      Json& document = record.document;
      document.update(input.document());
      if (input.batched) document["sample"] = n - first;
      const Scored scored = score(model_, target, answered.outputs, n, lettering_);
      document["target"] = scored.document;
      document["prediction"] = prediction(target, answered.outputs, n);
      document["method"] = {
          {"name", method.name}, {"title", method.title}, {"settings", full_settings(m)}};
      if (method.uses_baseline) document["baseline"] = question.baseline;
      document["seed"] = question.seed;
      document["threads"] = at::get_num_threads();
      document["precision"] = "fp32";
      document["cost"] = cost;
      if (!attribution.notes.empty()) document["notes"] = attribution.notes;
      document["maps"] = Json::array();
      std::vector<Check> checks = attribution.checks[static_cast<std::size_t>(n)];
      if (std::optional<Check> check = check_of_score(scored)) checks.push_back(std::move(*check));
      if (method.needs == Needs::gradient && !branches_.empty())
        checks.push_back(check_of_branches(branches_));
      Caption caption = caption_of(scored, method, attribution, checks, question, lettering_);
      caption.language = surroundings_.language;
      for (std::size_t i = 0; i < attribution.maps.size(); ++i) {
        const Map& map = attribution.maps[i];
        const at::Tensor sample = map.scores[n];
        for (Check& check : basic_checks(sample)) checks.push_back(std::move(check));
        const std::string file = stem + suffix_of(map, attribution);
        if (surroundings_.exhibit) exhibit(input, n - first, i, map, sample, answered);
        Json entry = map_document(map, sample, model_.metadata.inputs[shown_input(model_, map)]);
        if (wants("npy")) entry["file"] = file + ".npy";
        document["maps"].push_back(std::move(entry));
        const std::string picture = file + (input.batched ? "." + std::to_string(n - first) : "");
        draw(input, n - first, map, sample, caption, picture, answered.artefacts);
      }
      for (const std::string& warning : model_.warnings)
        checks.push_back({"model", "warn", {}, {}, warning});
      document["checks"] = Json::array();
      for (const Check& check : checks) {
        document["checks"].push_back(to_json(check));
        if (check.verdict != "pass" && check.verdict != "info" && check.name != "model") {
          answer_.warnings.push_back(input.name + ", " + std::string(method.name) + ": " +
                                     check.words);
        }
      }
      answered.records.push_back(std::move(record));
    }
    if (wants("npy")) {
      for (const Map& map : attribution.maps) {
        const at::Tensor mine = map.scores.slice(0, first, first + input.samples());
        answered.artefacts.push_back({stem + suffix_of(map, attribution) + ".npy",
                                      std::string(npy_media_type),
                                      write_npy(input.batched ? mine : mine[0])});
      }
    }
  }

  // What the model said: of the output that was explained.
  Json prediction(const Target& target, std::span<const at::Tensor> outputs, std::int64_t n) const {
    const auto output = static_cast<std::size_t>(target.output);
    return prediction_document(model_, output, outputs[output][n].cpu(), likeliest);
  }

  // The k-th map of the record that comes next.
  void exhibit(const PreparedInput& input, std::int64_t n, std::size_t k, const Map& map,
               const at::Tensor& scores, Answered& answered) {
    const std::size_t shown = shown_input(model_, map);
    std::optional<Json> entry =
        map_entry(map, scores, input.tensors[shown].data[n], model_.metadata.inputs[shown]);
    if (!entry) return;
    (*entry)["answer"] = records_.size() + answered.records.size();
    (*entry)["map"] = k;
    Exhibit& exhibit = answered.exhibits[{&input, n, shown}];
    if (exhibit.maps.empty()) {
      exhibit.name = input.name;
      if (input.batched) exhibit.sample = n;
      exhibit.sight = sight_of(model_, {input.tensors, input.photos, n}, shown);
    }
    exhibit.maps.push_back(std::move(*entry));
  }

  Json full_settings(std::size_t m) const {
    Json all = methods_[m]->defaults();
    all.update(method_settings_[m]);
    return all;
  }

  void draw(const PreparedInput& input, std::int64_t n, const Map& map, const at::Tensor& sample,
            const Caption& caption, const std::string& name, std::vector<Artefact>& artefacts) {
    if (pictures_.empty()) return;
    std::vector<std::vector<std::byte>> drawn =
        pictures(model_, {input.tensors, input.photos, n}, map, sample, caption,
                 {settings_.alpha, settings_.colormap}, pictures_, fonts_);
    if (drawn.empty()) {
      const std::string said = say(
          surroundings_.language,
          "{0}: a map of this shape has no picture; its numbers are in the .npy file", {map.name});
      if (std::ranges::find(answer_.warnings, said) == answer_.warnings.end())
        answer_.warnings.push_back(said);
    }
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      artefacts.push_back({name + "." + std::string(pictures_[i].name),
                           std::string(pictures_[i].media_type), std::move(drawn[i])});
    }
  }

  // After the answers are out: the self-check of the gradient, then all records, which carry it.
  void finish() {
    Json gradient = nullptr;
    const bool needed =
        std::ranges::any_of(records_, [](const Record& record) { return record.uses_gradient; });
    if (needed) {
      std::vector<at::Tensor> sample;
      for (const NamedTensor& input : question_for_check_.inputs)
        sample.push_back(input.data.slice(0, 0, 1));
      gradient = checked_gradient(model_, sample, surroundings_, answer_.warnings);
    }
    for (Record& record : records_) {
      if (record.uses_gradient && !gradient.is_null()) record.document["gradient_check"] = gradient;
      if (wants("json"))
        surroundings_.artefact({record.file, "application/json", json_bytes(record.document)});
      answer_.document["answers"].push_back(std::move(record.document));
    }
  }

  const Request& request_;
  const Surroundings& surroundings_;
  const Settings& settings_;
  const Model& model_;
  std::vector<Target> targets_;  // as they were asked for
  std::vector<const Method*> methods_;
  std::vector<Json> method_settings_;
  std::vector<Layer> layers_;
  std::vector<std::string> branches_;  // where the input decides which way the graph goes
  Baselines baselines_;
  Question question_for_check_;  // the first that was asked
  Fonts fonts_;
  std::vector<PictureKind> pictures_;  // that are asked for
  Language lettering_;                 // of what stands in pictures: a font must have it
  std::vector<Record> records_;
  Answer answer_;
};

Answer run(const Request& request, const Surroundings& surroundings, const Settings& settings) {
  return Explaining(request, surroundings, settings).run();
}

}  // namespace

extern constinit const Operation explain = {
    .name = "explain",
    .group = "Look",
    .summary =
        "Shows what in the input spoke for the answer: a map with its picture, its numbers and its "
        "checks.",
    .details =
        "The scores are raw and signed; only the picture scales them. The .json record says how "
        "the map was made and what is known of its trustworthiness.",
    .inputs = Inputs::required,
    .options = explain_options,
    .takes_settings = true,
    .input_by_input = true,
    .formats = explain_formats,
    .defaults = settings_of<run, explain_options>,
    .run = operate<run, explain_options>,
};

}  // namespace pellucid

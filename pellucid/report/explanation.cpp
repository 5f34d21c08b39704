#include "pellucid/report/explanation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "pellucid/base/phrases.h"
#include "pellucid/render/heading.h"

namespace pellucid {
namespace {

at::Tensor as_chw(const at::Tensor& sample, const InputInfo& info) {
  return channels_last(info) ? sample.permute({2, 0, 1}) : sample;
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

std::optional<Sight> sight_of_tensor(const at::Tensor& sample, const InputInfo& info) {
  if (sample.dim() != 3) return std::nullopt;
  at::Tensor picture = as_chw(sample, info).to(at::kFloat);
  if (picture.size(0) != 3 && picture.size(0) != 1) return std::nullopt;
  if (info.preprocessing && info.preprocessing->channels() == picture.size(0)) {
    const Preprocessing& how = *info.preprocessing;
    const auto column = [&](const std::vector<double>& values) {
      return at::tensor(values, picture.options()).reshape({-1, 1, 1});
    };
    picture = (picture * column(how.std) + column(how.mean)) * (1 / how.scale);
    if (how.color == Preprocessing::Color::bgr) picture = picture.flip(0);
  } else {
    const double low = picture.min().item<double>(), high = picture.max().item<double>();
    picture = (picture - low) * (255 / std::max(high - low, 1e-12));
  }
  Sight sight;
  picture = picture.nan_to_num(0, 255, 0).round().clamp(0, 255).to(at::kByte).permute({1, 2, 0});
  sight.photo.pixels = picture.expand({picture.size(0), picture.size(1), 3}).contiguous();
  sight.photo.height = static_cast<int>(picture.size(0));
  sight.photo.width = static_cast<int>(picture.size(1));
  return sight;
}

std::string_view to_string(Reduction reduction) {
  switch (reduction) {
    case Reduction::none:
      return "none";
    case Reduction::sum:
      return "sum";
    case Reduction::largest:
      return "largest";
  }
  return "";
}

std::optional<Plane> plane_of(const Map& map, const at::Tensor& sample, const InputInfo& info) {
  if (map.coordinates == Coordinates::layer)
    return sample.dim() == 2 ? std::optional(Plane{sample}) : std::nullopt;
  if (sample.dim() != 3) return std::nullopt;
  const at::Tensor scores = as_chw(sample, info);
  if (scores.size(0) == 1) return Plane{scores[0]};
  if (scores.size(0) > 4) return std::nullopt;  // not the channels of a picture
  if (scores.min().item<double>() >= 0)
    return Plane{std::get<0>(scores.max(0)), Reduction::largest};
  return Plane{scores.sum(0), Reduction::sum};
}

std::string unit_of(const Map& map, const Target& target, const Model& model) {
  constexpr std::string_view placeholder = "target";
  if (!map.unit.starts_with(placeholder)) return map.unit;
  const auto quantity = [&]() -> std::string {
    if (target.kind == Target::Kind::unit) return "activation";
    switch (model.metadata.outputs[static_cast<std::size_t>(target.output)].kind) {
      case OutputKind::logits:
      case OutputKind::multilabel:
      case OutputKind::binary:
        return "logit";
      case OutputKind::probabilities:
        return "probability";
      default:
        return "score";
    }
  };
  return quantity() + map.unit.substr(placeholder.size());
}

Json map_document(const Map& map, const at::Tensor& sample, const InputInfo& info) {
  const at::Tensor wide = sample.to(at::kDouble);
  const bool any = sample.numel() > 0;
  const double sum = any ? wide.sum().item<double>() : 0;
  Json document = {{"name", map.name},
                   {"coordinates", map.coordinates == Coordinates::input ? "input" : "layer"},
                   {"shape", sample.sizes().vec()},
                   {"unit", map.unit},
                   {"positive_part_drawn", map.positive_part},
                   {"smallest", finite_or_null(any ? wide.min().item<double>() : 0)},
                   {"largest", finite_or_null(any ? wide.max().item<double>() : 0)},
                   {"mean", finite_or_null(any ? sum / static_cast<double>(sample.numel()) : 0)},
                   {"sum", finite_or_null(sum)}};
  if (sample.dim() == 1 && map.coordinates == Coordinates::input && !info.features.empty())
    document["features"] = info.features;
  if (const std::optional<Plane> plane = any ? plane_of(map, sample, info) : std::nullopt) {
    document["plane"] = {{"height", plane->scores.size(0)},
                         {"width", plane->scores.size(1)},
                         {"reduction", to_string(plane->reduction)}};
  }
  return document;
}

std::vector<Check> basic_checks(const at::Tensor& sample) {
  std::vector<Check> checks;
  const std::int64_t finite = at::isfinite(sample).sum().item<std::int64_t>();
  const std::int64_t missing = sample.numel() - finite;
  checks.push_back({"finite", missing == 0 ? "pass" : "fail", static_cast<double>(missing), 0.0,
                    missing == 0
                        ? "Every score is a finite number."
                        : std::to_string(missing) + " of " + std::to_string(sample.numel()) +
                              " scores are NaN or infinite."});
  // A single number has no places to differ between: it says nothing only where it is 0.
  const bool constant = missing == 0 && finite > 0 &&
                        sample.min().item<double>() == sample.max().item<double>() &&
                        (finite > 1 || sample.item<double>() == 0);
  const bool flat = finite == 0 || constant;
  checks.push_back({"flat",
                    flat ? "fail" : "pass",
                    {},
                    {},
                    !flat && sample.numel() == 1 ? "The map is one number, and it is not 0."
                    : !flat                      ? "The scores differ from place to place."
                    : finite == 0                ? "No attribution: no score is a finite number."
                                                 : "No attribution: the map is constant " +
                                        number(sample.flatten()[0].item<double>()) + "."});
  return checks;
}

Scored score(const Model& model, const Target& target, std::span<const at::Tensor> outputs,
             std::int64_t n, Language language) {
  Scored scored{{{"text", target.text}}, target.text, target.text, false};
  if (target.kind == Target::Kind::unit) return scored;
  const OutputInfo& info = model.metadata.outputs[static_cast<std::size_t>(target.output)];
  const at::Tensor output = outputs[static_cast<std::size_t>(target.output)].slice(0, n, n + 1);
  const double value = target.of(output).item<double>();
  scored.document["index"] = target.index;
  if (target.kind == Target::Kind::difference) scored.document["against"] = target.against;
  if (target.kind == Target::Kind::places)
    scored.document["places"] = target.mask.sum().item<std::int64_t>();
  scored.document["score"] = value;
  scored.document["output_kind"] = to_string(info.kind);
  scored.document["output_kind_guessed"] = info.guessed;
  scored.title_without_label =
      target.kind == Target::Kind::difference
          ? "class " + std::to_string(target.index) + " − " + std::to_string(target.against)
          : "class " + std::to_string(target.index);
  std::string number_text = say(language, "score {0}", {number(value)});
  std::optional<double> probability;
  if (target.kind == Target::Kind::entry) {
    if (info.kind == OutputKind::logits)
      probability = output.to(at::kDouble).softmax(1)[0][target.index].item<double>();
    if (info.kind == OutputKind::probabilities) probability = value;
    if (info.kind == OutputKind::multilabel) probability = 1 / (1 + std::exp(-value));
  }
  // Of a score that is no number there is no share.
  if (probability && std::isfinite(*probability)) {
    scored.document["probability"] = *probability;
    number_text = number(100 * *probability, 3) + " %";
    scored.guessed = info.guessed;
  }
  scored.title += ", " + number_text;
  scored.title_without_label += ", " + number_text;
  return scored;
}

Check check_of_branches(std::span<const std::string> nodes) {
  constexpr std::size_t most_named = 3;
  std::string named;
  for (std::size_t i = 0; i < std::min(nodes.size(), most_named); ++i)
    named += (i == 0 ? "" : ", ") + nodes[i];
  if (nodes.size() > most_named)
    named += " and " + std::to_string(nodes.size() - most_named) + " more";
  return {"control_flow",
          "info",
          static_cast<double>(nodes.size()),
          {},
          "The input decides which way the model goes (" + named +
              "): the gradient follows the way taken and says nothing of the others."};
}

std::optional<Check> check_of_score(const Scored& scored) {
  const double said = scored.document.value("score", 0.0);
  if (std::isfinite(said)) return std::nullopt;
  return Check{"score", "fail", said, {}, "No attribution: the score is " + number(said) + "."};
}

Caption caption_of(const Scored& scored, const Method& method, const Attribution& attribution,
                   const std::vector<Check>& checks, const Question& question, Language language) {
  Caption caption;
  caption.language = language;
  caption.title = scored.title;
  caption.title_without_label = scored.title_without_label;
  caption.subtitle = std::string(translated(language, method.title));
  const Map& map = attribution.maps.front();
  if (map.coordinates == Coordinates::layer) caption.subtitle += " · " + map.name;
  if (method.uses_baseline)
    caption.subtitle += " · " + say(language, "baseline {0}", {question.baseline});
  if (!question.model->metadata.name.empty())
    caption.subtitle += " · " + question.model->metadata.name;
  if (scored.guessed)
    caption.notes.push_back(say(language, "the output is taken for logits: a guess"));
  for (const Check& check : checks) {
    if (check.verdict == "warn" || check.verdict == "fail")
      caption.alarms.push_back(rephrased(language, check.words));
  }
  return caption;
}

std::string explanation_line(const Json& document, Language language) {
  std::string line = on_one_line(document["input"].get<std::string>());
  if (document.contains("sample"))
    line += " [" + std::to_string(document["sample"].get<std::int64_t>()) + "]";
  line += ": " + on_one_line(document["target"]["text"].get<std::string>());
  if (document["target"].contains("probability"))
    line += ", " + number(100 * document["target"]["probability"].get<double>(), 3) + " %";
  else if (document["target"].contains("score"))
    line += ", " + say(language, "score {0}", {number(document["target"]["score"].get<double>())});
  line += " · " + document["method"]["name"].get<std::string>();
  if (document.contains("baseline"))
    line += " · " +
            say(language, "baseline {0}", {on_one_line(document["baseline"].get<std::string>())});
  const Json& map = document["maps"].front();
  if (map["coordinates"] == "layer" && !document.contains("notes"))
    line += " · " + say(language, "layer {0}", {on_one_line(map["name"].get<std::string>())});
  for (const Json& check : document["checks"]) {
    if (check["name"] == "completeness_gap")
      line += " · " + say(language, "completeness gap {0} %",
                          {number(100 * check["value"].get<double>(), 3)});
  }
  for (const Json& note : document.value("notes", Json::array()))
    line += " · " + on_one_line(rephrased(language, note.get<std::string>()));
  return line + " · " + human_seconds(document["cost"]["seconds_per_sample"].get<double>()) + "\n";
}

Panel panel_of(const Map& map, const at::Tensor& plane, const Sight& sight, const Caption& caption,
               const Look& look) {
  Panel panel;
  panel.photo = sight.photo;
  panel.seen = sight.seen;
  panel.map = plane;
  panel.title = caption.title;
  panel.title_without_label = caption.title_without_label;
  panel.subtitle = caption.subtitle;
  panel.alarms = caption.alarms;
  panel.notes = caption.notes;
  panel.unit = translated(caption.language, map.unit);
  panel.positive_part = map.positive_part;
  panel.alpha = look.alpha;
  if (look.colormap != "auto") panel.colormap = look.colormap;
  panel.language = caption.language;
  return panel;
}

Bars bars_of(const Map& map, const at::Tensor& sample, const at::Tensor& values,
             const InputInfo& info, const Caption& caption) {
  Bars bars;
  bars.scores = sample.flatten();
  bars.names = info.features;
  const at::Tensor own = values.flatten().to(at::kDouble).contiguous();
  for (std::int64_t i = 0; i < own.numel(); ++i)
    bars.values.push_back(number(own.const_data_ptr<double>()[i]));
  bars.title = caption.title;
  bars.title_without_label = caption.title_without_label;
  bars.subtitle = caption.subtitle;
  bars.alarms = caption.alarms;
  bars.notes = caption.notes;
  bars.unit = translated(caption.language, map.unit);
  bars.language = caption.language;
  return bars;
}

std::vector<std::byte> illustrate(const Illustration& illustration, PictureFormat format,
                                  Fonts& fonts) {
  const auto& [map, sample, shown, info, sight, plain_caption, look] = illustration;
  Caption caption = plain_caption;
  const std::optional<Plane> plane = plane_of(map, sample, info);
  if (plane && plane->reduction != Reduction::none) {
    caption.notes.push_back(say(
        drawable_language(fonts, caption.language),
        plane->reduction == Reduction::sum ? "sum of the channels" : "largest of the channels"));
  }
  if (plane && sight)
    return draw(panel_of(map, plane->scores, *sight, caption, look), format, 2, fonts);
  if (map.coordinates == Coordinates::input && sample.dim() == 1)
    return draw(bars_of(map, sample, shown, info, caption), format, 2, fonts);
  return {};
}

}  // namespace pellucid

// Raw outputs → classes, probabilities, values. Invariant: nothing is softmaxed unless the kind
// says logits, and a guessed kind is said to be a guess by whoever shows this.
#include "pellucid/report/prediction.h"

#include <ATen/ops/bincount.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <cmath>

#include "pellucid/explain/target.h"
#include "pellucid/report/documents.h"

namespace pellucid {
namespace {

constexpr std::int64_t few = 16;

std::string label_of(const Model& model, std::int64_t index, std::int64_t classes) {
  const auto& labels = model.metadata.labels;
  if (static_cast<std::int64_t>(labels.size()) != classes || index >= classes) return "";
  const auto& names = labels[static_cast<std::size_t>(index)];
  return names.empty() ? "" : names.front();
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json class_entry(const Model& model, std::int64_t index, std::int64_t classes) {
  Json entry = {{"index", index}};
  const std::string label = label_of(model, index, classes);
  if (!label.empty()) entry["label"] = label;
  return entry;
}

Json top_classes(const Model& model, const at::Tensor& scores, const at::Tensor& probabilities,
                 std::int64_t top) {
  const std::int64_t classes = scores.numel();
  const at::Tensor order = ranking(scores, std::min(top, classes));
  Json list = Json::array();
  for (std::int64_t rank = 0; rank < order.numel(); ++rank) {
    const std::int64_t index = order[rank].item<std::int64_t>();
    const double score = scores[index].item<double>();
    // A class without a number has no rank.
    if (std::isnan(score)) continue;
    Json entry = class_entry(model, index, classes);
    entry["score"] = number_or_null(score);
    entry["probability"] = number_or_null(probabilities[index].item<double>());
    list.push_back(std::move(entry));
  }
  return list;
}

void add_extremes(const at::Tensor& values, Json& document) {
  if (values.numel() == 0) return;
  document["smallest"] = number_or_null(values.min().item<double>());
  document["largest"] = number_or_null(values.max().item<double>());
  document["mean"] = number_or_null(values.mean().item<double>());
}

void add_binary(const Model& model, const at::Tensor& score, Json& document) {
  const double probability = at::sigmoid(score).item<double>();
  document["score"] = number_or_null(score.item<double>());
  document["probability"] = number_or_null(probability);
  const std::string label = label_of(model, probability >= 0.5 ? 1 : 0, 2);
  if (!label.empty()) document["label"] = label;
}

void add_dense(const Model& model, const at::Tensor& maps, std::int64_t top, Json& document) {
  const std::int64_t channels = maps.dim() >= 3 ? maps.size(0) : 1;
  if (channels < 2 || maps.numel() == 0) return add_extremes(maps, document);
  const at::Tensor area = maps.argmax(0).flatten().bincount({}, channels).to(at::kDouble);
  const at::Tensor share = area / area.sum();
  const auto order = std::get<1>(at::topk(share, std::min(top, channels)));
  Json list = Json::array();
  for (std::int64_t rank = 0; rank < order.numel(); ++rank) {
    const std::int64_t index = order[rank].item<std::int64_t>();
    const double part = share[index].item<double>();
    if (part == 0) break;
    Json entry = class_entry(model, index, channels);
    entry["share"] = part;
    list.push_back(std::move(entry));
  }
  document["classes"] = std::move(list);
}

std::string percent(const Json& probability) {
  if (!probability.is_number()) return "NaN";
  const double value = 100 * probability.get<double>();
  // Three digits, but never "100 %" for what is less.
  if (value > 99.95 && value < 100) return number(std::min(value, 99.999), 5) + " %";
  return number(value, 3) + " %";
}

std::string name_of(const Json& entry) {
  std::string name = std::to_string(entry["index"].get<std::int64_t>());
  if (entry.contains("label")) {
    name += ' ';
    name += on_one_line(entry["label"].get<std::string>());
  }
  return name;
}

std::string list_text(const Json& list, const char* share) {
  int width = 0;
  for (const Json& entry : list) width = std::max(width, display_width(name_of(entry)));
  std::string text;
  for (const Json& entry : list) {
    const std::string name = name_of(entry);
    const Json& part = entry[share];
    text += "  " + name + std::string(static_cast<std::size_t>(width - display_width(name)), ' ') +
            "  " + bar(part.is_number() ? part.get<double>() : 0) + "  " + percent(part) + "\n";
  }
  return text;
}

}  // namespace

Json prediction_document(const Model& model, std::size_t output, const at::Tensor& sample,
                         std::int64_t top) {
  Json document = Json::object();
  document["shape"] = sample.sizes().vec();
  at::Tensor values = sample.detach().to(at::kCPU, at::kDouble);
  // [C, 1, 1] is a vector of classes, too.
  if (values.dim() > 1 && values.numel() == values.size(0)) values = values.flatten();
  const OutputKind kind = output < model.metadata.outputs.size()
                              ? model.metadata.outputs[output].kind
                              : OutputKind::other;
  const bool classes = values.dim() == 1 && values.numel() > 0;
  if (kind == OutputKind::logits && classes) {
    document["top"] = top_classes(model, values, at::softmax(values, 0), top);
  } else if (kind == OutputKind::probabilities && classes) {
    document["top"] = top_classes(model, values, values, top);
  } else if (kind == OutputKind::multilabel && classes) {
    document["top"] = top_classes(model, values, at::sigmoid(values), top);
  } else if (kind == OutputKind::binary && values.numel() == 1) {
    add_binary(model, values.reshape({}), document);
  } else if (kind == OutputKind::dense) {
    add_dense(model, values, top, document);
  } else {
    const bool whole = at::isIntegralType(sample.scalar_type(), /*includeBool=*/true);
    if (values.numel() <= few || kind == OutputKind::regression)
      document["values"] = values_of(whole ? sample.detach().cpu() : values);
    if (values.numel() > few) add_extremes(values, document);
  }
  return document;
}

std::string prediction_text(const Json& prediction, Language language) {
  if (prediction.contains("top") && prediction["top"].empty()) {
    return "  " + say(language, "no answer: every score is NaN") + "\n";
  }
  if (prediction.contains("top")) return list_text(prediction["top"], "probability");
  if (prediction.contains("classes")) {
    return "  " + say(language, "share of the area:") + "\n" +
           list_text(prediction["classes"], "share");
  }
  const auto value = [](const Json& one) {
    return one.is_number() ? number(one.get<double>(), 5) : std::string("NaN");
  };
  if (prediction.contains("probability")) {
    const std::string label =
        prediction.contains("label") ? on_one_line(prediction["label"].get<std::string>()) : "";
    const Json& probability = prediction["probability"];
    return "  " + (label.empty() ? say(language, "positive") : label) + "  " +
           bar(probability.is_number() ? probability.get<double>() : 0) + "  " +
           say(language, "probability of the positive class {0}, logit {1}",
               {percent(probability), value(prediction["score"])}) +
           "\n";
  }
  std::string text;
  if (prediction.contains("values") &&
      prediction["values"].size() <= static_cast<std::size_t>(few)) {
    text += "  " + to_text(prediction["values"], false) + "\n";
  }
  if (prediction.contains("smallest")) {
    text += "  " +
            say(language, "shape {0}, from {1} to {2}, mean {3}",
                {to_text(prediction["shape"], false), value(prediction["smallest"]),
                 value(prediction["largest"]), value(prediction["mean"])}) +
            "\n";
  }
  return text;
}

}  // namespace pellucid

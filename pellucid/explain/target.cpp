// The grammar of targets: classes by index, label or rank, differences, the places of a dense
// class, channels and neurons of a layer.
#include "pellucid/explain/target.h"

#include <ATen/ops/bincount.h>
#include <ATen/ops/sort.h>

#include <charconv>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"
#include "pellucid/model/layers.h"

namespace pellucid {
namespace {

std::optional<std::int64_t> whole_number(std::string_view word) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view word) {
  while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
  while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
  return word;
}

// The classes one of whose labels is the whole word, case-insensitive.
std::vector<std::int64_t> classes_named(std::string_view word, const Model& model) {
  std::vector<std::int64_t> classes;
  const std::string wanted = lower_case(trimmed(word));
  for (std::size_t i = 0; i < model.metadata.labels.size(); ++i) {
    for (const std::string& label : model.metadata.labels[i]) {
      if (lower_case(label) == wanted) {
        classes.push_back(static_cast<std::int64_t>(i));
        break;
      }
    }
  }
  return classes;
}

// The number of entries of a class output, if the file tells.
std::optional<std::int64_t> class_count(const Model& model, int output) {
  const Operand& operand = model.graph->outputs()[static_cast<std::size_t>(output)].operand;
  if (!operand.is_value()) return std::nullopt;
  const auto& shape = model.graph->value(operand.value()).shape;
  return shape.size() < 2 ? std::nullopt : shape[1];
}

// A side of a target: a class, or a rank to be resolved.
struct Side {
  std::int64_t index = 0;
  int rank = 0;
};

Side parse_side(std::string_view word, const Model& model, int output) {
  word = trimmed(word);
  const auto count = class_count(model, output);
  // A label wins over a number only if it is no number: a class called "7" is asked for by its
  // index.
  if (const auto index = whole_number(word)) {
    if (*index < 0 || (count && *index >= *count)) {
      throw usage_error("class " + std::string(word) + " does not exist")
          .at("target")
          .hint("the output has the classes 0 to " + std::to_string(count.value_or(1) - 1));
    }
    return {*index, 0};
  }
  if (word.size() > 3 && lower_case(word.substr(0, 3)) == "top") {
    if (const auto rank = whole_number(word.substr(3)); rank && *rank >= 1) {
      if (count && *rank > *count) {
        throw usage_error("\"" + std::string(word) + "\" asks for more classes than the " +
                          std::to_string(*count) + " there are")
            .at("target");
      }
      return {0, static_cast<int>(*rank)};
    }
  }
  const std::vector<std::int64_t> classes = classes_named(word, model);
  if (classes.size() == 1) return {classes[0], 0};
  if (classes.size() > 1) {
    std::vector<std::string> candidates;
    candidates.reserve(classes.size());
    for (const std::int64_t index : classes) candidates.push_back(class_text(model, index));
    throw usage_error("the label \"" + std::string(word) + "\" is ambiguous")
        .at("target")
        .hint("take the index of one of " + join(candidates, ", "));
  }
  if (const std::size_t slash = word.find('/');
      slash != std::string_view::npos && model.graph->outputs().size() > 1) {
    std::vector<std::string> names;
    for (const Output& one : model.graph->outputs()) names.push_back(one.name);
    throw usage_error("there is no class and no output \"" + std::string(word.substr(0, slash)) +
                      "\"")
        .at("target")
        .hint("the outputs are " + join(names, ", "));
  }
  if (model.metadata.labels.empty()) {
    throw usage_error("\"" + std::string(word) + "\" is no class: the model has no labels")
        .at("target")
        .hint("give an index, top1, LAYER#CHANNEL@y,x, or labels in a sidecar MODEL.json");
  }
  std::vector<std::string> names;
  for (const auto& labels : model.metadata.labels)
    names.insert(names.end(), labels.begin(), labels.end());
  const std::string like = nearest(word, names);
  throw usage_error("no class is called \"" + std::string(word) + "\"")
      .at("target")
      .hint(like.empty() ? "give an index, or a label of the model" : "the nearest are " + like);
}

bool is_label(std::string_view word, const Model& model) {
  return !classes_named(word, model).empty();
}

Target parse_unit(std::string_view word, const Model& model) {
  const std::size_t hash = word.rfind('#');
  const Layer layer = find_layer(*model.graph, trimmed(word.substr(0, hash)));
  std::string_view rest = word.substr(hash + 1);
  std::string_view place;
  if (const auto at_sign = rest.find('@'); at_sign != std::string_view::npos) {
    place = rest.substr(at_sign + 1);
    rest = rest.substr(0, at_sign);
  }
  const auto channel = whole_number(trimmed(rest));
  if (!channel || *channel < 0)
    throw usage_error("\"" + std::string(rest) + "\" is no channel")
        .at("target " + std::string(word));
  Target target;
  target.kind = Target::Kind::unit;
  target.value = layer.value;
  target.index = *channel;
  while (!place.empty()) {
    const std::size_t comma = place.find(',');
    const auto coordinate = whole_number(trimmed(place.substr(0, comma)));
    if (!coordinate || *coordinate < 0)
      throw usage_error("\"" + std::string(place) + "\" is no position")
          .at("target " + std::string(word));
    target.position.push_back(*coordinate);
    place = comma == std::string_view::npos ? std::string_view() : place.substr(comma + 1);
  }
  target.text = layer.name + "#" + std::to_string(*channel);
  target.slug = layer.name + "-" + std::to_string(*channel);
  for (std::size_t i = 0; i < target.position.size(); ++i) {
    target.text += i == 0 ? "@" : ",";
    target.text += std::to_string(target.position[i]);
    target.slug += "-";
    target.slug += std::to_string(target.position[i]);
  }
  return target;
}

// OUTPUT/REST where the model has an output of that name.
int take_output(std::string_view& word, const Model& model) {
  const auto outputs = model.graph->outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = outputs[i].name;
    if (!name.empty() && word.size() > name.size() && word.starts_with(name) &&
        word[name.size()] == '/') {
      word.remove_prefix(name.size() + 1);
      return static_cast<int>(i);
    }
  }
  return 0;
}

Target parse_one(std::string_view word, const Model& model) {
  word = trimmed(word);
  const bool whole_label = is_label(word, model);
  if (!whole_label && word.find('#') != std::string_view::npos) return parse_unit(word, model);
  Target target;
  target.settled = false;
  if (!whole_label) target.output = take_output(word, model);
  constexpr std::string_view own_places = "@self";
  if (!whole_label && lower_case(word).ends_with(own_places)) {
    word.remove_suffix(own_places.size());
    target.kind = Target::Kind::places;
  }
  // A colon inside a label does not split it.
  std::size_t colon =
      whole_label || is_label(word, model) ? std::string_view::npos : word.find(':');
  const Side side = parse_side(word.substr(0, colon), model, target.output);
  target.index = side.index;
  target.rank = side.rank;
  if (colon != std::string_view::npos) {
    if (target.kind == Target::Kind::places)
      throw usage_error("a difference of two classes has no places of its own")
          .at("target " + std::string(word))
          .hint("ask for each class: " + std::to_string(side.index) + "@self");
    const Side against = parse_side(word.substr(colon + 1), model, target.output);
    target.kind = Target::Kind::difference;
    target.against = against.index;
    if (against.rank > 0) target.against_rank = against.rank;
  }
  return target;
}

// Splits a list at its commas, but not inside a whole label nor after '@'.
std::vector<std::string_view> split_list(std::string_view list, const Model& model) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    // The longest label that starts here and ends at a comma or the end.
    std::size_t end = std::string_view::npos;
    for (std::size_t stop = list.size();; stop = list.rfind(',', stop - 1)) {
      if (stop == std::string_view::npos || stop <= begin) break;
      if (is_label(list.substr(begin, stop - begin), model)) {
        end = stop;
        break;
      }
      if (stop == 0) break;
    }
    if (end == std::string_view::npos) {
      end = std::min(list.find(',', begin), list.size());
      const std::size_t at_sign = list.find('@', begin);
      if (at_sign != std::string_view::npos && at_sign < end) {
        // Digits and commas belong to the position, up to the rank that the layer has; "4,7" is
        // one.
        const std::size_t other =
            std::min(list.find_first_not_of("0123456789, ", at_sign + 1), list.size());
        end = other == list.size() ? other : list.rfind(',', other);
        // No position at all: the word ends at its comma, and parse_unit says what is wrong.
        if (end == std::string_view::npos || end < at_sign)
          end = std::min(list.find(',', at_sign), list.size());
      }
    }
    words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

void set_text(Target& target, const Model& model) {
  if (target.kind == Target::Kind::unit) return;
  const Output& output = model.graph->outputs()[static_cast<std::size_t>(target.output)];
  const bool several = model.graph->outputs().size() > 1;
  const std::string prefix = several && !output.name.empty() ? output.name + "/" : "";
  target.text = prefix + class_text(model, target.index);
  target.slug = (several ? output.name + "-" : "") + std::to_string(target.index);
  if (target.kind == Target::Kind::places) {
    target.text += "@self";
    target.slug += "-self";
  }
  if (target.kind == Target::Kind::difference) {
    target.text += " − " + class_text(model, target.against);
    target.slug += "-" + std::to_string(target.against);
  }
  if (target.kind == Target::Kind::whole) {
    target.text = prefix + "output";
    target.slug = prefix.empty() ? "output" : output.name;
  }
}

}  // namespace

std::string class_text(const Model& model, std::int64_t index) {
  const auto& labels = model.metadata.labels;
  const auto i = static_cast<std::size_t>(index);
  return std::to_string(index) +
         (i < labels.size() && !labels[i].empty() ? " " + labels[i].front() : "");
}

std::vector<std::string> default_targets(const Model& model) {
  const auto count = class_count(model, 0);
  const OutputKind kind =
      model.metadata.outputs.empty() ? OutputKind::other : model.metadata.outputs.front().kind;
  const bool ranked = kind == OutputKind::logits || kind == OutputKind::probabilities ||
                      kind == OutputKind::multilabel;
  if (kind == OutputKind::dense) return {"top1@self"};
  return {ranked && count.value_or(2) > 1 ? "top1" : "0"};
}

std::vector<Target> parse_targets(std::span<const std::string> words, const Model& model) {
  std::vector<Target> targets;
  for (const std::string& list : words) {
    for (const std::string_view word : split_list(list, model)) {
      if (trimmed(word).empty()) throw usage_error("an empty target").at("target \"" + list + "\"");
      targets.push_back(parse_one(word, model));
    }
  }
  return targets;
}

at::Tensor ranking(const at::Tensor& scores, std::int64_t most) {
  const double last = -std::numeric_limits<double>::infinity();
  return std::get<1>(at::sort(scores.nan_to_num(last), /*stable=*/true, 0, /*descending=*/true))
      .slice(0, 0, most);
}

namespace {

// Where each class is the likeliest, [places]; of a single channel class 0 is where it says yes.
at::Tensor likeliest(const at::Tensor& output) {
  if (output.size(1) > 1) return output[0].argmax(0);
  const bool logits = output.min().item<double>() < 0;
  return output[0][0].le(logits ? 0.0 : 0.5).to(at::kLong);
}

// The class' own places in the sample's answer; a rank is by how many a class has.
void settle_places(Target& target, const Model& model, const at::Tensor& output) {
  const at::Tensor classes = likeliest(output);
  const at::Tensor areas = at::bincount(classes.flatten(), {}, output.size(1));
  const at::Tensor order = ranking(areas.to(at::kDouble), output.size(1));
  if (target.rank > output.size(1)) target.rank = static_cast<int>(output.size(1));
  if (target.rank > 0) target.index = order[target.rank - 1].item<std::int64_t>();
  if (target.index >= output.size(1) || areas[target.index].item<std::int64_t>() == 0) {
    std::vector<std::string> there;
    constexpr std::int64_t most = 3;
    for (std::int64_t i = 0; i < std::min(most, order.size(0)); ++i) {
      const auto index = order[i].item<std::int64_t>();
      if (areas[index].item<std::int64_t>() > 0) there.push_back(class_text(model, index));
    }
    throw usage_error("class " + class_text(model, target.index) + " is the likeliest nowhere")
        .at("target")
        .hint("the largest are " + join(there, ", "));
  }
  target.mask = classes.eq(target.index);
  set_text(target, model);
}

}  // namespace

Target settle(Target target, const Model& model, std::span<const at::Tensor> outputs) {
  if (target.settled) return target;
  target.settled = true;
  const at::Tensor& output = outputs[static_cast<std::size_t>(target.output)];
  const std::string name = model.graph->outputs()[static_cast<std::size_t>(target.output)].name;
  if (!at::isFloatingType(output.scalar_type())) {
    throw usage_error("the output" + (name.empty() ? "" : " \"" + name + "\"") +
                      " holds no real numbers")
        .at("target");
  }
  if (target.kind == Target::Kind::places && output.dim() <= 2) {
    throw usage_error("the output has no places, which @self asks for")
        .at("target")
        .hint("leave out @self");
  }
  if (output.dim() <= 1 || output.numel() == output.size(0)) {
    if (target.kind == Target::Kind::difference || target.index != 0 || target.rank > 1) {
      throw usage_error("the output is a single number, which has no classes")
          .at("target")
          .hint("leave out --target");
    }
    target.kind = Target::Kind::whole;
    set_text(target, model);
    return target;
  }
  if (output.dim() > 2) {
    std::string place;
    for (std::int64_t d = 2; d < output.dim(); ++d)
      place += (d == 2 ? "@" : ",") + std::to_string(output.size(d) / 2);
    if (target.kind == Target::Kind::places) {
      settle_places(target, model, output);
      return target;
    }
    const ValueId value = target.reads(*model.graph);
    throw usage_error("the output is dense: a class of it needs a place")
        .at("target")
        .hint("take its own places, " + std::to_string(target.index) +
              "@self, or a channel and position of its layer: " + layer_name(*model.graph, value) +
              "#" + std::to_string(target.index) + place);
  }
  const auto at_rank = [&](int rank) {
    const at::Tensor order = ranking(output[0], std::min<std::int64_t>(rank, output.size(1)));
    return order[order.size(0) - 1].item<std::int64_t>();
  };
  if (target.rank > 0) target.index = at_rank(target.rank);
  if (target.against_rank) target.against = at_rank(*target.against_rank);
  for (const std::int64_t index : {target.index, target.against}) {
    if (index < 0 || index >= output.size(1)) {
      throw usage_error("class " + std::to_string(index) + " does not exist")
          .at("target")
          .hint("the output has the classes 0 to " + std::to_string(output.size(1) - 1));
    }
  }
  set_text(target, model);
  return target;
}

ValueId Target::reads(const Graph& graph) const {
  if (kind == Kind::unit) return value;
  const Operand& operand = graph.outputs()[static_cast<std::size_t>(output)].operand;
  if (!operand.is_value()) throw usage_error("the output is a constant").at("target");
  return operand.value();
}

at::Tensor Target::of(const at::Tensor& read) const {
  switch (kind) {
    case Kind::entry:
      return read.select(1, index);
    case Kind::difference:
      return read.select(1, index) - read.select(1, against);
    case Kind::places:
      return (read.select(1, index) * mask.to(read.options())).flatten(1).sum(1);
    case Kind::whole:
      return read.reshape({read.size(0)});
    case Kind::unit: {
      // A channel of [N, C, ...]; of tokens [N, T, C] the channel is the last dimension.
      const std::int64_t dimension = read.dim() == 3 ? 2 : 1;
      if (read.dim() < 2 || index >= read.size(dimension)) {
        throw usage_error("channel " + std::to_string(index) + " does not exist")
            .at("target " + text)
            .hint(read.dim() < 2 ? "the layer has no channels"
                                 : "the layer has " + std::to_string(read.size(dimension)));
      }
      at::Tensor unit = read.select(dimension, index);
      if (position.empty()) return unit.dim() > 1 ? unit.flatten(1).mean(1) : unit;
      if (static_cast<std::int64_t>(position.size()) != unit.dim() - 1) {
        throw usage_error("the position has " + std::to_string(position.size()) +
                          " coordinates, the layer has " + std::to_string(unit.dim() - 1))
            .at("target " + text);
      }
      for (const std::int64_t coordinate : position) {
        if (coordinate >= unit.size(1))
          throw usage_error("the position lies outside the layer").at("target " + text);
        unit = unit.select(1, coordinate);
      }
      return unit;
    }
  }
  throw internal_error("unknown kind of target");
}

}  // namespace pellucid

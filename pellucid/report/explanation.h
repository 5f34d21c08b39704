// One sample's map as people get it: a document, and a picture where it has places or names.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/explain/method.h"
#include "pellucid/model/metadata.h"
#include "pellucid/render/bars.h"
#include "pellucid/render/panel.h"

namespace pellucid {

// What the model was shown, as far as there is something to see.
struct Sight {
  Picture photo;  // the photo, or the input tensor drawn as one
  Box seen;       // the part of it that became the tensor
};

// The H×W picture of an input tensor (one sample): its preprocessing undone where that is known,
// else scaled to its own range. nullopt when it is no picture of one or three channels.
std::optional<Sight> sight_of_tensor(const at::Tensor& sample, const InputInfo& info);

// How the channels of an input's map became one plane.
enum class Reduction { none, sum, largest };
std::string_view to_string(Reduction reduction);

struct Plane {
  at::Tensor scores;  // [height, width]
  Reduction reduction = Reduction::none;
};

// A map of one sample reduced to two dimensions: a layer's grid as it is; an input's channels to
// their largest score where all are ≥ 0, else to their sum. nullopt when there are no two
// dimensions of places.
std::optional<Plane> plane_of(const Map& map, const at::Tensor& sample, const InputInfo& info);

// The map's unit with the target's own quantity in it: "logit per unit of input", "probability",
// "activation".
std::string unit_of(const Map& map, const Target& target, const Model& model);

// Smallest, largest, mean, sum, shape, "plane" ("height", "width", "reduction") where the scores
// have places and "features" where the entries of a vector have names; null where nothing is
// finite.
Json map_document(const Map& map, const at::Tensor& sample, const InputInfo& info);

// The checks that every map gets: finite, and not flat.
std::vector<Check> basic_checks(const at::Tensor& sample);

// What a caption says.
struct Caption {
  std::string title, title_without_label, subtitle;
  std::vector<std::string> alarms;  // what failed of the checks
  std::vector<std::string> notes;
  Language language = Language::english;
};

// A target's value for one sample.
struct Scored {
  Json document;  // "text", and of an output "index", "score", "output_kind", "probability"
  std::string title, title_without_label;
  bool guessed = false;  // the probability rests on a guess of what the output is
};

// `outputs`: the model's, in its order, of a whole batch; `n`: the sample. The probability is there
// where the kind of output gives one.
Scored score(const Model& model, const Target& target, std::span<const at::Tensor> outputs,
             std::int64_t n, Language language);

// Of a score that is no number: its gradient may look like any other.
std::optional<Check> check_of_score(const Scored& scored);

// Of a gradient where the input decides which way the graph goes, at these nodes: it is that of the
// way this input took.
Check check_of_branches(std::span<const std::string> nodes);

Caption caption_of(const Scored& scored, const Method& method, const Attribution& attribution,
                   const std::vector<Check>& checks, const Question& question, Language language);

// One line of a terminal about one record of explain.
std::string explanation_line(const Json& document, Language language);

struct Look {
  double alpha = 0.5;
  std::string colormap = "auto";  // see colormap_choices
};

Panel panel_of(const Map& map, const at::Tensor& plane, const Sight& sight, const Caption& caption,
               const Look& look);
// Of a vector input: `values` are the input's own numbers.
Bars bars_of(const Map& map, const at::Tensor& sample, const at::Tensor& values,
             const InputInfo& info, const Caption& caption);

// One map of one sample, and all that its picture shows.
struct Illustration {
  const Map& map;
  at::Tensor sample;      // of the map
  at::Tensor shown;       // the input's values
  const InputInfo& info;  // of that input
  std::optional<Sight> sight;
  Caption caption;
  Look look;
};
// The picture as a file: a panel, or bars of a vector; empty for a map of a shape that has none.
std::vector<std::byte> illustrate(const Illustration& illustration, PictureFormat format,
                                  Fonts& fonts);

}  // namespace pellucid

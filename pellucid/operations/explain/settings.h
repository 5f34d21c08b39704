// What explain can be asked.
#pragma once

#include "pellucid/operation/prepared_input.h"
#include "pellucid/render/colormap.h"

namespace pellucid {

struct ExplainSettings : ModelSettings, InputSettings, MemorySettings, SeedSettings {
  std::vector<std::string> method = {"grad_cam"};
  std::vector<std::string> target;
  std::vector<std::string> layer;
  std::string baseline = "zero";
  std::vector<std::string> format = {"png", "npy", "json"};
  std::int64_t chunk = 0;
  double alpha = 0.5;
  std::string colormap = "auto";
};

inline constexpr std::string_view explain_formats[] = {"png", "svg", "pdf", "npy", "json", "html"};

inline constexpr std::array explain_own_options = {
    option<&ExplainSettings::method>(
        "method", "How to explain; `pellucid methods` lists them. A comma asks for several.")
        .shown_as("METHOD"),
    option<&ExplainSettings::target>("target",
                                     "What to explain: top1, a class by index or label, 281:285, "
                                     "15@self (a dense class over its own places), "
                                     "LAYER#CHANNEL[@y,x]. By default the likeliest class.")
        .with_commas()
        .shown_as("TARGET"),
    option<&ExplainSettings::layer>(
        "layer",
        "The layer whose grid the map has, by module path; by default the method finds it.")
        .shown_as("LAYER"),
    option<&ExplainSettings::baseline>(
        "baseline", "What stands for nothing to see: zero, black, grey, mean, blur, or a file.")
        .shown_as("NAME|FILE"),
    option<&ExplainSettings::format>("format", "Which files are written for each map.")
        .one_of(explain_formats),
    option<&ExplainSettings::chunk>(
        "chunk",
        "Samples per model call; 0: chosen for the model. A recorded one replays to the bit.")
        .between(0, 1e6)
        .shown_as("N"),
    option<&ExplainSettings::alpha>("alpha", "How much of the overlay is map, from 0 to 1.")
        .between(0, 1),
    option<&ExplainSettings::colormap>("colormap", "Colours of the map; auto: by its sign.")
        .one_of(colormap_choices),
};
inline constexpr auto explain_options = all_options(
    explain_own_options, input_options<ExplainSettings>, memory_options<ExplainSettings>,
    seed_options<ExplainSettings>, model_options<ExplainSettings>);

}  // namespace pellucid

// Colormaps by name: a number from 0 to 1 becomes a colour. The diverging ones have their neutral
// colour at 0.5.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace pellucid {

struct Colormap {
  std::string_view name;
  std::string_view summary;  // one sentence, for lists
  bool diverging = false;
  std::span<const std::uint32_t> points = {};  // 0xRRGGBB, evenly spaced over 0..1, at least two
};

using Colour = std::array<std::uint8_t, 3>;  // sRGB

// All of them, in the order in which help lists them.
std::span<const Colormap> colormaps();

// What an option of a face may be: "auto" (see default_colormap), or a name.
inline constexpr std::string_view colormap_choices[] = {
    "auto",  "inferno", "viridis", "magma",   "cividis",
    "turbo", "jet",     "grey",    "balance", "purple_orange"};

// The one of that name; throws Error (Fault::usage) that lists them.
const Colormap& colormap(std::string_view name);

// What is drawn where nothing was chosen: "inferno" for one sign, "balance" for two.
const Colormap& default_colormap(bool diverging);

// Linear between the points; `position` outside of 0..1 is clamped, NaN counts as 0.
Colour colour(const Colormap& map, double position);

}  // namespace pellucid

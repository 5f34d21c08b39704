// Measuring and breaking lines of text, before anything is drawn.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pellucid/render/colormap.h"
#include "pellucid/render/fonts.h"

namespace pellucid {

struct Style {
  double size = 9;  // of the letters, in the drawing's units
  Weight weight = Weight::regular;
  Colour ink = {40, 44, 52};
};

// The width of a line, in the drawing's units: the same for every format.
double text_width(Fonts& fonts, std::string_view line, const Style& style);

// The line, or as much of its beginning as fits with an ellipsis.
std::string fit(Fonts& fonts, std::string_view line, const Style& style, double width);

// Broken between words (and between Chinese characters) into at most `most` lines; the last one is
// cut to fit.
std::vector<std::string> wrap(Fonts& fonts, std::string_view text, const Style& style, double width,
                              int most);

}  // namespace pellucid

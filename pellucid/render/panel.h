// The picture of an explanation: the photo, the overlay and the map in one row, with a colour bar
// and what a reader has to know. PNG, SVG and PDF come from the same drawing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <vector>

#include "pellucid/base/text.h"
#include "pellucid/input/picture.h"
#include "pellucid/render/fonts.h"

namespace pellucid {

enum class PictureFormat { png, svg, pdf };

// A rectangle in the photo's pixels.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

struct Panel {
  Picture photo;
  at::Tensor map;  // float [h,w], raw signed scores; stretched over `seen`
  // The part of the photo that the model saw (after a centre crop); of no size: all of it. What
  // lies outside is dimmed.
  Box seen = {};
  std::string title;  // "242 boxer, 63.1 %"
  std::string
      title_without_label;  // "class 242, 63.1 %": drawn when no font has the title's characters
  std::string subtitle;     // method, layer, model
  std::string unit;         // of the scores: "logit per input unit"
  std::vector<std::string> alarms;  // lines below the picture that change what it means
  std::vector<std::string> notes;   // lines below those: "not softmaxed"
  bool positive_part = false;       // draw scores below 0 as 0, and say so
  std::string colormap;             // empty: inferno for maps of one sign, balance for two
  double alpha = 0.5;               // of the map in the overlay, 0..1
  double clip = 0.995;              // see ScaleSettings::clip; it is said when it bites
  Language language = Language::english;
};

// The whole panel as a file. `scale`: pixels per unit in a PNG (2: about 1280 pixels wide); SVG and
// PDF ignore it. Equal panels give equal bytes on one machine. Text may hold anything: it is
// cleaned, shortened and never markup. Throws Error (Fault::input) for a map or photo of the wrong
// shape, (Fault::usage) for an unknown colormap or a number out of its range.
std::vector<std::byte> draw(const Panel& panel, PictureFormat format, double scale = 2);
// With fonts opened before: cheaper for many pictures.
std::vector<std::byte> draw(const Panel& panel, PictureFormat format, double scale, Fonts& fonts);

}  // namespace pellucid

// The picture of an attribution over named features (a table's row, a vector): signed horizontal
// bars.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <vector>

#include "pellucid/base/text.h"
#include "pellucid/render/panel.h"

namespace pellucid {

struct Bars {
  at::Tensor scores;                // float [n], raw signed
  std::vector<std::string> names;   // of the features; empty or too few: "feature 3"
  std::vector<std::string> values;  // the input's own values beside the names; may be empty
  std::string title;
  std::string title_without_label;  // see Panel
  std::string subtitle;
  std::string unit;
  std::vector<std::string> alarms;  // as in a Panel
  std::vector<std::string> notes;
  int most = 20;  // bars drawn, the largest magnitudes first; the sum of the others is one more
                  // bar, and said
  Language language = Language::english;
};

// As draw(Panel): the same formats, the same promises.
std::vector<std::byte> draw(const Bars& bars, PictureFormat format, double scale = 2);
// With fonts opened before: cheaper for many pictures.
std::vector<std::byte> draw(const Bars& bars, PictureFormat format, double scale, Fonts& fonts);

}  // namespace pellucid

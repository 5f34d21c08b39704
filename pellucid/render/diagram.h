// The picture of a model: boxes in rows that follow the data, with arrows between them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pellucid/base/text.h"
#include "pellucid/render/panel.h"

namespace pellucid {

struct Diagram {
  enum class Role { end, convolution, attention, linear, other };  // the box's colour
  struct Box {
    std::string title;   // "layer1.0"
    std::string detail;  // "BasicBlock: conv2d, add, relu"
    std::string shape;   // "64 × 56 × 56", of what leaves it
    std::string size;    // "73.7 k weights"
    std::string work;    // "462 MFLOP"
    Role role = Role::other;
  };
  struct Arrow {
    std::size_t from = 0, to = 0;  // from < to: boxes stand in an order that the data allows
  };
  std::vector<Box> boxes;
  std::vector<Arrow> arrows;
  std::string title, subtitle;
  std::vector<std::string> notes;
  Language language = Language::english;
};

// As draw(Panel): the same formats. Throws Error (Fault::usage) for more boxes than a page can
// hold.
std::vector<std::byte> draw(const Diagram& diagram, PictureFormat format, double scale = 2);

}  // namespace pellucid

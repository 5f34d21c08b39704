// What every drawing has above and below its picture: title, subtitle and notes, cleaned and broken
// into lines.
#pragma once

#include <string>
#include <vector>

#include "pellucid/base/text.h"
#include "pellucid/render/canvas.h"
#include "pellucid/render/typeset.h"

namespace pellucid {

constexpr double page_margin = 22;

constexpr Colour dark_ink = {28, 31, 38};
constexpr Colour soft_ink = {96, 102, 112};
constexpr Colour rule_ink = {208, 210, 214};
constexpr Colour alarm_ink = {150, 72, 0};

struct Words {
  std::string title;
  std::string title_without_label;
  std::string subtitle;
  std::vector<std::string>
      alarms;  // notes that change what the picture means; drawn first, in another ink
  std::vector<std::string> notes;
};

// The language that the fonts of this machine can draw: English where Chinese was asked for in
// vain.
Language drawable_language(Fonts& fonts, Language wanted);

class Heading {
 public:
  // Breaks the words for a page whose content is `width` wide. What can't be drawn is replaced, and
  // a note says so.
  Heading(Fonts& fonts, const Words& words, Language wanted, double width);

  double above() const;  // the height of title and subtitle, with the space to what follows
  double below() const;  // the height of the notes
  // At the page's top, and with the notes' upper edge at `y`.
  void draw(Canvas& canvas, double x, double y) const;
  // Plain text, for the document's own title.
  const std::string& title() const { return title_; }

 private:
  struct Line {
    std::string text;
    bool alarm, first;
  };
  std::string title_;
  std::vector<std::string> subtitle_;
  std::vector<Line> notes_;
};

// A scale's numbers: all with the same decimals, and with one common power of ten taken out when
// they are tiny or huge.
struct Numbers {
  int exponent = 0;  // 0: none taken out
  int decimals = 0;

  static Numbers for_scale(double largest_magnitude);
  std::string text(double value) const;
  // "logit per input unit", "10⁻³ logit per input unit", as the fonts allow.
  std::string unit(Fonts& fonts, const std::string& unit) const;
};

}  // namespace pellucid

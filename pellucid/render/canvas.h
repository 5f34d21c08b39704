// A page to draw on that becomes a PNG, SVG or PDF: the only place that knows the three apart.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "pellucid/render/panel.h"
#include "pellucid/render/typeset.h"

namespace pellucid {

enum class Align { left, centre, right };

class Canvas {
 public:
  // A white page of that size in units of a point (SVG: a pixel). `scale`: pixels per unit of a
  // PNG. `title`: the document's own title, plain text.
  Canvas(PictureFormat format, double width, double height, double scale, std::string_view title,
         Fonts& fonts);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  // Pixels of an image that is to be sharp at this length: the file's own pixels, or four per unit.
  std::int64_t pixels(double length) const;

  // `rgb`: uint8 [h,w,3], stretched over the rectangle.
  void image(const at::Tensor& rgb, double x, double y, double width, double height);
  void fill(double x, double y, double width, double height, Colour colour, double opacity = 1);
  void outline(double x, double y, double width, double height, Colour colour, double thickness);
  void line(double x0, double y0, double x1, double y1, Colour colour, double thickness);
  void polygon(const std::vector<std::pair<double, double>>& points, Colour colour);
  // One line; `y` is its baseline. Characters that no font has are left out: see Fonts::drawable.
  void text(double x, double y, std::string_view line, const Style& style,
            Align align = Align::left);

  // The file's bytes; nothing can be drawn afterwards.
  std::vector<std::byte> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pellucid

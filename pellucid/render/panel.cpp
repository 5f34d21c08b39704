// The layout of a panel, in units of which a PNG has two pixels: photo, overlay and map side by
// side, the colour bar under the two that it explains, remarks and notes below. Everything is
// placed before anything is drawn, so that the page is as high as its content.
#include "pellucid/render/panel.h"

#include <algorithm>
#include <cmath>

#include "pellucid/base/error.h"
#include "pellucid/render/canvas.h"
#include "pellucid/render/heading.h"
#include "pellucid/render/line.h"
#include "pellucid/render/tiles.h"

namespace pellucid {
namespace {

constexpr double gap = 12, widest_tile = 192, highest_tile = 300, narrowest_content = 480,
                 narrowest_bar = 260;
constexpr double caption_height = 15, bar_height = 10;
const Style caption_style = {9, Weight::regular, soft_ink};
const Style tick_style = {8.5, Weight::regular, dark_ink};
const Style unit_style = {8.5, Weight::regular, soft_ink};
const Style flat_style = {10, Weight::bold, alarm_ink};

struct Layout {
  double tile_width, tile_height, content, left;  // `left`: the first tile's edge
  double tile(int index) const { return left + index * (tile_width + gap); }
  double right() const { return tile(2) + tile_width; }
};

Layout lay_out(const at::Tensor& photo) {
  const double aspect = static_cast<double>(photo.size(1)) / static_cast<double>(photo.size(0));
  Layout layout{};
  // Whole units keep the images on the pixels' grid. Extreme shapes get at least a strip that can
  // be seen.
  layout.tile_width = std::max(std::round(std::min(widest_tile, highest_tile * aspect)), 12.0);
  layout.tile_height = std::clamp(std::round(layout.tile_width / aspect), 12.0, highest_tile);
  const double row = 3 * layout.tile_width + 2 * gap;
  layout.content = std::max(row, narrowest_content);
  layout.left = page_margin + std::round((layout.content - row) / 2);
  return layout;
}

// The bar, its two ends at exactly the scale's, five ticks, and the unit below.
void draw_colour_bar(Canvas& canvas, Fonts& fonts, const Panel& panel, const Scale& scale,
                     const Colormap& colours, double x, double y, double width) {
  canvas.image(draw_bar(colours, canvas.pixels(width)), x, y, width, bar_height);
  if (scale.clipped > 0) {
    const auto end = [&](double from, double tip, double position) {
      canvas.polygon({{from, y}, {tip, y + bar_height / 2}, {from, y + bar_height}},
                     colour(colours, position));
    };
    end(x + width, x + width + 7, 1);
    if (scale.diverging) end(x, x - 7, 0);
  }
  canvas.outline(x, y, width, bar_height, rule_ink, 0.5);
  const Numbers numbers = Numbers::for_scale(scale.high);
  constexpr int ticks = 4;
  for (int i = 0; i <= ticks; ++i) {
    const double share = static_cast<double>(i) / ticks;
    const double at = x + share * width;
    canvas.line(at, y + bar_height, at, y + bar_height + 3, soft_ink, 0.6);
    const double value = scale.diverging ? scale.high * (2 * share - 1) : scale.high * share;
    canvas.text(at, y + bar_height + 12, fonts.drawable(numbers.text(value)), tick_style,
                i == 0       ? Align::left
                : i == ticks ? Align::right
                             : Align::centre);
  }
  const std::string unit = fonts.drawable(numbers.unit(fonts, plain_line(panel.unit, 120)));
  canvas.text(x + width / 2, y + bar_height + 24, fit(fonts, unit, unit_style, width), unit_style,
              Align::centre);
}

void draw_frame(Canvas& canvas, const Panel& panel, const Layout& layout, double y) {
  const double across = layout.tile_width / panel.photo.width,
               down = layout.tile_height / panel.photo.height;
  for (const int tile : {0, 1}) {
    const double x = layout.tile(tile) + panel.seen.x * across, top = y + panel.seen.y * down;
    canvas.outline(x, top, panel.seen.width * across, panel.seen.height * down, {255, 255, 255},
                   1.6);
    canvas.outline(x, top, panel.seen.width * across, panel.seen.height * down, dark_ink, 0.6);
  }
}

void draw_flat(Canvas& canvas, Fonts& fonts, const std::string& remark, const Layout& layout,
               double y) {
  const auto lines = wrap(fonts, fonts.drawable(plain_line(remark), flat_style.weight), flat_style,
                          layout.tile_width - 24, 4);
  const double height = static_cast<double>(lines.size()) * 14 + 12;
  if (height > layout.tile_height || layout.tile_width < 100) return;
  const double top = y + (layout.tile_height - height) / 2;
  canvas.fill(layout.tile(2) + 8, top, layout.tile_width - 16, height, {255, 255, 255}, 0.92);
  for (std::size_t i = 0; i < lines.size(); ++i)
    canvas.text(layout.tile(2) + layout.tile_width / 2, top + 16 + 14 * static_cast<double>(i),
                lines[i], flat_style, Align::centre);
}

}  // namespace

std::vector<std::byte> draw(const Panel& panel, PictureFormat format, double scale) {
  Fonts fonts;
  return draw(panel, format, scale, fonts);
}

std::vector<std::byte> draw(const Panel& panel, PictureFormat format, double pixels_per_unit,
                            Fonts& fonts) {
  check(panel);
  const Scale scale =
      scale_of(panel.map, {.positive_part = panel.positive_part, .clip = panel.clip});
  const Colormap& colours =
      panel.colormap.empty() ? default_colormap(scale.diverging) : colormap(panel.colormap);
  const Language language = drawable_language(fonts, panel.language);
  const bool cropped = panel.seen.width > 0 && panel.seen.height > 0;

  const std::vector<std::string> said = remarks(scale, language);
  Words words{.title = panel.title,
              .title_without_label = panel.title_without_label,
              .subtitle = panel.subtitle,
              .alarms = panel.alarms,
              .notes = {}};
  for (const std::string& remark : said)
    (scale.flat || scale.nonfinite > 0 ? words.alarms : words.notes).push_back(remark);
  if (scale.diverging && !scale.flat && !colours.diverging)
    words.alarms.push_back(
        say(language, "signed map on a colormap without a neutral colour: 0 is in its middle"));
  if (cropped) words.notes.push_back(say(language, "the frame is the part that the model saw"));
  words.notes.insert(words.notes.end(), panel.notes.begin(), panel.notes.end());

  const Layout layout = lay_out(panel.photo.pixels);
  const Heading heading(fonts, words, panel.language, layout.content);
  const double captions = page_margin + heading.above() + caption_height - 5;
  const double tiles_top = std::ceil(page_margin + heading.above() + caption_height);
  const double under = tiles_top + layout.tile_height;
  const double notes_top = under + (scale.flat ? 4 : 44);
  Canvas canvas(format, layout.content + 2 * page_margin,
                std::ceil(notes_top + heading.below() + page_margin - 4), pixels_per_unit,
                heading.title(), fonts);
  heading.draw(canvas, page_margin, notes_top);

  const Tiles tiles = draw_tiles(panel, scale, colours, canvas.pixels(layout.tile_width),
                                 canvas.pixels(layout.tile_height));
  const std::string names[] = {
      say(language, "Photo"),
      say(language, "Overlay, {0} % map", {number(std::round(100 * panel.alpha), 3)}),
      say(language, "Map")};
  const at::Tensor* images[] = {&tiles.photo, &tiles.overlay, &tiles.map};
  for (int i = 0; i < 3; ++i) {
    canvas.text(layout.tile(i), captions,
                fit(fonts, fonts.drawable(names[i]), caption_style, layout.tile_width),
                caption_style);
    canvas.image(*images[i], layout.tile(i), tiles_top, layout.tile_width, layout.tile_height);
  }
  if (cropped) draw_frame(canvas, panel, layout, tiles_top);
  if (scale.flat) {
    draw_flat(canvas, fonts, said.front(), layout, tiles_top);
  } else {
    const double width = std::max(layout.right() - layout.tile(1), narrowest_bar);
    const double right = std::max(layout.right(), layout.tile(0) + narrowest_bar);
    draw_colour_bar(canvas, fonts, panel, scale, colours, right - width, under + 9, width);
  }
  return canvas.finish();
}

}  // namespace pellucid

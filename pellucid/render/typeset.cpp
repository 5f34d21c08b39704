// Text is measured unhinted, so that a line breaks at the same place in PNG, SVG and PDF.
#include "pellucid/render/typeset.h"

#include <cairo.h>

#include <algorithm>

#include "pellucid/render/line.h"

namespace pellucid {
namespace {

double run_width(const Fonts::Run& run, double size) {
  cairo_matrix_t letters, identity;
  cairo_matrix_init_scale(&letters, size, size);
  cairo_matrix_init_identity(&identity);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_scaled_font_t* font = cairo_scaled_font_create(run.face, &letters, &identity, options);
  cairo_text_extents_t extents{};
  cairo_scaled_font_text_extents(font, run.text.c_str(), &extents);
  cairo_scaled_font_destroy(font);
  cairo_font_options_destroy(options);
  return extents.x_advance;
}

std::string text_of(const std::vector<char32_t>& characters, std::size_t first, std::size_t last) {
  std::string result;
  for (std::size_t i = first; i < last; ++i) append_utf8(result, characters[i]);
  return result;
}

// Chinese, Japanese and Korean may break at any character.
bool is_wide(char32_t c) {
  return (c >= 0x2e80 && c < 0xd7b0) || (c >= 0xf900 && c < 0xfb00) ||
         (c >= 0xff00 && c < 0xffe0) || c >= 0x20000;
}

// The largest count of leading characters from `first` on that fit; widths grow with the count.
std::size_t fitting(Fonts& fonts, const std::vector<char32_t>& characters, std::size_t first,
                    const Style& style, double width) {
  std::size_t low = 0, high = characters.size() - first;
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    if (text_width(fonts, text_of(characters, first, first + middle), style) <= width)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

}  // namespace

double text_width(Fonts& fonts, std::string_view line, const Style& style) {
  double width = 0;
  for (const Fonts::Run& run : fonts.runs(line, style.weight))
    if (run.face != nullptr) width += run_width(run, style.size);
  return width;
}

std::string fit(Fonts& fonts, std::string_view line, const Style& style, double width) {
  if (text_width(fonts, line, style) <= width) return std::string(line);
  const std::string ellipsis = fonts.drawable("\u2026", style.weight);
  const std::vector<char32_t> characters = decode_utf8(line);
  std::size_t count =
      fitting(fonts, characters, 0, style, width - text_width(fonts, ellipsis, style));
  while (count > 0 && characters[count - 1] == U' ') --count;
  return text_of(characters, 0, count) + ellipsis;
}

std::vector<std::string> wrap(Fonts& fonts, std::string_view text, const Style& style, double width,
                              int most) {
  const std::vector<char32_t> characters = decode_utf8(text);
  std::vector<std::string> lines;
  std::size_t first = 0;
  while (first < characters.size()) {
    if (static_cast<int>(lines.size()) + 1 == most) {
      lines.push_back(fit(fonts, text_of(characters, first, characters.size()), style, width));
      break;
    }
    const std::size_t count =
        std::max<std::size_t>(fitting(fonts, characters, first, style, width), 1);
    std::size_t last = first + count;
    if (last < characters.size()) {
      std::size_t cut = last;
      while (cut > first && characters[cut] != U' ' && !is_wide(characters[cut])) --cut;
      if (cut > first) last = cut;
    }
    lines.push_back(text_of(characters, first, last));
    first = last;
    while (first < characters.size() && characters[first] == U' ') ++first;
  }
  return lines;
}

}  // namespace pellucid

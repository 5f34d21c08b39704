// Cairo behind a small interface. SVG text is drawn as outlines, which needs no font at the
// reader's and leaves no place for markup. Nothing in a file depends on the clock or on what the
// process drew before.
#include "pellucid/render/canvas.h"

#include <ATen/ops/empty.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/render/line.h"

namespace pellucid {
namespace {

cairo_status_t collect(void* closure, const unsigned char* data, unsigned int length) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  auto* all = static_cast<std::vector<std::byte>*>(closure);
  // An exception must not pass through Cairo's C frames.
  try {
    all->insert(all->end(), bytes, bytes + length);
  } catch (...) {
    return CAIRO_STATUS_NO_MEMORY;
  }
  return CAIRO_STATUS_SUCCESS;
}

void check(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw internal_error(std::string("the picture could not be drawn: ") +
                         cairo_status_to_string(status));
}

// Cairo numbers its images through the whole process ("surface12"): numbered anew from 1 in the
// order of appearance. The document gets its title, escaped, for screen readers.
std::vector<std::byte> tidy_svg(const std::vector<std::byte>& bytes, std::string_view title) {
  const std::string_view svg(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string result;
  result.reserve(svg.size() + 256);
  std::map<std::string, std::string, std::less<>> numbers;
  constexpr std::string_view words[] = {"id=\"", "#"};
  bool titled = false;
  for (std::size_t i = 0; i < svg.size();) {
    std::string_view word;
    for (const std::string_view candidate : words)
      if (svg.substr(i, candidate.size()) == candidate) word = candidate;
    if (!word.empty()) {
      const std::size_t name = i + word.size();
      std::size_t digits = name;
      while (digits < svg.size() && svg[digits] >= 'a' && svg[digits] <= 'z') ++digits;
      std::size_t end = digits;
      while (end < svg.size() && svg[end] >= '0' && svg[end] <= '9') ++end;
      const std::string_view kind = svg.substr(name, digits - name);
      if (end > digits &&
          (kind == "surface" || kind == "image" || kind == "source" || kind == "pattern")) {
        const auto [entry, fresh] =
            numbers.try_emplace(std::string(svg.substr(name, end - name)),
                                std::string(kind) + std::to_string(numbers.size() + 1));
        result += word;
        result += entry->second;
        i = end;
        continue;
      }
    }
    // Images are long runs of base64: copied at once up to the next character that can start a
    // word.
    const std::size_t next = std::min(svg.find_first_of("i#>", i + 1), svg.size());
    result += svg.substr(i, next - i);
    if (!titled && svg[next - 1] != '>' && next < svg.size() && svg[next] == '>' &&
        result.find("<svg") != std::string::npos) {
      titled = true;
      result += ">\n<title>" + escape_xml(title) + "</title>";
      i = next + 1;
      continue;
    }
    i = next;
  }
  std::vector<std::byte> out(result.size());
  std::memcpy(out.data(), result.data(), result.size());
  return out;
}

}  // namespace

struct Canvas::State {
  PictureFormat format;
  double scale;
  std::string title;
  Fonts& fonts;
  std::vector<std::byte> bytes = {};
  cairo_surface_t* surface = nullptr;
  cairo_t* context = nullptr;

  State(PictureFormat f, double s, std::string_view t, Fonts& known)
      : format(f), scale(s), title(t), fonts(known) {}
  ~State() {
    // The surface may still write to `bytes` while it goes.
    if (context != nullptr) cairo_destroy(context);
    if (surface != nullptr) cairo_surface_destroy(surface);
  }
  void ink(Colour colour, double opacity = 1) const {
    cairo_set_source_rgba(context, colour[0] / 255.0, colour[1] / 255.0, colour[2] / 255.0,
                          opacity);
  }
};

Canvas::Canvas(PictureFormat format, double width, double height, double scale,
               std::string_view title, Fonts& fonts)
    : state_(std::make_unique<State>(format, format == PictureFormat::png ? scale : 1.0, title,
                                     fonts)) {
  if (!(scale >= 0.25 && scale <= 8))
    throw usage_error("a picture's scale lies between 0.25 and 8");
  State& s = *state_;
  if (format == PictureFormat::png) {
    s.surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::ceil(width * scale)),
                                   static_cast<int>(std::ceil(height * scale)));
  } else if (format == PictureFormat::svg) {
    s.surface = cairo_svg_surface_create_for_stream(collect, &s.bytes, width, height);
    cairo_svg_surface_set_document_unit(s.surface, CAIRO_SVG_UNIT_PX);
  } else {
    s.surface = cairo_pdf_surface_create_for_stream(collect, &s.bytes, width, height);
    cairo_pdf_surface_set_metadata(s.surface, CAIRO_PDF_METADATA_TITLE, s.title.c_str());
    // A date that does not parse leaves the entry out; the default would be the time of day.
    cairo_pdf_surface_set_metadata(s.surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
  }
  check(cairo_surface_status(s.surface));
  s.context = cairo_create(s.surface);
  check(cairo_status(s.context));
  cairo_scale(s.context, s.scale, s.scale);
  s.ink({255, 255, 255});
  cairo_paint(s.context);
}

Canvas::~Canvas() = default;

std::int64_t Canvas::pixels(double length) const {
  return std::max<std::int64_t>(
      std::llround(length * (state_->format == PictureFormat::png ? state_->scale : 4.0)), 1);
}

void Canvas::image(const at::Tensor& rgb, double x, double y, double width, double height) {
  const at::Tensor pixels = rgb.contiguous();
  const auto h = static_cast<int>(pixels.size(0)), w = static_cast<int>(pixels.size(1));
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
  check(cairo_surface_status(surface));
  cairo_surface_flush(surface);
  unsigned char* data = cairo_image_surface_get_data(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  const auto* source = pixels.data_ptr<std::uint8_t>();
  for (int row = 0; row < h; ++row) {
    auto* target =
        reinterpret_cast<std::uint32_t*>(data + static_cast<std::ptrdiff_t>(row) * stride);
    for (int column = 0; column < w; ++column, source += 3)
      target[column] =
          0xff000000u | static_cast<std::uint32_t>(source[0] << 16 | source[1] << 8 | source[2]);
  }
  cairo_surface_mark_dirty(surface);
  cairo_t* context = state_->context;
  cairo_save(context);
  cairo_rectangle(context, x, y, width, height);
  cairo_clip(context);
  cairo_translate(context, x, y);
  cairo_scale(context, width / w, height / h);
  cairo_set_source_surface(context, surface, 0, 0);
  // Repeating the edge keeps the border from fading into the page.
  cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD);
  cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_BILINEAR);
  cairo_paint(context);
  cairo_restore(context);
  cairo_surface_destroy(surface);
}

void Canvas::fill(double x, double y, double width, double height, Colour colour, double opacity) {
  state_->ink(colour, opacity);
  cairo_rectangle(state_->context, x, y, width, height);
  cairo_fill(state_->context);
}

void Canvas::outline(double x, double y, double width, double height, Colour colour,
                     double thickness) {
  state_->ink(colour);
  cairo_set_line_width(state_->context, thickness);
  cairo_rectangle(state_->context, x, y, width, height);
  cairo_stroke(state_->context);
}

void Canvas::line(double x0, double y0, double x1, double y1, Colour colour, double thickness) {
  state_->ink(colour);
  cairo_set_line_width(state_->context, thickness);
  cairo_move_to(state_->context, x0, y0);
  cairo_line_to(state_->context, x1, y1);
  cairo_stroke(state_->context);
}

void Canvas::polygon(const std::vector<std::pair<double, double>>& points, Colour colour) {
  state_->ink(colour);
  for (const auto& [x, y] : points) cairo_line_to(state_->context, x, y);
  cairo_close_path(state_->context);
  cairo_fill(state_->context);
}

void Canvas::text(double x, double y, std::string_view line, const Style& style, Align align) {
  cairo_t* context = state_->context;
  const double share = align == Align::left ? 0 : align == Align::centre ? 0.5 : 1;
  double at = x - (share > 0 ? share * text_width(state_->fonts, line, style) : 0);
  state_->ink(style.ink);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(context, options);
  cairo_font_options_destroy(options);
  for (const Fonts::Run& run : state_->fonts.runs(line, style.weight)) {
    if (run.face == nullptr) continue;
    cairo_set_font_face(context, run.face);
    cairo_set_font_size(context, style.size);
    cairo_move_to(context, at, y);
    cairo_show_text(context, run.text.c_str());
    at += text_width(state_->fonts, run.text, style);
  }
  cairo_new_path(context);
}

std::vector<std::byte> Canvas::finish() {
  State& s = *state_;
  check(cairo_status(s.context));
  if (s.format == PictureFormat::png) {
    cairo_surface_flush(s.surface);
    const int h = cairo_image_surface_get_height(s.surface),
              w = cairo_image_surface_get_width(s.surface);
    const int stride = cairo_image_surface_get_stride(s.surface);
    const unsigned char* data = cairo_image_surface_get_data(s.surface);
    const at::Tensor pixels = at::empty({h, w, 3}, at::kByte);
    auto* target = pixels.data_ptr<std::uint8_t>();
    for (int row = 0; row < h; ++row) {
      const auto* source =
          reinterpret_cast<const std::uint32_t*>(data + static_cast<std::ptrdiff_t>(row) * stride);
      for (int column = 0; column < w; ++column)
        for (const int shift : {16, 8, 0})
          *target++ = static_cast<std::uint8_t>(source[column] >> shift);
    }
    return encode_png(pixels);
  }
  cairo_show_page(s.context);
  cairo_surface_finish(s.surface);
  check(cairo_surface_status(s.surface));
  return s.format == PictureFormat::svg ? tidy_svg(s.bytes, s.title) : std::move(s.bytes);
}

}  // namespace pellucid

// Arrows to the next row go straight down; those that skip rows run in lanes at the right, one for
// all that leave a box.
#include "pellucid/render/diagram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/render/canvas.h"
#include "pellucid/render/diagram_layout.h"
#include "pellucid/render/heading.h"
#include "pellucid/render/line.h"

namespace pellucid {
namespace {

constexpr double box_width = 250, box_height = 52, column_gap = 22, row_gap = 34;
constexpr double lane_step = 11, lane_gap = 14, corner = 5, head = 5;
constexpr std::size_t most_boxes = 1000;
constexpr Colour arrow_ink = {92, 100, 114};
constexpr std::array<Colour, 5> fills = {{{238, 239, 242},    // end
                                          {219, 233, 250},    // convolution
                                          {235, 224, 248},    // attention
                                          {222, 242, 226},    // linear
                                          {250, 246, 232}}};  // other
constexpr std::array<Colour, 5> edges = {
    {{150, 154, 162}, {84, 132, 196}, {146, 108, 190}, {86, 156, 104}, {186, 168, 110}}};
const Style title_style = {10.5, Weight::bold, dark_ink};
const Style shape_style = {9, Weight::regular, dark_ink};
const Style detail_style = {8.5, Weight::regular, soft_ink};

using Point = std::pair<double, double>;

class Drawing {
 public:
  Drawing(const Diagram& diagram, const DiagramLayout& layout, Canvas& canvas, Fonts& fonts,
          double top)
      : diagram_(diagram), layout_(layout), canvas_(canvas), fonts_(fonts), top_(top) {}

  void arrows() {
    for (const DiagramLayout::Lane& lane : layout_.lanes) {
      for (const std::size_t to : lane.to) draw_skip(lane, to);
    }
    for (const Diagram::Arrow& arrow : diagram_.arrows) {
      if (layout_.places[arrow.to].row == layout_.places[arrow.from].row + 1)
        draw_step(arrow.from, arrow.to);
    }
  }

  void boxes() {
    for (std::size_t i = 0; i < diagram_.boxes.size(); ++i)
      draw_box(diagram_.boxes[i], left_of(i), top_of(i));
  }

 private:
  double row_left(std::size_t row) const {
    const auto missing = static_cast<double>(layout_.columns - layout_.rows[row].size());
    return page_margin + missing * (box_width + column_gap) / 2;
  }
  double left_of(std::size_t box) const {
    const DiagramLayout::Place& place = layout_.places[box];
    return row_left(place.row) + static_cast<double>(place.column) * (box_width + column_gap);
  }
  double top_of(std::size_t box) const {
    return top_ + static_cast<double>(layout_.places[box].row) * (box_height + row_gap);
  }
  double lane_x(const DiagramLayout::Lane& lane) const {
    const auto columns = static_cast<double>(layout_.columns);
    return page_margin + columns * (box_width + column_gap) - column_gap + lane_gap +
           lane_step * static_cast<double>(lane.number);
  }

  // A line with round corners through points that lie at right angles to each other.
  void draw_path(const std::vector<Point>& points) {
    std::vector<Point> path = {points.front()};
    for (std::size_t i = 1; i + 1 < points.size(); ++i) {
      const auto [x, y] = points[i];
      const auto toward = [&](const Point& other) {
        const double length = std::hypot(other.first - x, other.second - y);
        const double part = length == 0 ? 0 : std::min(corner, length / 2) / length;
        return Point(x + (other.first - x) * part, y + (other.second - y) * part);
      };
      curve(path, toward(points[i - 1]), points[i], points[i], toward(points[i + 1]), 4);
    }
    path.push_back(points.back());
    draw_line(path);
  }

  static void curve(std::vector<Point>& path, Point a, Point b, Point c, Point d, int steps) {
    for (int step = 0; step <= steps; ++step) {
      const double t = static_cast<double>(step) / steps, s = 1 - t;
      const double wa = s * s * s, wb = 3 * s * s * t, wc = 3 * s * t * t, wd = t * t * t;
      path.emplace_back(wa * a.first + wb * b.first + wc * c.first + wd * d.first,
                        wa * a.second + wb * b.second + wc * c.second + wd * d.second);
    }
  }

  void draw_line(const std::vector<Point>& path) {
    for (std::size_t i = 1; i < path.size(); ++i) {
      canvas_.line(path[i - 1].first, path[i - 1].second, path[i].first, path[i].second, arrow_ink,
                   1);
    }
  }

  void head_down(double x, double y) {
    canvas_.polygon({{x, y}, {x - head * 0.7, y - head * 1.3}, {x + head * 0.7, y - head * 1.3}},
                    arrow_ink);
  }

  void draw_step(std::size_t from, std::size_t to) {
    const double x0 = left_of(from) + box_width / 2, y0 = top_of(from) + box_height;
    const double x1 = left_of(to) + box_width / 2, y1 = top_of(to);
    std::vector<Point> path;
    const double bend = row_gap / 2;
    curve(path, {x0, y0}, {x0, y0 + bend}, {x1, y1 - head - bend}, {x1, y1 - head}, 16);
    draw_line(path);
    head_down(x1, y1);
  }

  // Out of the right side where nothing stands there, else through the gap below the row; in
  // likewise.
  void draw_skip(const DiagramLayout::Lane& lane, std::size_t to) {
    const double x = lane_x(lane);
    const double beside = box_width * 0.75;
    const auto stagger = [&](std::size_t box) {
      return 3 * static_cast<double>(layout_.places[box].column % 3);
    };
    std::vector<Point> path;
    if (layout_.places[lane.from].last) {
      const double y = top_of(lane.from) + box_height * 0.72;
      path = {{left_of(lane.from) + box_width, y}, {x, y}};
    } else {
      const double y = top_of(lane.from) + box_height + 7 + stagger(lane.from);
      const double out = left_of(lane.from) + beside;
      path = {{out, top_of(lane.from) + box_height}, {out, y}, {x, y}};
    }
    if (layout_.places[to].last) {
      const double y = top_of(to) + box_height * 0.28, edge = left_of(to) + box_width;
      path.insert(path.end(), {{x, y}, {edge + head, y}});
      draw_path(path);
      canvas_.polygon(
          {{edge, y}, {edge + head * 1.3, y - head * 0.7}, {edge + head * 1.3, y + head * 0.7}},
          arrow_ink);
    } else {
      const double y = top_of(to) - 10 - stagger(to), in = left_of(to) + beside;
      path.insert(path.end(), {{x, y}, {in, y}, {in, top_of(to) - head}});
      draw_path(path);
      head_down(in, top_of(to));
    }
  }

  std::string cleaned(const std::string& text) const {
    return fonts_.drawable(plain_line(text, 200));
  }

  // Of a module's path the end tells more than the beginning.
  std::string fit_end(std::string text, const Style& style, double width) const {
    if (text_width(fonts_, text, style) <= width) return text;
    for (std::size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.')) {
      text.erase(0, dot + 1);
      if (text_width(fonts_, "…" + text, style) <= width) return "…" + text;
    }
    return fit(fonts_, text, style, width);
  }

  // Two texts in one line; the right one is whole.
  void draw_pair(double x, double y, const std::string& left, const Style& left_style,
                 const std::string& right, const Style& right_style) {
    constexpr double padding = 10, apart = 10;
    const double whole = box_width - 2 * padding;
    const std::string end = fit(fonts_, cleaned(right), right_style, whole);
    const double taken = end.empty() ? 0 : text_width(fonts_, end, right_style) + apart;
    canvas_.text(x + padding, y, fit_end(cleaned(left), left_style, whole - taken), left_style);
    canvas_.text(x + box_width - padding, y, end, right_style, Align::right);
  }

  void draw_box(const Diagram::Box& box, double x, double y) {
    const auto role = static_cast<std::size_t>(box.role);
    canvas_.fill(x, y, box_width, box_height, fills.at(role));
    canvas_.outline(x, y, box_width, box_height, edges.at(role), 1);
    draw_pair(x, y + 16, box.title, title_style, box.work, detail_style);
    draw_pair(x, y + 30, box.detail, detail_style, "", detail_style);
    draw_pair(x, y + 44, box.shape, shape_style, box.size, detail_style);
  }

  const Diagram& diagram_;
  const DiagramLayout& layout_;
  Canvas& canvas_;
  Fonts& fonts_;
  double top_;
};

// The colours that are in the drawing; returns how high it is.
double draw_legend(const Diagram& diagram, Canvas* canvas, Fonts& fonts, Language language,
                   double y) {
  std::set<Diagram::Role> used;
  for (const Diagram::Box& box : diagram.boxes) used.insert(box.role);
  const std::array<std::string, 5> names = {"", say(language, "convolutions"),
                                            say(language, "attention"),
                                            say(language, "linear layers"), say(language, "other")};
  double x = page_margin;
  for (const Diagram::Role role : used) {
    const auto index = static_cast<std::size_t>(role);
    if (names.at(index).empty()) continue;
    if (canvas != nullptr) {
      canvas->fill(x, y, 11, 11, fills.at(index));
      canvas->outline(x, y, 11, 11, edges.at(index), 1);
      canvas->text(x + 16, y + 9, names.at(index), detail_style);
    }
    x += 16 + text_width(fonts, names.at(index), detail_style) + 18;
  }
  return 20;
}

}  // namespace

std::vector<std::byte> draw(const Diagram& diagram, PictureFormat format, double scale) {
  if (diagram.boxes.empty() || diagram.boxes.size() > most_boxes) {
    throw usage_error("a drawing has room for " + std::to_string(most_boxes) +
                      " modules, not for " + std::to_string(diagram.boxes.size()))
        .hint("give a smaller --depth, or leave it out");
  }
  Fonts fonts;
  const DiagramLayout layout = layout_of(diagram);
  const double boxes_width =
      static_cast<double>(layout.columns) * (box_width + column_gap) - column_gap;
  const double lanes_width =
      layout.lane_count == 0 ? 0 : lane_gap + lane_step * static_cast<double>(layout.lane_count);
  constexpr double least_width = 400;  // the heading's
  const double width = std::max(boxes_width + lanes_width, least_width);
  const Words words{.title = diagram.title,
                    .title_without_label = {},
                    .subtitle = diagram.subtitle,
                    .alarms = {},
                    .notes = diagram.notes};
  const Heading heading(fonts, words, diagram.language, width);
  const Language language = drawable_language(fonts, diagram.language);
  const double top = page_margin + heading.above();
  const double bottom =
      top + (box_height + row_gap) * static_cast<double>(layout.rows.size()) - row_gap + 14;
  const double notes_top = bottom + draw_legend(diagram, nullptr, fonts, language, bottom);
  Canvas canvas(format, width + 2 * page_margin,
                std::ceil(notes_top + heading.below() + page_margin - 4), scale, heading.title(),
                fonts);
  heading.draw(canvas, page_margin, notes_top);
  Drawing drawing(diagram, layout, canvas, fonts, top);
  drawing.arrows();
  drawing.boxes();
  draw_legend(diagram, &canvas, fonts, language, bottom);
  return canvas.finish();
}

}  // namespace pellucid

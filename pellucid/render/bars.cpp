// One row per feature: its name, its value, a bar from 0 to the left (blue, against the target) or
// to the right (red, for it), and the score. Both directions share one scale. Scores that are not
// finite come first and are said.
#include "pellucid/render/bars.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pellucid/base/error.h"
#include "pellucid/render/canvas.h"
#include "pellucid/render/heading.h"
#include "pellucid/render/line.h"

namespace pellucid {
namespace {

constexpr double content = 600, row_step = 19, bar_thickness = 12, number_space = 52;
constexpr Colour for_ink = {206, 43, 39}, against_ink = {0, 94, 200};
const Style name_style = {9.5, Weight::regular, dark_ink};
const Style value_style = {9, Weight::regular, soft_ink};
const Style unit_style = {8.5, Weight::regular, soft_ink};

struct Row {
  std::string name, value;
  double score = 0;
  bool is_sum = false;
};

struct Choice {
  std::vector<Row> rows;
  bool renamed = false;  // a name had no font
};

Choice choose(const Bars& bars, const std::vector<double>& scores, Fonts& fonts,
              Language language) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto weight = [&](std::size_t i) {
    return std::isfinite(scores[i]) ? std::abs(scores[i]) : std::numeric_limits<double>::infinity();
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });

  Choice choice;
  // A sum of one feature would only hide its name.
  std::size_t shown = std::min(order.size(), static_cast<std::size_t>(bars.most));
  if (order.size() == shown + 1) ++shown;
  for (std::size_t k = 0; k < shown; ++k) {
    const std::size_t i = order[k];
    Row row;
    row.score = scores[i];
    if (i < bars.names.size()) row.name = plain_line(bars.names[i], 120);
    if (!row.name.empty() && !fonts.covers(row.name)) {
      row.name.clear();
      choice.renamed = true;
    }
    if (row.name.empty()) row.name = say(language, "feature {0}", {std::to_string(i)});
    if (i < bars.values.size()) row.value = fonts.drawable(plain_line(bars.values[i], 60));
    choice.rows.push_back(std::move(row));
  }
  if (shown < order.size()) {
    Row rest;
    rest.is_sum = true;
    rest.name = say(language, "the other {0}, summed", {std::to_string(order.size() - shown)});
    for (std::size_t k = shown; k < order.size(); ++k) rest.score += scores[order[k]];
    choice.rows.push_back(std::move(rest));
  }
  return choice;
}

}  // namespace

std::vector<std::byte> draw(const Bars& bars, PictureFormat format, double scale) {
  Fonts fonts;
  return draw(bars, format, scale, fonts);
}

std::vector<std::byte> draw(const Bars& bars, PictureFormat format, double scale, Fonts& fonts) {
  if (!bars.scores.defined() || bars.scores.numel() == 0 || bars.scores.is_complex())
    throw input_error("scores to draw must be a non-empty array of real numbers");
  if (bars.most < 1 || bars.most > 200) throw usage_error("a drawing has 1 to 200 bars");
  const at::Tensor flat = bars.scores.detach().to(at::kCPU, at::kDouble).contiguous();
  const std::vector<double> scores(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  const Language language = drawable_language(fonts, bars.language);
  const Choice choice = choose(bars, scores, fonts, language);

  double largest = 0, low = 0, high = 0;
  std::size_t missing = 0;
  for (const double score : scores) missing += std::isfinite(score) ? 0u : 1u;
  for (const Row& row : choice.rows) {
    if (!std::isfinite(row.score)) continue;
    largest = std::max(largest, std::abs(row.score));
    low = std::min(low, row.score);
    high = std::max(high, row.score);
  }
  Words words{.title = bars.title,
              .title_without_label = bars.title_without_label,
              .subtitle = bars.subtitle,
              .alarms = bars.alarms,
              .notes = {}};
  const std::string count = std::to_string(scores.size());
  if (missing == scores.size())
    words.alarms.push_back(say(language, "no attribution: no score is a finite number"));
  else if (largest == 0)
    words.alarms.push_back(say(language, "no attribution: every score is 0"));
  if (missing > 0 && missing < scores.size())
    words.alarms.push_back(
        say(language, "{0} of {1} scores are not finite", {std::to_string(missing), count}));
  if (choice.renamed)
    words.alarms.push_back(
        say(language,
            "no font on this machine has the characters of some names: their indices are shown"));
  if (choice.rows.back().is_sum)
    words.notes.push_back(say(language,
                              "the {0} largest of {1} scores; the others are one bar, summed",
                              {std::to_string(choice.rows.size() - 1), count}));
  words.notes.insert(words.notes.end(), bars.notes.begin(), bars.notes.end());

  const Heading heading(fonts, words, bars.language, content);
  double name_width = 40, value_width = 0;
  for (const Row& row : choice.rows) {
    name_width = std::max(name_width, std::min(text_width(fonts, row.name, name_style), 190.0));
    value_width = std::max(value_width, std::min(text_width(fonts, row.value, value_style), 80.0));
  }
  const double left = page_margin + name_width + (value_width > 0 ? value_width + 10 : 0) + 12;
  const double right = page_margin + content;
  // Numbers stand at the bars' ends: space for them on each side that has bars.
  const double least_x = left + (low < 0 ? number_space : 0), most_x = right - number_space;
  const double span = high - low > 0 ? high - low : 1;
  const double zero = least_x + (-low / span) * (most_x - least_x);
  const double per_unit = (most_x - least_x) / span;

  const double top = page_margin + heading.above();
  const double bottom = top + row_step * static_cast<double>(choice.rows.size());
  const Numbers numbers = Numbers::for_scale(largest);
  const std::string unit = fonts.drawable(numbers.unit(fonts, plain_line(bars.unit, 120)));
  const double notes_top = bottom + (unit.empty() ? 4 : 20);
  Canvas canvas(format, content + 2 * page_margin,
                std::ceil(notes_top + heading.below() + page_margin - 4), scale, heading.title(),
                fonts);
  heading.draw(canvas, page_margin, notes_top);
  double y = top;
  for (const Row& row : choice.rows) {
    const double baseline = y + row_step / 2 + 3.4;
    const Style& style = row.is_sum ? value_style : name_style;
    canvas.text(page_margin + name_width, baseline, fit(fonts, row.name, style, name_width), style,
                Align::right);
    if (!row.value.empty())
      canvas.text(page_margin + name_width + 10, baseline,
                  fit(fonts, row.value, value_style, value_width), value_style);
    if (std::isfinite(row.score)) {
      const double length = row.score * per_unit;
      canvas.fill(std::min(zero, zero + length), y + (row_step - bar_thickness) / 2,
                  std::abs(length), bar_thickness, row.score < 0 ? against_ink : for_ink,
                  row.is_sum ? 0.45 : 1);
      canvas.text(zero + length + (row.score < 0 ? -4 : 4), baseline,
                  fonts.drawable(numbers.text(row.score)), value_style,
                  row.score < 0 ? Align::right : Align::left);
    } else {
      canvas.text(zero + 4, baseline, say(language, "not a finite number"),
                  Style{9, Weight::bold, alarm_ink});
    }
    y += row_step;
  }
  canvas.line(zero, top, zero, bottom, soft_ink, 0.7);
  canvas.text(zero, bottom + 12, unit, unit_style, low < 0 ? Align::centre : Align::left);
  return canvas.finish();
}

}  // namespace pellucid

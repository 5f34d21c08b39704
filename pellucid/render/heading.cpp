// Title, subtitle and notes. A label without a font is replaced by its index, never drawn as boxes,
// and it is said.
#include "pellucid/render/heading.h"

#include <cmath>
#include <cstdio>

#include "pellucid/render/line.h"

namespace pellucid {
namespace {

const Style title_style = {15, Weight::bold, dark_ink};
const Style subtitle_style = {9.5, Weight::regular, soft_ink};
const Style note_style = {9, Weight::regular, soft_ink};
const Style alarm_style = {9, Weight::bold, alarm_ink};
constexpr double subtitle_step = 13, note_step = 13, bullet_indent = 10, most_lines_of_note = 4;
constexpr std::size_t most_notes = 12;

}  // namespace

Language drawable_language(Fonts& fonts, Language wanted) {
  return wanted == Language::chinese && fonts.covers("\u7167\u7247\u70ed\u529b\u56fe")
             ? Language::chinese
             : Language::english;
}

Heading::Heading(Fonts& fonts, const Words& words, Language wanted, double width) {
  const Language language = drawable_language(fonts, wanted);
  std::vector<std::string> missing;
  if (language != wanted)
    missing.push_back(
        say(language, "no font on this machine has Chinese characters: English is shown"));

  std::string title = plain_line(words.title);
  if (!fonts.covers(title, title_style.weight)) {
    if (!words.title_without_label.empty()) {
      title = plain_line(words.title_without_label);
      missing.push_back(say(
          language, "no font on this machine has the characters of the label: its index is shown"));
    } else {
      missing.push_back(say(language, "no font on this machine has some of the characters"));
    }
  }
  title_ = fit(fonts, fonts.drawable(title, title_style.weight), title_style, width);
  subtitle_ =
      wrap(fonts, fonts.drawable(plain_line(words.subtitle, 600)), subtitle_style, width, 2);

  const auto add = [&](const std::string& note, bool alarm) {
    bool first = true;
    const Style& style = alarm ? alarm_style : note_style;
    for (std::string& line : wrap(fonts, fonts.drawable(plain_line(note, 600), style.weight), style,
                                  width - bullet_indent, static_cast<int>(most_lines_of_note))) {
      notes_.push_back({std::move(line), alarm, first});
      first = false;
    }
  };
  for (const std::string& alarm : words.alarms) add(alarm, true);
  for (const std::string& note : missing) add(note, true);
  for (std::size_t i = 0; i < words.notes.size() && i < most_notes; ++i) add(words.notes[i], false);
  if (words.notes.size() > most_notes)
    add(say(language, "{0} more notes are in the .json file",
            {std::to_string(words.notes.size() - most_notes)}),
        false);
}

double Heading::above() const {
  return (title_.empty() ? 0 : 22) + static_cast<double>(subtitle_.size()) * subtitle_step +
         (title_.empty() && subtitle_.empty() ? 0 : 8);
}

double Heading::below() const {
  return notes_.empty() ? 0 : static_cast<double>(notes_.size()) * note_step + 6;
}

void Heading::draw(Canvas& canvas, double x, double y) const {
  double baseline = page_margin + (title_.empty() ? 0 : 13);
  if (!title_.empty()) {
    canvas.text(x, baseline, title_, title_style);
    baseline += 4;
  }
  for (const std::string& line : subtitle_) {
    baseline += subtitle_step;
    canvas.text(x, baseline, line, subtitle_style);
  }
  for (const Line& note : notes_) {
    y += note_step;
    if (note.first) canvas.fill(x, y - 5, 3, 3, note.alarm ? alarm_ink : rule_ink);
    canvas.text(x + bullet_indent, y, note.text, note.alarm ? alarm_style : note_style);
  }
}

Numbers Numbers::for_scale(double largest) {
  Numbers numbers;
  if (!(largest > 0) || !std::isfinite(largest)) return numbers;
  // 9.996 is shown as 10.0: the power is that of the rounded number.
  int power = static_cast<int>(std::floor(std::log10(largest)));
  if (largest / std::pow(10.0, power) >= 9.995) ++power;
  if (power < -2 || power > 4) {
    numbers.exponent = power;
    power = 0;
  }
  numbers.decimals = std::max(2 - power, 0);
  return numbers;
}

std::string Numbers::text(double value) const {
  char digits[64];
  const double shown = exponent == 0 ? value : value / std::pow(10.0, exponent);
  std::snprintf(digits, sizeof digits, "%.*f", decimals, std::abs(shown));
  std::string result = digits;
  // A comma where the process has another locale.
  for (char& c : result)
    if (c == ',') c = '.';
  if (result.find_first_not_of("0.") == std::string::npos) return "0";
  return (value < 0 ? "\u2212" : "") + result;
}

std::string Numbers::unit(Fonts& fonts, const std::string& unit) const {
  if (exponent == 0) return unit;
  constexpr const char* superscripts[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                          "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  const std::string digits = std::to_string(std::abs(exponent));
  std::string raised = exponent < 0 ? "\u207b" : "";
  for (const char digit : digits) raised += superscripts[digit - '0'];
  const std::string power =
      fonts.covers(raised) ? "\u00d7 10" + raised : "1e" + std::to_string(exponent);
  return unit.empty() ? power : power + " " + unit;
}

}  // namespace pellucid

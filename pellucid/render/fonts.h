// The fonts of a drawing. Well-known font files are opened directly; fontconfig, whose first start
// without a cache can take long, is asked only for characters that these lack.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is Cairo's.
typedef struct _cairo_font_face cairo_font_face_t;

namespace pellucid {

// Where fonts are looked for, in this order; the first file that opens and covers the text is
// taken.
struct FontPlaces {
  std::vector<std::string> regular;  // Latin text faces
  std::vector<std::string> bold;
  std::vector<std::string> chinese;
  bool fontconfig = true;  // ask fontconfig for what none of these has

  static FontPlaces of_this_machine();
};

enum class Weight { regular, bold };

class Fonts {
 public:
  explicit Fonts(FontPlaces places = FontPlaces::of_this_machine());
  ~Fonts();
  Fonts(Fonts&&) noexcept;
  Fonts& operator=(Fonts&&) noexcept;

  // A stretch of text that one face can draw; `face` is owned by Fonts, nullptr: no font has these
  // characters.
  struct Run {
    std::string text;
    cairo_font_face_t* face;
  };
  // Splits UTF-8 text (as `plain_line` gives it) into runs. Scripts that need shaping or run from
  // right to left count as not covered: drawn letter by letter they would be wrong.
  std::vector<Run> runs(std::string_view text, Weight weight);
  // Whether drawable() loses nothing but typography.
  bool covers(std::string_view text, Weight weight = Weight::regular);
  // The text with each stretch that no font has replaced by "[3 characters]" (typographic signs by
  // ASCII ones).
  std::string drawable(std::string_view text, Weight weight = Weight::regular);

 private:
  std::string spelled(std::string_view text, Weight weight);

  struct State;
  std::unique_ptr<State> state_;
};

// What `doctor` prints.
struct FontReport {
  std::string latin;  // family name, e.g. "DejaVu Sans"; "built-in" when no font file was found
  std::string latin_file;  // empty when built-in
  std::string chinese;     // family name, empty when no font has Chinese characters
  std::string chinese_file;
};
FontReport font_report(const FontPlaces& places = FontPlaces::of_this_machine());

}  // namespace pellucid

// Font files → Cairo font faces through FreeType. A face is opened when a text first needs it;
// which characters it has is asked of its character map, so that a missing one is known before
// anything is drawn: no box is ever shown. Without any font file Cairo's built-in outlines serve,
// which have ASCII only.
#include "pellucid/render/fonts.h"

#include <cairo-ft.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include <algorithm>
#include <optional>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/render/line.h"

namespace pellucid {
namespace {

struct FreeType {
  FT_Library library = nullptr;
  FreeType() {
    if (FT_Init_FreeType(&library) != 0) throw internal_error("FreeType does not start");
  }
  ~FreeType() { FT_Done_FreeType(library); }
  FreeType(const FreeType&) = delete;
  FreeType& operator=(const FreeType&) = delete;
};

struct Face {
  std::shared_ptr<FreeType> library;
  FT_Face face = nullptr;
  ~Face() {
    if (face != nullptr) FT_Done_Face(face);
  }
};

struct Font {
  std::shared_ptr<Face> outlines;  // null: built-in
  cairo_font_face_t* face = nullptr;
  std::string file;

  bool has(char32_t character) const {
    if (outlines == nullptr) return character >= 0x20 && character < 0x7f;
    return FT_Get_Char_Index(outlines->face, character) != 0;
  }
  std::string family() const {
    return outlines == nullptr || outlines->face->family_name == nullptr
               ? ""
               : outlines->face->family_name;
  }
};

std::optional<Font> open_font(const std::shared_ptr<FreeType>& library, const std::string& file,
                              int index = 0) {
  auto outlines = std::make_shared<Face>();
  outlines->library = library;
  if (FT_New_Face(library->library, file.c_str(), index, &outlines->face) != 0) return std::nullopt;
  if (!FT_IS_SCALABLE(outlines->face) || outlines->face->charmap == nullptr) return std::nullopt;
  Font font{outlines, cairo_ft_font_face_create_for_ft_face(outlines->face, FT_LOAD_NO_HINTING),
            file};
  // Cairo may keep its face in a cache beyond this object: the FreeType face lives as long as that
  // does.
  static const cairo_user_data_key_t key = {};
  auto* owner = new std::shared_ptr<Face>(outlines);
  const auto destroy = [](void* data) { delete static_cast<std::shared_ptr<Face>*>(data); };
  if (cairo_font_face_set_user_data(font.face, &key, owner, destroy) != CAIRO_STATUS_SUCCESS) {
    delete owner;
    cairo_font_face_destroy(font.face);
    return std::nullopt;
  }
  return font;
}

Font built_in(Weight weight) {
  return {nullptr,
          cairo_toy_font_face_create(
              "@cairo:", CAIRO_FONT_SLANT_NORMAL,
              weight == Weight::bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL),
          ""};
}

// A fontconfig configuration for the life of one search: no state stays in the process.
struct Match {
  std::string file;
  int index = 0;
};
std::optional<Match> ask_fontconfig(const std::set<char32_t>& characters, Weight weight) {
  FcConfig* config = FcInitLoadConfigAndFonts();
  if (config == nullptr) return std::nullopt;
  FcCharSet* wanted = FcCharSetCreate();
  for (const char32_t character : characters) FcCharSetAddChar(wanted, character);
  FcPattern* pattern = FcPatternCreate();
  FcPatternAddString(pattern, FC_FAMILY, reinterpret_cast<const FcChar8*>("sans-serif"));
  FcPatternAddCharSet(pattern, FC_CHARSET, wanted);
  FcPatternAddBool(pattern, FC_SCALABLE, FcTrue);
  FcPatternAddInteger(pattern, FC_WEIGHT,
                      weight == Weight::bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR);
  FcConfigSubstitute(config, pattern, FcMatchPattern);
  FcDefaultSubstitute(pattern);
  std::optional<Match> match;
  FcResult result = FcResultNoMatch;
  if (FcPattern* found = FcFontMatch(config, pattern, &result)) {
    FcChar8* file = nullptr;
    int index = 0;
    if (FcPatternGetString(found, FC_FILE, 0, &file) == FcResultMatch) {
      FcPatternGetInteger(found, FC_INDEX, 0, &index);
      match = Match{reinterpret_cast<const char*>(file), index};
    }
    FcPatternDestroy(found);
  }
  FcPatternDestroy(pattern);
  FcCharSetDestroy(wanted);
  FcConfigDestroy(config);
  return match;
}

// Right-to-left scripts, and those whose letters change shape or order beside each other.
bool needs_shaping(char32_t c) {
  constexpr std::pair<char32_t, char32_t> ranges[] = {
      {0x0590, 0x109f}, {0x1780, 0x17ff}, {0x1800, 0x18af}, {0x1900, 0x1aff},   {0x1b00, 0x1bff},
      {0xa800, 0xabff}, {0xfb1d, 0xfdff}, {0xfe70, 0xfeff}, {0x10800, 0x11fff}, {0x1e800, 0x1efff}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](auto range) { return c >= range.first && c <= range.second; });
}

// What typewriters did: for the built-in face, which has ASCII only.
std::string_view ascii_for(char32_t c) {
  switch (c) {
    case U'\u00d7':
      return "x";
    case U'\u00b7':
      return "-";
    case U'\u2013':
    case U'\u2014':
    case U'\u2212':
      return "-";
    case U'\u2018':
    case U'\u2019':
      return "'";
    case U'\u201c':
    case U'\u201d':
      return "\"";
    case U'\u2022':
      return "*";
    case U'\u2026':
      return "...";
    case U'\u2264':
      return "<=";
    case U'\u2265':
      return ">=";
    case U'\ufffd':
      return "?";
    default:
      return "";
  }
}

}  // namespace

struct Fonts::State {
  FontPlaces places;
  std::shared_ptr<FreeType> library = std::make_shared<FreeType>();
  std::vector<Font> fonts[2];         // by weight, in the order of preference; the Latin face first
  std::vector<std::string> unopened;  // of places.chinese
  std::set<char32_t> nowhere;         // characters that fontconfig was asked for in vain

  ~State() {
    for (auto& list : fonts)
      for (Font& font : list) cairo_font_face_destroy(font.face);
  }

  std::vector<Font>& of(Weight weight) { return fonts[weight == Weight::bold ? 1 : 0]; }

  void open_latin(Weight weight) {
    std::vector<Font>& list = of(weight);
    if (!list.empty()) return;
    for (const std::string& file : weight == Weight::bold ? places.bold : places.regular)
      if (auto font = open_font(library, file)) {
        list.push_back(std::move(*font));
        return;
      }
    if (places.fontconfig)
      if (const auto match = ask_fontconfig({U'a', U'Z', U'0'}, weight))
        if (auto font = open_font(library, match->file, match->index)) {
          list.push_back(std::move(*font));
          return;
        }
    list.push_back(built_in(weight));
  }

  // Chinese faces are the same for both weights: their files are large, and few machines have a
  // bold one.
  const Font* find(char32_t character, Weight weight) {
    for (const Font& font : of(weight))
      if (font.has(character)) return &font;
    while (!unopened.empty()) {
      const std::string file = unopened.front();
      unopened.erase(unopened.begin());
      if (add(file, 0) && of(weight).back().has(character)) return &of(weight).back();
    }
    return nullptr;
  }

  bool add(const std::string& file, int index) {
    const auto font = open_font(library, file, index);
    if (!font) return false;
    open_latin(Weight::regular);
    open_latin(Weight::bold);
    cairo_font_face_reference(font->face);
    fonts[0].push_back(*font);
    fonts[1].push_back(*font);
    return true;
  }

  // One question for all the characters that are missing in a text, and none twice.
  void seek(const std::vector<char32_t>& text, Weight weight) {
    std::set<char32_t> missing;
    for (const char32_t c : text)
      if (!needs_shaping(c) && !nowhere.contains(c) && find(c, weight) == nullptr)
        missing.insert(c);
    if (missing.empty() || !places.fontconfig) return;
    if (const auto match = ask_fontconfig(missing, weight)) add(match->file, match->index);
    for (const char32_t c : missing)
      if (find(c, weight) == nullptr) nowhere.insert(c);
  }
};

FontPlaces FontPlaces::of_this_machine() {
  const std::string truetype = "/usr/share/fonts/truetype/",
                    opentype = "/usr/share/fonts/opentype/";
  return {
      .regular = {truetype + "noto/NotoSans-Regular.ttf", truetype + "dejavu/DejaVuSans.ttf",
                  truetype + "liberation/LiberationSans-Regular.ttf",
                  truetype + "liberation2/LiberationSans-Regular.ttf",
                  "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
                  "/usr/share/fonts/TTF/DejaVuSans.ttf",
                  "/System/Library/Fonts/Supplemental/Arial.ttf"},
      .bold = {truetype + "noto/NotoSans-Bold.ttf", truetype + "dejavu/DejaVuSans-Bold.ttf",
               truetype + "liberation/LiberationSans-Bold.ttf",
               truetype + "liberation2/LiberationSans-Bold.ttf",
               "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf",
               "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf",
               "/System/Library/Fonts/Supplemental/Arial Bold.ttf"},
      .chinese = {opentype + "noto/NotoSansCJK-Regular.ttc",
                  "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
                  truetype + "wqy/wqy-microhei.ttc", truetype + "wqy/wqy-zenhei.ttc",
                  truetype + "droid/DroidSansFallbackFull.ttf", truetype + "arphic/uming.ttc",
                  "/System/Library/Fonts/PingFang.ttc"},
      .fontconfig = true,
  };
}

Fonts::Fonts(FontPlaces places) : state_(std::make_unique<State>()) {
  state_->unopened = places.chinese;
  state_->places = std::move(places);
}
Fonts::~Fonts() = default;
Fonts::Fonts(Fonts&&) noexcept = default;
Fonts& Fonts::operator=(Fonts&&) noexcept = default;

std::vector<Fonts::Run> Fonts::runs(std::string_view text, Weight weight) {
  state_->open_latin(weight);
  const std::vector<char32_t> characters = decode_utf8(text);
  state_->seek(characters, weight);
  std::vector<Run> result;
  for (const char32_t character : characters) {
    const Font* font = needs_shaping(character) ? nullptr : state_->find(character, weight);
    cairo_font_face_t* face = font == nullptr ? nullptr : font->face;
    if (result.empty() || result.back().face != face) result.push_back({"", face});
    append_utf8(result.back().text, character);
  }
  return result;
}

// With the signs that the fonts lack spelled in ASCII.
std::string Fonts::spelled(std::string_view text, Weight weight) {
  std::string result;
  for (const Run& run : runs(text, weight))
    for (const char32_t c : decode_utf8(run.text)) {
      const std::string_view ascii = run.face == nullptr ? ascii_for(c) : "";
      if (ascii.empty())
        append_utf8(result, c);
      else
        result += ascii;
    }
  return result;
}

bool Fonts::covers(std::string_view text, Weight weight) {
  const auto parts = runs(spelled(text, weight), weight);
  return std::all_of(parts.begin(), parts.end(),
                     [](const Run& run) { return run.face != nullptr; });
}

std::string Fonts::drawable(std::string_view text, Weight weight) {
  std::string result;
  for (const Run& run : runs(spelled(text, weight), weight)) {
    if (run.face != nullptr) {
      result += run.text;
      continue;
    }
    const std::size_t count = decode_utf8(run.text).size();
    result.append("[")
        .append(std::to_string(count))
        .append(count == 1 ? " character]" : " characters]");
  }
  return result;
}

FontReport font_report(const FontPlaces& places) {
  FontReport report{.latin = "built-in", .latin_file = "", .chinese = "", .chinese_file = ""};
  const auto library = std::make_shared<FreeType>();
  const auto family = [&](const std::string& file, int index, std::string& name,
                          std::string& path) {
    auto font = open_font(library, file, index);
    if (!font) return false;
    name = font->family();
    path = file;
    cairo_font_face_destroy(font->face);
    return true;
  };
  const auto first = [&](const std::vector<std::string>& files, const std::set<char32_t>& needed,
                         std::string& name, std::string& path) {
    for (const std::string& file : files)
      if (family(file, 0, name, path)) return;
    const auto match = places.fontconfig ? ask_fontconfig(needed, Weight::regular) : std::nullopt;
    if (!match) return;
    // fontconfig answers with the nearest font, which need not have the characters.
    auto font = open_font(library, match->file, match->index);
    if (!font) return;
    if (std::all_of(needed.begin(), needed.end(), [&](char32_t c) { return font->has(c); }))
      family(match->file, match->index, name, path);
    cairo_font_face_destroy(font->face);
  };
  first(places.regular, {U'a', U'Z', U'0'}, report.latin, report.latin_file);
  first(places.chinese, {U'\u4e2d', U'\u6587', U'\u732b'}, report.chinese, report.chinese_file);
  return report;
}

}  // namespace pellucid

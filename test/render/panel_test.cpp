#include "pellucid/render/panel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/render/bars.h"
#include "pellucid/render/line.h"
#include "pellucid/render/tiles.h"

namespace pellucid {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::byte> read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

at::Tensor pixels(const std::vector<std::byte>& png) {
  return decode_picture(png, {}, "drawing").pixels;
}

Panel example() {
  Panel panel;
  panel.photo =
      decode_picture(read(PELLUCID_SOURCE_DIR "/examples/chelsea.png"), {}, "chelsea.png");
  panel.map = at::zeros({7, 7});
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 7; ++x)
      panel.map[y][x] = std::exp(-((x - 3.2) * (x - 3.2) + (y - 2.1) * (y - 2.1)) / 3);
  panel.title = "285 Egyptian cat, 63.1 %";
  panel.subtitle = "grad_cam";
  panel.unit = "logit";
  return panel;
}

// Left half negative, right half positive.
Panel halves() {
  Panel panel = example();
  panel.map = at::full({4, 8}, 1.0);
  panel.map.slice(1, 0, 4).fill_(-1);
  return panel;
}

Tiles tiles(const Panel& panel, int width = 96, int height = 64) {
  const Scale scale =
      scale_of(panel.map, {.positive_part = panel.positive_part, .clip = panel.clip});
  return draw_tiles(
      panel, scale,
      panel.colormap.empty() ? default_colormap(scale.diverging) : colormap(panel.colormap), width,
      height);
}

struct Difference {
  double mean;   // of 255
  double share;  // of the pixels' channels that are more than 16 off
};

// Set PELLUCID_UPDATE_GOLDEN to write the golden images anew, and look at them.
Difference from_golden(const at::Tensor& got, const std::string& name) {
  const std::string file = PELLUCID_SOURCE_DIR "/test/render/golden/" + name + ".png";
  if (std::getenv("PELLUCID_UPDATE_GOLDEN") != nullptr) {
    const auto png = encode_png(got);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  }
  const at::Tensor wanted = pixels(read(file));
  if (got.sizes() != wanted.sizes()) return {255, 1};
  const at::Tensor off = (got.to(at::kFloat) - wanted.to(at::kFloat)).abs();
  return {off.mean().item<double>(), (off > 16).to(at::kFloat).mean().item<double>()};
}

TEST(Tiles, EqualTheirGoldenImages) {
  Panel hatched = example();
  hatched.map[2][3] = std::nan("");
  const std::pair<std::string, Panel> cases[] = {
      {"sequential", example()}, {"signed", halves()}, {"hatched", hatched}};
  for (const auto& [name, panel] : cases) {
    const Tiles drawn = tiles(panel);
    // No fonts here: only rounding may differ, by one step of 255 here and there.
    for (const auto& [part, image] :
         {std::pair{"overlay", drawn.overlay}, std::pair{"map", drawn.map}}) {
      const Difference difference = from_golden(image, name + "_" + part);
      EXPECT_LT(difference.mean, 0.5) << name << part;
      EXPECT_LT(difference.share, 0.002) << name << part;
    }
  }
}

TEST(Tiles, DrawNegativeScoresBlueAndPositiveOnesRed) {
  const at::Tensor map = tiles(halves()).map.to(at::kInt);
  EXPECT_GT(map[30][5][2].item<int>(), map[30][5][0].item<int>() + 60);
  EXPECT_GT(map[30][90][0].item<int>(), map[30][90][2].item<int>() + 60);
}

TEST(Tiles, MixThePhotoAndTheMapByAlpha) {
  Panel panel = example();
  panel.alpha = 0;
  EXPECT_TRUE(tiles(panel).overlay.equal(tiles(panel).photo));
  panel.alpha = 1;
  EXPECT_TRUE(tiles(panel).overlay.equal(tiles(panel).map));
  panel.alpha = 0.5;
  const Tiles drawn = tiles(panel);
  const at::Tensor mean = (drawn.photo.to(at::kFloat) + drawn.map.to(at::kFloat)) / 2;
  EXPECT_LE((drawn.overlay.to(at::kFloat) - mean).abs().max().item<float>(), 1.01f);
}

TEST(Tiles, OfAFlatMapAreHatchedAndLeaveThePhotoAlone) {
  Panel panel = example();
  panel.map = at::zeros({7, 7});
  const Tiles drawn = tiles(panel);
  EXPECT_TRUE(drawn.overlay.equal(drawn.photo));
  EXPECT_NE(drawn.map.min().item<int>(), drawn.map.max().item<int>());
}

TEST(Tiles, PutTheMapOnlyOnWhatTheModelSaw) {
  Panel panel = halves();
  panel.seen = {static_cast<double>(panel.photo.width) / 2, 0,
                static_cast<double>(panel.photo.width) / 2,
                static_cast<double>(panel.photo.height)};
  const at::Tensor map = tiles(panel).map.to(at::kInt);
  EXPECT_EQ(map[30][5][0].item<int>(), 236);
  EXPECT_GT(map[30][52][2].item<int>(), map[30][52][0].item<int>() + 60);
  EXPECT_GT(map[30][90][0].item<int>(), map[30][90][2].item<int>() + 60);
}

TEST(ColourBar, EndsAtTheColoursOfTheScalesEnds) {
  const Panel panel = halves();
  const Scale scale = scale_of(panel.map);
  const Colormap& colours = default_colormap(true);
  const at::Tensor bar = draw_bar(colours, 201);
  for (const auto& [x, score] :
       {std::pair{0, scale.low}, std::pair{100, 0.0}, std::pair{200, scale.high}})
    for (int c = 0; c < 3; ++c)
      EXPECT_EQ(bar[0][x][c].item<int>(),
                colour(colours, scale.position(score))[static_cast<std::size_t>(c)]);
}

TEST(Panel, EqualsItsGoldenImage) {
  // Fonts differ between machines: letters cover about 3 % of the page, the three tiles more than
  // half.
  const at::Tensor drawn = pixels(draw(example(), PictureFormat::png, 1));
  const Difference difference = from_golden(drawn, "panel");
  EXPECT_LT(difference.mean, 6);
  EXPECT_LT(difference.share, 0.08);
}

TEST(Panel, GivesEqualBytesEachTimeInEveryFormat) {
  for (const PictureFormat format : {PictureFormat::png, PictureFormat::svg, PictureFormat::pdf}) {
    const auto first = draw(example(), format, 1), second = draw(example(), format, 1);
    EXPECT_TRUE(first == second) << static_cast<int>(format);
    const std::string magic[] = {"PNG", "<?xml", "%PDF"};
    EXPECT_THAT(text(first).substr(0, 8), HasSubstr(magic[static_cast<int>(format)]));
  }
  EXPECT_THAT(text(draw(example(), PictureFormat::pdf)), Not(HasSubstr("CreationDate")));
}

TEST(Panel, SaysMoreWhenTheMapIsFlatOrThePositivePartIsShown) {
  // The remarks' words are tested with Scale; here that they take their place in the picture.
  Panel positive = example();
  const auto height = [](const Panel& panel) {
    return pixels(draw(panel, PictureFormat::png, 1)).size(0);
  };
  const auto plain = height(positive);
  positive.positive_part = true;
  EXPECT_GT(height(positive), plain);
  Panel flat = example();
  flat.map = at::zeros({7, 7});
  const at::Tensor drawn = pixels(draw(flat, PictureFormat::png, 1));
  // The alarm's ink (150, 72, 0) is in the map's tile, not only below.
  const at::Tensor tile = drawn.slice(0, 60, 210).slice(1, 430, 622).to(at::kInt);
  EXPECT_GT(((tile.select(2, 0) - tile.select(2, 2)) > 80).sum().item<std::int64_t>(), 50);
}

TEST(Panel, TakesHostileTextInEveryFormat) {
  Panel panel = example();
  panel.title =
      "<script>alert(1)</script> & \"quotes\" \xff\xfe \x01\x1b[31m \xe2\x80\xae reversed";
  panel.subtitle = std::string(2'000'000, 'x');
  panel.unit = std::string("\0\n\t<b>", 6);
  panel.notes.assign(100, "]]> %s %n {0}");
  Fonts fonts;
  const std::string svg = text(draw(panel, PictureFormat::svg, 1, fonts));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;"));
  EXPECT_NO_THROW(draw(panel, PictureFormat::pdf, 1, fonts));
  EXPECT_NO_THROW(draw(panel, PictureFormat::png, 1, fonts));
}

TEST(Panel, ReplacesALabelWithoutAFontByItsIndex) {
  Fonts none(FontPlaces{{}, {}, {}, false});
  Panel panel = example();
  panel.title = "285 \u57c3\u53ca\u732b";
  panel.title_without_label = "class 285";
  panel.language = Language::chinese;
  const std::string svg = text(draw(panel, PictureFormat::svg, 1, none));
  EXPECT_THAT(svg, HasSubstr("<title>class 285</title>"));
  EXPECT_FALSE(none.covers("\u732b"));
  EXPECT_TRUE(none.covers("a \u00d7 b \u2026"));
  EXPECT_EQ(none.drawable("a\u00d7 \u732b\u732b"), "ax [2 characters]");
}

TEST(Panel, RefusesWhatItCannotDraw) {
  Panel panel = example();
  panel.map = at::zeros({7});
  EXPECT_THROW(draw(panel, PictureFormat::png), Error);
  panel = example();
  panel.alpha = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(draw(panel, PictureFormat::png), Error);
  panel = example();
  panel.colormap = "rainbow";
  EXPECT_THROW(draw(panel, PictureFormat::png), Error);
  EXPECT_THROW(draw(example(), PictureFormat::png, 1000), Error);
}

TEST(Panel, DrawsPhotosOfExtremeShapes) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{3000, 2}, std::pair{2, 3000}}) {
    Panel panel = example();
    panel.photo.width = width;
    panel.photo.height = height;
    panel.photo.pixels = at::full({height, width, 3}, 90, at::kByte);
    EXPECT_NO_THROW(draw(panel, PictureFormat::png, 1)) << width;
  }
}

Bars bars(std::vector<double> scores) {
  Bars result;
  result.scores = at::zeros({static_cast<std::int64_t>(scores.size())}, at::kDouble);
  for (std::size_t i = 0; i < scores.size(); ++i)
    result.scores[static_cast<std::int64_t>(i)] = scores[i];
  return result;
}

TEST(Bars, AreBlueToTheLeftAndRedToTheRight) {
  const at::Tensor drawn = pixels(draw(bars({-2, 1}), PictureFormat::png, 1)).to(at::kInt);
  const auto mean_x = [&](int more, int less) {
    const at::Tensor found = ((drawn.select(2, more) - drawn.select(2, less)) > 100).nonzero();
    EXPECT_GT(found.size(0), 100);
    return found.select(1, 1).to(at::kFloat).mean().item<float>();
  };
  EXPECT_LT(mean_x(2, 0), mean_x(0, 2));
}

TEST(Bars, ShowTheLargestAndTheSumOfTheOthers) {
  Bars many = bars(std::vector<double>(50, 1.0));
  many.most = 10;
  Bars few = bars(std::vector<double>(11, 1.0));
  few.most = 11;
  // Ten bars and the sum are as high as eleven bars; the note about it and nothing else comes on
  // top.
  const auto height = [](const Bars& b) { return pixels(draw(b, PictureFormat::png, 1)).size(0); };
  EXPECT_GT(height(many), height(few));
  EXPECT_LT(height(many), height(few) + 25);
}

TEST(Bars, DrawZerosAndNumbersThatAreNotFinite) {
  for (const std::vector<double>& scores :
       {std::vector<double>{0, 0}, {std::nan(""), 1}, {std::nan("")}, {HUGE_VAL, -HUGE_VAL}})
    EXPECT_NO_THROW(draw(bars(scores), PictureFormat::png, 1));
  EXPECT_THROW(draw(bars({}), PictureFormat::png), Error);
}

TEST(PlainLine, IsOneLineOfValidVisibleText) {
  EXPECT_EQ(plain_line("  a\n\tb \x01 c\u200b\u202e "), "a b c");
  EXPECT_EQ(plain_line("a\xff\xc0\xaf"), "a\ufffd\ufffd\ufffd");
  EXPECT_EQ(plain_line("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(plain_line("\u732b\u732b\u732b\u732b", 3), "\u732b\u732b\u2026");
  EXPECT_EQ(decode_utf8(plain_line(std::string(1'000'000, 'x'), 20)).size(), 20u);
  EXPECT_EQ(escape_xml("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
}

}  // namespace
}  // namespace pellucid

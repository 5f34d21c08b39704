#include "pellucid/render/scale.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/where.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/render/colormap.h"
#include "pellucid/render/resample.h"

namespace pellucid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const float nan = std::numeric_limits<float>::quiet_NaN();
const float infinity = std::numeric_limits<float>::infinity();

at::Tensor tensor(std::vector<float> values, std::vector<std::int64_t> shape) {
  return at::from_blob(values.data(), shape, at::kFloat).clone();
}

double lightness(const Colour& c) {
  const auto linear = [](double v) {
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  const double y =
      0.2126 * linear(c[0] / 255.0) + 0.7152 * linear(c[1] / 255.0) + 0.0722 * linear(c[2] / 255.0);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

TEST(Scale, OfANonNegativeMapGoesFromZeroToTheLargest) {
  const Scale scale = scale_of(tensor({0.5f, 2, 1, 0.25f}, {2, 2}));
  EXPECT_EQ(scale.low, 0);
  EXPECT_EQ(scale.high, 2);
  EXPECT_FALSE(scale.diverging);
  EXPECT_EQ(scale.position(1), 0.5);
  EXPECT_TRUE(remarks(scale).empty());
}

TEST(Scale, OfASignedMapIsSymmetricSoThatZeroIsNeutral) {
  const Scale scale = scale_of(tensor({-4, 1, 0, 2}, {2, 2}));
  EXPECT_TRUE(scale.diverging);
  EXPECT_EQ(scale.low, -4);
  EXPECT_EQ(scale.high, 4);
  EXPECT_EQ(scale.position(0), 0.5);
  EXPECT_EQ(scale.position(-4), 0);
  EXPECT_EQ(scale.position(9), 1);
}

TEST(Scale, OfAPositivePartLeavesOutWhatIsNegativeAndSaysSo) {
  const Scale scale = scale_of(tensor({-4, 1, 0, 2}, {2, 2}), {.positive_part = true});
  EXPECT_FALSE(scale.diverging);
  EXPECT_EQ(scale.high, 2);
  EXPECT_EQ(scale.position(-4), 0);
  EXPECT_THAT(remarks(scale), ElementsAre("positive part shown; the lowest score is -4"));
}

TEST(Scale, SaysThatAMapIsFlat) {
  EXPECT_THAT(remarks(scale_of(at::full({3, 3}, 0.0))),
              ElementsAre("no attribution: the map is constant 0"));
  EXPECT_THAT(remarks(scale_of(at::full({3, 3}, -0.25))),
              ElementsAre("no attribution: the map is constant -0.25"));
  EXPECT_THAT(remarks(scale_of(at::full({3, 3}, nan))),
              ElementsAre("no attribution: no score of the map is a finite number"));
  EXPECT_THAT(remarks(scale_of(tensor({-1, -2, -3, 0}, {2, 2}), {.positive_part = true})),
              ElementsAre("no positive attribution: the scores lie between -3 and 0"));
  for (const double value : {0.0, -0.25, 3.0}) EXPECT_TRUE(scale_of(at::full({3, 3}, value)).flat);
}

TEST(Scale, CountsScoresThatAreNotFiniteAndIgnoresThemOtherwise) {
  const Scale scale = scale_of(tensor({1, nan, infinity, -infinity, 3, 0}, {2, 3}));
  EXPECT_EQ(scale.nonfinite, 3);
  EXPECT_EQ(scale.high, 3);
  EXPECT_FALSE(scale.diverging);
  EXPECT_THAT(remarks(scale), ElementsAre("3 of 6 scores are not finite: hatched"));
}

TEST(Scale, EndsAtTheClipsQuantileAndSaysHowMuchLiesBeyond) {
  std::vector<float> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i + 1) * (i % 2 == 0 ? 1.0f : -1.0f);
  const Scale scale = scale_of(tensor(values, {1000}), {.clip = 0.99});
  EXPECT_EQ(scale.high, 990);
  EXPECT_EQ(scale.clipped, 10);
  ASSERT_EQ(remarks(scale).size(), 1u);
  EXPECT_THAT(remarks(scale)[0], HasSubstr("99 % quantile"));
  EXPECT_THAT(remarks(scale)[0], HasSubstr("10 of 1000"));
  // 49 scores are fewer than 1/(1 - 0.995): a class activation map of 7x7 is never clipped.
  EXPECT_EQ(scale_of(tensor(values, {1000}).slice(0, 0, 49), {.clip = 0.995}).clipped, 0);
}

TEST(Scale, OfASparseMapKeepsTheDifferencesOfItsFewStrongPlaces) {
  at::Tensor map = at::full({3000}, 0.0);
  for (int i = 0; i < 20; ++i) map[i] = i + 1.0;
  EXPECT_EQ(scale_of(map, {.clip = 0.995}).high, 20);
  EXPECT_EQ(scale_of(map, {.clip = 0.995}).clipped, 0);
  // What is cut off counts no more than what is 0.
  const at::Tensor cut = at::where(map > 0, map, -1.0);
  EXPECT_EQ(scale_of(cut, {.positive_part = true, .clip = 0.995}).clipped, 0);
}

TEST(Scale, OfTheLargestFloatsDoesNotOverflow) {
  const float most = std::numeric_limits<float>::max();
  const Scale scale = scale_of(tensor({-most, most, 0, 1}, {2, 2}));
  EXPECT_EQ(scale.position(most), 1);
  EXPECT_EQ(scale.position(-most), 0);
  EXPECT_EQ(scale.position(0), 0.5);
}

TEST(Scale, RefusesAClipOutsideOfItsRange) {
  EXPECT_THROW(scale_of(at::full({2}, 1.0), {.clip = 0}), Error);
  EXPECT_THROW(scale_of(at::full({2}, 1.0), {.clip = 1.5}), Error);
  EXPECT_THROW(scale_of(at::full({2}, 1.0), {.clip = std::nan("")}), Error);
}

TEST(Colormap, EndsAndMiddleAreTheOriginals) {
  // The first, middle and last entries that the original tables publish; 2/255 is the tabulation's
  // error.
  const auto near = [](const Colour& got, std::array<int, 3> wanted) {
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(got[i], wanted[i], 2);
  };
  near(colour(colormap("viridis"), 0), {68, 1, 84});
  near(colour(colormap("viridis"), 0.5), {33, 145, 140});
  near(colour(colormap("viridis"), 1), {253, 231, 37});
  near(colour(colormap("jet"), 0), {0, 0, 128});
  near(colour(colormap("jet"), 1), {128, 0, 0});
}

TEST(Colormap, OfOneSignGetsLighterAllTheWay) {
  for (const char* name : {"inferno", "viridis", "magma", "cividis", "grey"})
    for (int i = 0; i < 32; ++i)
      EXPECT_GT(lightness(colour(colormap(name), (i + 1) / 32.0)),
                lightness(colour(colormap(name), i / 32.0)))
          << name << i;
}

TEST(Colormap, ChoicesAreAutoAndEveryName) {
  std::vector<std::string_view> names = {"auto"};
  for (const Colormap& map : colormaps()) names.push_back(map.name);
  EXPECT_EQ(names, std::vector(std::begin(colormap_choices), std::end(colormap_choices)));
}

TEST(Colormap, DivergingIsNeutralInTheMiddleAndEquallyStrongOnBothSides) {
  int count = 0;
  for (const Colormap& map : colormaps()) {
    if (!map.diverging) continue;
    ++count;
    const Colour middle = colour(map, 0.5);
    EXPECT_EQ(middle[0], middle[1]);
    EXPECT_EQ(middle[1], middle[2]);
    for (int i = 1; i <= 16; ++i)
      // OKLab's even lightness differs from CIE's for saturated hues: 12 of 100 is far below the 60
      // between the ends.
      EXPECT_NEAR(lightness(colour(map, 0.5 - i / 32.0)), lightness(colour(map, 0.5 + i / 32.0)),
                  12)
          << map.name << i;
  }
  EXPECT_GE(count, 2);
}

TEST(Colormap, TakesAnyNumber) {
  const Colormap& map = colormap("viridis");
  EXPECT_EQ(colour(map, -5), colour(map, 0));
  EXPECT_EQ(colour(map, 1e300), colour(map, 1));
  EXPECT_EQ(colour(map, nan), colour(map, 0));
  EXPECT_EQ(colour(map, infinity), colour(map, 1));
}

TEST(Colormap, UnknownNameListsTheOthers) {
  try {
    colormap("rainbow");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.what(), HasSubstr("viridis"));
  }
}

TEST(Resample, KeepsPixelCentresInPlace) {
  // A ramp stays the same ramp in the picture's coordinates, away from the edges: x → (x + 0.5)/2 -
  // 0.5.
  at::Tensor ramp = at::full({4, 16}, 0.0);
  for (int x = 0; x < 16; ++x) ramp.select(1, x).fill_(x);
  for (const Resampling how : {Resampling::bilinear, Resampling::bicubic}) {
    const at::Tensor twice = resample(ramp, 8, 32, how);
    for (int x = 6; x < 26; ++x) EXPECT_NEAR(twice[3][x].item<float>(), (x + 0.5) / 2 - 0.5, 1e-5);
    const at::Tensor half = resample(ramp, 2, 8, how);
    for (int x = 2; x < 6; ++x) EXPECT_NEAR(half[1][x].item<float>(), (x + 0.5) * 2 - 0.5, 1e-5);
  }
}

TEST(Resample, OfAConstantIsTheConstant) {
  const at::Tensor map = resample(at::full({5, 7}, 0.3), 64, 33);
  EXPECT_LT((map - 0.3).abs().max().item<float>(), 1e-6);
}

TEST(Resample, BicubicNeverLeavesTheRange) {
  at::Tensor map = at::full({7, 7}, 0.0);
  map[3][3] = 1.0;
  const at::Tensor large = resample(map, 224, 224);
  EXPECT_GE(large.min().item<float>(), 0);
  EXPECT_LE(large.max().item<float>(), 1);
  EXPECT_GT(large.max().item<float>(), 0.95f);
}

TEST(Resample, ANanSpoilsOnlyItsOwnPixel) {
  at::Tensor map = at::full({4, 4}, 2.0);
  map[1][2] = nan;
  const at::Tensor large = resample(map, 16, 16);
  EXPECT_EQ(large.isnan().sum().item<std::int64_t>(), 16);
  EXPECT_TRUE(large.slice(0, 4, 8).slice(1, 8, 12).isnan().all().item<bool>());
  EXPECT_NEAR(large[0][0].item<float>(), 2, 1e-6);
}

TEST(Resample, ShrinksALargePhotoToItsMeans) {
  // 903 columns are no multiple of the block: the last block is cut. Half black, half white: the
  // edge stays in place.
  at::Tensor photo = at::full({600, 903, 3}, 0, at::kByte);
  photo.slice(1, 0, 452).fill_(200);
  const at::Tensor small = resample(photo, 20, 30);
  EXPECT_NEAR(small[10][5][1].item<float>(), 200, 0.5);
  EXPECT_NEAR(small[10][25][1].item<float>(), 0, 0.5);
  EXPECT_NEAR(small.mean().item<float>(), 200.0 * 452 / 903, 1.5);
}

}  // namespace
}  // namespace pellucid

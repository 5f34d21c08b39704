// Resizing against Pillow, to the bit; the promise is 1/255 when shrinking and 2/255 when
// enlarging.
#include "pellucid/input/resize.h"

#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include "goldens.h"

namespace pellucid {
namespace {

using namespace pellucid::testing;

constexpr const char* filters[] = {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"};

std::string sized(std::int64_t height, std::int64_t width) {
  return std::to_string(height) + "x" + std::to_string(width);
}

std::vector<std::uint8_t> every(const at::Tensor& pixels, std::int64_t step) {
  std::vector<std::uint8_t> result;
  const auto* data = pixels.const_data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < pixels.size(0); y += step) {
    for (std::int64_t x = 0; x < pixels.size(1); x += step) {
      for (std::int64_t c = 0; c < 3; ++c) result.push_back(data[(y * pixels.size(1) + x) * 3 + c]);
    }
  }
  return result;
}

TEST(Resize, EqualsPillowOnNoiseWithEveryFilter) {
  const Golden noise = golden("noise");
  std::vector<std::uint8_t> values = noise.values<std::uint8_t>();
  const at::Tensor pixels = at::from_blob(values.data(), noise.shape, at::kByte);
  constexpr std::int64_t sizes[][2] = {{13, 20}, {47, 20}, {13, 61}, {59, 71}, {1, 1}, {90, 7}};
  for (const char* filter : filters) {
    for (const auto& [height, width] : sizes) {
      const std::string name = "noise " + std::string(filter) + " " + sized(height, width);
      const at::Tensor resized = resize(pixels, height, width, *interpolation(filter));
      EXPECT_EQ(largest_difference(bytes_of(resized), golden(name).values<std::uint8_t>()), 0)
          << name;
    }
  }
}

TEST(Resize, EqualsPillowOnPhotographs) {
  for (const char* name : {"chelsea.png", "coffee.png", "rocket.jpg"}) {
    const Picture picture = photo(name);
    constexpr std::int64_t sizes[][2] = {{256, 384}, {97, 131}, {613, 911}, {300, 224}};
    for (const char* filter : {"bilinear", "bicubic", "lanczos"}) {
      for (const auto& [height, width] : sizes) {
        const std::int64_t step = height < 600 ? 11 : 29;
        const std::string key = std::string(name) + " " + filter + " " + sized(height, width) +
                                " every " + std::to_string(step);
        const at::Tensor resized = resize(picture.pixels, height, width, *interpolation(filter));
        EXPECT_EQ(largest_difference(every(resized, step), golden(key).values<std::uint8_t>()), 0)
            << key;
      }
    }
  }
}

TEST(Resize, OfAWindowEqualsThatPartOfTheWhole) {
  const Picture picture = photo("chelsea.png");
  for (const char* filter : filters) {
    for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{120, 211},
                                        {300, 200},
                                        {77, 451},
                                        {420, 600},
                                        {300, 451}}) {
      const Window window{.top = 31, .left = 45, .height = 40, .width = 90};
      const std::vector<std::uint8_t> part =
          bytes_of(resize(picture.pixels, height, width, *interpolation(filter), window));
      const std::vector<std::uint8_t> whole =
          bytes_of(resize(picture.pixels, height, width, *interpolation(filter)));
      std::vector<std::uint8_t> expected;
      for (std::int64_t y = 0; y < window.height; ++y) {
        const auto row = whole.begin() + ((window.top + y) * width + window.left) * 3;
        expected.insert(expected.end(), row, row + window.width * 3);
      }
      EXPECT_EQ(largest_difference(part, expected), 0) << filter << " " << sized(height, width);
    }
  }
}

TEST(Resize, KeepsAConstantPictureConstant) {
  std::vector<std::uint8_t> values(40 * 30, 201);
  const at::Tensor pixels = at::from_blob(values.data(), {40, 30, 1}, at::kByte);
  for (const char* filter : filters) {
    const std::vector<std::uint8_t> resized =
        bytes_of(resize(pixels, 17, 53, *interpolation(filter)));
    EXPECT_EQ(largest_difference(resized, std::vector<std::uint8_t>(17 * 53, 201)), 0) << filter;
  }
}

TEST(Resize, RefusesWhatItCannotDo) {
  std::vector<std::uint8_t> values(12);
  const at::Tensor pixels = at::from_blob(values.data(), {2, 2, 3}, at::kByte);
  error_of([&] { resize(pixels, 60'000, 60'000, Interpolation::bilinear); }, Fault::too_large);
  error_of(
      [&] {
        resize(pixels, 4, 4, Interpolation::bilinear,
               {.top = 2, .left = 0, .height = 3, .width = 1});
      },
      Fault::internal);
  error_of([&] { resize(pixels, 0, 4, Interpolation::bilinear); }, Fault::internal);
  EXPECT_FALSE(interpolation("cubic").has_value());
}

}  // namespace
}  // namespace pellucid

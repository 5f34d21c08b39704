// Every kind of picture against Pillow's pixels (make_goldens.py).
#include "pellucid/input/picture.h"

#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include "goldens.h"

namespace pellucid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace pellucid::testing;

struct Case {
  const char* name;
  const char* format;
  const char* conversion;  // one that must be recorded, or ""
};

class EveryPicture : public ::testing::TestWithParam<Case> {};

// Exact, JPEG included: libjpeg-turbo's default transform and upsampling are defined to the bit,
// here as in Pillow.
TEST_P(EveryPicture, EqualsPillowAndRecordsItsConversion) {
  const Case& expected = GetParam();
  const Golden pixels = golden(expected.name);
  const Picture picture = decode(picture_file(expected.name));
  EXPECT_EQ(picture.format, expected.format);
  ASSERT_EQ(picture.height, pixels.shape[0]);
  ASSERT_EQ(picture.width, pixels.shape[1]);
  EXPECT_EQ(largest_difference(bytes_of(picture.pixels), pixels.values<std::uint8_t>()), 0);
  if (*expected.conversion == '\0') {
    EXPECT_THAT(picture.conversions, IsEmpty());
  } else {
    EXPECT_THAT(picture.conversions, Contains(HasSubstr(expected.conversion)));
  }
}

constexpr Case cases[] = {
    {"rgb.jpg", "JPEG", ""},
    {"full_chroma.jpg", "JPEG", ""},
    {"progressive.jpg", "JPEG", ""},
    {"grey.jpg", "JPEG", "greyscale"},
    {"cmyk.jpg", "JPEG", "CMYK"},
    {"orientation_1.jpg", "JPEG", ""},
    {"orientation_2.jpg", "JPEG", "EXIF orientation 2 applied"},
    {"orientation_3.jpg", "JPEG", "EXIF orientation 3 applied"},
    {"orientation_4.jpg", "JPEG", "EXIF orientation 4 applied"},
    {"orientation_5.jpg", "JPEG", "EXIF orientation 5 applied"},
    {"orientation_6.jpg", "JPEG", "EXIF orientation 6 applied"},
    {"orientation_7.jpg", "JPEG", "EXIF orientation 7 applied"},
    {"orientation_8.jpg", "JPEG", "EXIF orientation 8 applied"},
    {"orientation_xmp.jpg", "JPEG", "EXIF orientation 6 applied"},
    {"rgb.png", "PNG", ""},
    {"interlaced.png", "PNG", ""},
    {"grey.png", "PNG", "greyscale"},
    {"grey_2_bits.png", "PNG", "greyscale"},
    {"grey_4_bits.png", "PNG", "greyscale"},
    {"grey_16_bits.png", "PNG", "16 bits per channel reduced to 8"},
    {"grey_alpha.png", "PNG", "alpha dropped"},
    {"alpha.png", "PNG", "alpha dropped"},
    {"palette.png", "PNG", "palette"},
    {"palette_transparent.png", "PNG", "alpha dropped"},
    {"one_bit.png", "PNG", "greyscale"},
    {"rgb_16_bits.png", "PNG", "16 bits per channel reduced to 8"},
    {"orientation.png", "PNG", "EXIF orientation 8 applied"},
    {"lossy.webp", "WebP", ""},
    {"lossless.webp", "WebP", ""},
    {"alpha.webp", "WebP", "alpha dropped"},
    {"animated.webp", "WebP", "first frame"},
    {"orientation.webp", "WebP", "EXIF orientation 5 applied"},
    {"rgb.tif", "TIFF", ""},
    {"lzw.tif", "TIFF", ""},
    {"deflate.tif", "TIFF", ""},
    {"grey.tif", "TIFF", "greyscale"},
    {"one_bit.tif", "TIFF", "greyscale"},
    {"palette.tif", "TIFF", "palette"},
    {"cmyk.tif", "TIFF", "CMYK"},
    {"alpha.tif", "TIFF", "alpha dropped"},
    {"jpeg.tif", "TIFF", ""},
    {"pages.tif", "TIFF", "first of several pages"},
    {"orientation.tif", "TIFF", "EXIF orientation 6 applied"},
    {"grey_16_bits.tif", "TIFF", "16 bits per channel reduced to 8"},
    {"rgb.bmp", "BMP", ""},
    {"one_bit.bmp", "BMP", "palette"},
    {"palette.bmp", "BMP", "palette"},
    {"alpha.bmp", "BMP", ""},
    {"top_down.bmp", "BMP", ""},
    {"core_header.bmp", "BMP", ""},
    {"four_bits.bmp", "BMP", "palette"},
    {"555.bmp", "BMP", "stretched"},
    {"565.bmp", "BMP", "stretched"},
    {"runs.bmp", "BMP", "palette"},
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pictures, EveryPicture, ::testing::ValuesIn(cases), name_of);

TEST(Png, ReadsBackWhatItWrote) {
  std::vector<std::uint8_t> values(7 * 5 * 4);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 37);
  for (const std::int64_t channels : {1, 3, 4}) {
    const std::int64_t shape[] = {7, 5, channels};
    const Picture picture = decode(encode_png(at::from_blob(values.data(), shape, at::kByte)));
    ASSERT_EQ(picture.width, 5);
    ASSERT_EQ(picture.height, 7);
    const std::vector<std::uint8_t> back = bytes_of(picture.pixels);
    for (std::size_t i = 0; i < 35; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        EXPECT_EQ(back[3 * i + c],
                  values[i * static_cast<std::size_t>(channels) + (channels == 1 ? 0 : c)]);
      }
    }
  }
  EXPECT_THAT(error_of(
                  [&] {
                    encode_png(at::from_blob(values.data(), {2, 2, 2}, at::kByte));
                  },
                  Fault::internal),
              HasSubstr("uint8 pixels"));
}

}  // namespace
}  // namespace pellucid

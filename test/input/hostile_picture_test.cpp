// Files that lie, end early or want too much: a typed error each, nothing on stderr, a process that
// lives.
#include <gmock/gmock.h>

#include "goldens.h"

namespace pellucid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using namespace pellucid::testing;
using File = std::vector<std::byte>;

File cut(File bytes, std::size_t length) {
  bytes.resize(std::min(length, bytes.size()));
  return bytes;
}

void put(File& bytes, std::size_t offset, std::initializer_list<int> values) {
  for (const int value : values) bytes.at(offset++) = static_cast<std::byte>(value);
}

std::size_t find(const File& bytes, std::string_view pattern) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find(pattern);
  EXPECT_NE(at, text.npos);
  return at;
}

TEST(HostilePicture, TruncatedFilesAreRefusedAndSalvagedOnlyWhenAsked) {
  for (const char* name : {"rgb.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "interlaced.png",
                           "lossy.webp", "lossless.webp", "rgb.tif", "rgb.bmp", "runs.bmp"}) {
    const File whole = picture_file(name);
    // TIFF's directory stands behind its pixels in some files: what is cut then is no picture at
    // all.
    const File part = cut(whole, whole.size() * 3 / 4);
    const std::string message = error_of([&] { decode(part); });
    EXPECT_THAT(message, HasSubstr("a file")) << name;
    if (std::string(name) == "rgb.tif") continue;
    EXPECT_THAT(message, HasSubstr("--salvage")) << name;
    const Picture left = decode(part, {.salvage = true});
    EXPECT_EQ(left.height, 23) << name;
    EXPECT_THAT(left.conversions, Contains(HasSubstr("salvaged"))) << name;
  }
}

TEST(HostilePicture, SalvagedRowsBeforeTheDamageAreTheOriginals) {
  const File whole = picture_file("rgb.bmp");
  const std::vector<std::uint8_t> expected = bytes_of(decode(whole).pixels);
  const Picture left =
      decode(cut(whole, whole.size() - 112 * 3), {.salvage = true});  // three rows, at the top
  const std::vector<std::uint8_t> found = bytes_of(left.pixels);
  EXPECT_TRUE(
      std::equal(expected.begin() + 3 * 37 * 3, expected.end(), found.begin() + 3 * 37 * 3));
  EXPECT_TRUE(
      std::all_of(found.begin(), found.begin() + 3 * 37 * 3, [](int value) { return value == 0; }));
}

TEST(HostilePicture, EveryPrefixOfEveryPictureEndsInAPictureOrAnError) {
  ::testing::internal::CaptureStderr();
  for (const char* name :
       {"rgb.jpg", "progressive.jpg", "cmyk.jpg", "palette.png", "interlaced.png", "alpha.webp",
        "animated.webp", "lzw.tif", "palette.tif", "jpeg.tif", "one_bit.tif", "565.bmp", "runs.bmp",
        "core_header.bmp"}) {
    const File whole = picture_file(name);
    for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 150) {
      for (const bool salvage : {false, true}) {
        try {
          decode(cut(whole, length), {.max_pixels = 100'000, .salvage = salvage});
        } catch (const Error&) {
        }
      }
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(HostilePicture, FlippedBytesEndInAPictureOrAnError) {
  ::testing::internal::CaptureStderr();
  std::uint32_t state = 12345;
  const auto random = [&] { return state = state * 1664525U + 1013904223U, state >> 8; };
  for (const char* name :
       {"rgb.jpg",        "progressive.jpg", "cmyk.jpg",   "orientation_6.jpg", "palette.png",
        "interlaced.png", "rgb_16_bits.png", "alpha.webp", "lossy.webp",        "animated.webp",
        "lzw.tif",        "deflate.tif",     "cmyk.tif",   "palette.tif",       "jpeg.tif",
        "one_bit.tif",    "pages.tif",       "555.bmp",    "runs.bmp",          "four_bits.bmp",
        "one_bit.bmp"}) {
    const File whole = picture_file(name);
    for (int round = 0; round < 150; ++round) {
      File bytes = whole;
      for (int flips = 0; flips < 3; ++flips) {
        const std::size_t within =
            round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 200) : bytes.size();
        bytes[random() % within] = static_cast<std::byte>(random());
      }
      try {
        decode(bytes, {.max_pixels = 1'000'000, .salvage = round % 3 == 0});
      } catch (const Error&) {
      }
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// 60,000 × 60,000 in files of a few hundred bytes: refused by area from the header, before pixels
// are allocated.
TEST(HostilePicture, HugeClaimsAreRefusedFromTheHeader) {
  File jpeg = picture_file("rgb.jpg");
  put(jpeg, find(jpeg, "\xff\xc0") + 5, {0xea, 0x60, 0xea, 0x60});
  File png = picture_file("rgb.png");
  put(png, 16, {0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60});
  put(png, 29, {0x0f, 0xb0, 0xe2, 0x15});  // the checksum of that header
  File bmp = picture_file("rgb.bmp");
  put(bmp, 18, {0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0});
  File webp = picture_file("lossless.webp");
  put(webp, find(webp, "VP8L") + 9, {0xff, 0xff, 0xff, 0x0f});
  for (const File& bytes : {jpeg, png, bmp, webp}) {
    const std::string message = error_of([&] { decode(bytes); }, Fault::too_large);
    EXPECT_THAT(message, HasSubstr("--max-pixels"));
  }
}

TEST(HostilePicture, TheLimitIsAnAreaThatTheUserSets) {
  const File bytes = picture_file("rgb.png");  // 37 × 23
  EXPECT_EQ(decode(bytes, {.max_pixels = 851}).width, 37);
  EXPECT_THAT(error_of([&] { decode(bytes, {.max_pixels = 850}); }, Fault::too_large),
              HasSubstr("37 × 23"));
}

// A progressive file whose scans are repeated tens of thousands of times costs a pass over the
// picture for each.
TEST(HostilePicture, AJpegOfTensOfThousandsOfScansIsRefused) {
  const File whole = picture_file("progressive.jpg");
  const std::size_t scan = find(whole, "\xff\xda");  // the first scan: repeating it changes nothing
  std::size_t end = scan + 2;
  while (whole.at(end) != std::byte{0xff} || whole.at(end + 1) == std::byte{0}) ++end;
  const auto at = [&](std::size_t offset) {
    return whole.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  const auto repeated = [&](int times) {
    File bytes(at(0), at(end));
    for (int i = 0; i < times; ++i) bytes.insert(bytes.end(), at(scan), at(end));
    bytes.insert(bytes.end(), at(end), whole.end());
    return bytes;
  };
  EXPECT_EQ(decode(repeated(5)).width, 37);
  EXPECT_THAT(error_of([&] { decode(repeated(20'000)); }, Fault::too_large),
              HasSubstr("100 scans"));
}

TEST(HostilePicture, OtherFilesAreNamed) {
  const auto message = [](std::string_view text) {
    return error_of([&] {
      decode({reinterpret_cast<const std::byte*>(text.data()), text.size()});
    });
  };
  EXPECT_THAT(message(""), HasSubstr("the file is empty"));
  EXPECT_THAT(message("GIF89a........"), HasSubstr("a GIF"));
  EXPECT_THAT(message("hello"), HasSubstr("JPEG, PNG, WebP, TIFF or BMP"));
  EXPECT_THAT(message("\x93NUMPY\x01"), HasSubstr("a NumPy array"));
}

TEST(HostilePicture, BmpHeadersThatLieAreRefused) {
  File kind = picture_file("rgb.bmp");
  put(kind, 28, {13, 0});  // 13 bits per pixel
  EXPECT_THAT(error_of([&] { decode(kind); }), HasSubstr("13 bits"));
  File offset = picture_file("rgb.bmp");
  put(offset, 10, {0xff, 0xff, 0xff, 0x7f});
  EXPECT_THAT(error_of([&] { decode(offset); }), HasSubstr("pixels are missing"));
  File flat = picture_file("rgb.bmp");
  put(flat, 18, {0, 0, 0, 0});
  EXPECT_THAT(error_of([&] { decode(flat); }), HasSubstr("0 × 23"));
  File lowest = picture_file("rgb.bmp");
  put(lowest, 22, {0, 0, 0, 0x80});  // a height of -2^31
  EXPECT_THAT(error_of([&] { decode(lowest); }, Fault::too_large), HasSubstr("2147483648"));
}

}  // namespace
}  // namespace pellucid

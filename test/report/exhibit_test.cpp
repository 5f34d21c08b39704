// What the one-file report carries of an input and its maps can be read back, and is small.
#include "pellucid/report/exhibit.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libdeflate.h>

#include <limits>

#include "pellucid/base/base64.h"
#include "pellucid/input/picture.h"

namespace pellucid {
namespace {

std::vector<std::byte> data_of(const Json& entry) {
  return from_base64(entry["data"].get<std::string>()).value();
}

// The scores as a browser reads them.
at::Tensor read_back(const Json& entry) {
  const std::int64_t height = entry["height"], width = entry["width"];
  const std::vector<std::byte> data = data_of(entry);
  if (entry["bits"] == 32)
    return at::from_blob(const_cast<std::byte*>(data.data()), {height, width}, at::kFloat).clone();
  std::vector<std::int16_t> integers(static_cast<std::size_t>(height * width));
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> reader(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  EXPECT_EQ(libdeflate_zlib_decompress(reader.get(), data.data(), data.size(), integers.data(),
                                       integers.size() * sizeof(std::int16_t), nullptr),
            LIBDEFLATE_SUCCESS);
  at::Tensor scores = at::from_blob(integers.data(), {height, width}, at::kShort).to(at::kDouble);
  scores.masked_fill_(scores == -32768, std::numeric_limits<double>::quiet_NaN());
  return scores * entry["step"].get<double>();
}

TEST(PlaneEntry, IsExactForAGrid) {
  const at::Tensor plane = at::arange(49).reshape({7, 7}).to(at::kFloat) / 3;
  const Json entry = plane_entry(plane);
  EXPECT_EQ(entry["bits"], 32);
  EXPECT_TRUE(read_back(entry).equal(plane));
}

TEST(PlaneEntry, IsWithinHalfAStepForALargeMapAndSmall) {
  const at::Tensor plane = at::randn({224, 224});
  const Json entry = plane_entry(plane);
  EXPECT_EQ(entry["bits"], 16);
  EXPECT_LE(data_of(entry).size(), 72U << 10);
  const double largest = at::abs(read_back(entry) - plane).max().item<double>();
  EXPECT_LE(largest, 0.5001 * entry["step"].get<double>());
  // Noise is the worst case: even of it a thousandth of its range is kept.
  EXPECT_LE(entry["step"].get<double>(), plane.abs().max().item<double>() / 500);
}

TEST(PlaneEntry, KeepsWhatIsNoNumber) {
  at::Tensor plane = at::full({80, 80}, 2.0F);
  plane[3][4] = std::numeric_limits<float>::quiet_NaN();
  plane[5][6] = std::numeric_limits<float>::infinity();
  const at::Tensor back = read_back(plane_entry(plane));
  EXPECT_TRUE(std::isnan(back[3][4].item<double>()));
  EXPECT_TRUE(std::isnan(back[5][6].item<double>()));
  EXPECT_DOUBLE_EQ(back[0][0].item<double>(), 2);
}

TEST(PlaneEntry, AveragesWhatIsTooLargeAndSaysSo) {
  const Json entry = plane_entry(at::randn({640, 512}));
  EXPECT_GT(entry["averaged"], 1);
  EXPECT_LE(data_of(entry).size(), 72U << 10);
  EXPECT_EQ(entry["height"],
            (640 + entry["averaged"].get<int>() - 1) / entry["averaged"].get<int>());
}

Sight sight_of(const at::Tensor& pixels, const Box& seen) {
  Sight sight;
  sight.photo.pixels = pixels;
  sight.photo.height = static_cast<int>(pixels.size(0));
  sight.photo.width = static_cast<int>(pixels.size(1));
  sight.seen = seen;
  return sight;
}

TEST(Exhibit, ReducesThePhotoAndThePartThatWasSeenAlike) {
  const at::Tensor photo = (at::randn({600, 1280, 3}) * 40 + 128).clamp(0, 255).to(at::kByte);
  const Json document = to_json(Exhibit{"a.jpg", 2, sight_of(photo, {340, 0, 600, 600}), {}});
  EXPECT_EQ(document["name"], "a.jpg");
  EXPECT_EQ(document["sample"], 2);
  EXPECT_EQ(document["picture"]["width"], 640);
  EXPECT_EQ(document["picture"]["height"], 300);
  EXPECT_EQ(document["picture"]["media_type"], "image/jpeg");
  EXPECT_EQ(document["seen"]["x"], 170);
  EXPECT_EQ(document["seen"]["width"], 300);
  const Picture back = decode_picture(data_of(document["picture"]), {}, "back");
  EXPECT_EQ(back.width, 640);
}

TEST(Exhibit, KeepsADrawingSharp) {
  const Json document =
      to_json(Exhibit{"a", {}, sight_of(at::full({40, 30, 3}, 7, at::kByte), {}), {}});
  EXPECT_EQ(document["picture"]["media_type"], "image/png");
  EXPECT_FALSE(document.contains("sample"));
  // Without a part that was seen, the whole was.
  EXPECT_EQ(document["seen"]["width"], 30);
  EXPECT_EQ(document["seen"]["height"], 40);
}

TEST(Exhibit, MayHaveNothingToSee) {
  const Json document = to_json(Exhibit{"a.npy", {}, {}, {}});
  EXPECT_TRUE(document["picture"].is_null());
  EXPECT_TRUE(document["seen"].is_null());
}

TEST(EncodeJpeg, GivesThePictureBackWithinAFewSteps) {
  const at::Tensor ramp =
      at::arange(64).reshape({1, 64, 1}).expand({48, 64, 3}).to(at::kByte).contiguous();
  const Picture back = decode_picture(encode_jpeg(ramp, 95), {}, "ramp");
  const at::Tensor difference = at::abs(back.pixels.to(at::kInt) - ramp.to(at::kInt));
  EXPECT_LE(difference.max().item<int>(), 6);
  EXPECT_THROW(encode_jpeg(ramp.to(at::kFloat), 95), Error);
  EXPECT_THROW(encode_jpeg(ramp.slice(2, 0, 1), 95), Error);
}

}  // namespace
}  // namespace pellucid

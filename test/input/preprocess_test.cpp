// Preprocessing against torchvision's weights.transforms() and timm's evaluation transforms on the
// three photographs, and its document against mistakes.
#include "pellucid/input/preprocess.h"

#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include <cmath>

#include "goldens.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using namespace pellucid::testing;

constexpr const char* photos[] = {"chelsea.png", "coffee.png", "rocket.jpg"};

Json torchvision(int crop, int side, const char* interpolation = "bilinear") {
  return {{"color", "RGB"},
          {"resize",
           {{"mode", "shorter_side"},
            {"size", side},
            {"max_size", nullptr},
            {"interpolation", interpolation}}},
          {"crop", {{"mode", "center"}, {"size", {crop, crop}}}},
          {"pad", nullptr},
          {"scale", 0.00392156862745098},
          {"mean", {0.485, 0.456, 0.406}},
          {"std", {0.229, 0.224, 0.225}},
          {"layout", "NCHW"}};
}

Json timm(const char* mode, Json size, Json crop, const char* interpolation, Json pad = nullptr) {
  return {{"resize", {{"mode", mode}, {"size", size}, {"interpolation", interpolation}}},
          {"crop", {{"mode", "center"}, {"size", crop}}},
          {"pad", pad},
          {"mean", {0.5, 0.4, 0.3}},
          {"std", {0.5, 0.25, 0.2}}};
}

// The largest difference to the golden tensor, taken at every 17th row and column, and to its means
// over all pixels.
void expect_equal(const Json& document, const std::string& name) {
  constexpr std::int64_t step = 17;
  const Preprocessing how = preprocessing_from_json(document);
  for (const char* each : photos) {
    const Prepared prepared = prepare(photo(each), how);
    const at::Tensor& tensor = prepared.tensor;
    const std::vector<float> expected = golden(name + " " + each).values<float>();
    const std::vector<double> means = golden(name + " " + each + " mean").values<double>();
    const auto* values = tensor.const_data_ptr<float>();
    const std::int64_t height = tensor.size(1);
    const std::int64_t width = tensor.size(2);
    std::size_t next = 0;
    float largest = 0;
    for (std::int64_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const float value = values[(c * height + y) * width + x];
          sum += value;
          if (y % step == 0 && x % step == 0)
            largest = std::max(largest, std::abs(value - expected.at(next++)));
        }
      }
      // Sums in another order differ in their last bits only.
      EXPECT_NEAR(sum / static_cast<double>(height * width), means.at(static_cast<std::size_t>(c)),
                  1e-9)
          << name << " " << each;
    }
    EXPECT_EQ(next, expected.size());
    EXPECT_EQ(largest, 0.0F) << name << " " << each;
    EXPECT_EQ(prepared.shown.height, height);
    EXPECT_EQ(prepared.shown.width, width);
  }
}

TEST(Preprocess, EqualsTorchvisionsTransforms) {
  expect_equal(torchvision(224, 232), "resnet50");
  expect_equal(torchvision(224, 256), "resnet18");
  expect_equal(torchvision(299, 342), "inception_v3");
  expect_equal(torchvision(224, 256, "bicubic"), "efficientnet_b0");
  expect_equal(torchvision(224, 232, "bicubic"), "swin_t");
}

TEST(Preprocess, EqualsTorchvisionWhenEnlargingOrPadding) {
  expect_equal(torchvision(520, 512), "enlarging");
  expect_equal(torchvision(301, 256), "padding");
}

TEST(Preprocess, EqualsTimmsCropModes) {
  expect_equal(timm("shorter_side", 235, {224, 224}, "bicubic"), "timm_center");
  expect_equal(timm("shorter_side", {213, 177}, {192, 160}, "bicubic"), "timm_oblong");
  expect_equal(timm("squash", {224, 224}, {224, 224}, "bicubic"), "timm_squash");
  expect_equal(timm("longer_side", {224, 224}, {224, 224}, "bilinear", {{"value", {128, 102, 76}}}),
               "timm_border");
}

TEST(Preprocess, LaysOutChannelsAsAsked) {
  std::vector<std::uint8_t> values = {10, 20, 30, 40, 50, 60};
  const Picture picture{.width = 2,
                        .height = 1,
                        .pixels = at::from_blob(values.data(), {1, 2, 3}, at::kByte),
                        .format = "",
                        .conversions = {}};
  const auto floats = [&](const Json& document) {
    const at::Tensor tensor = prepare(picture, preprocessing_from_json(document)).tensor;
    const auto* data = tensor.const_data_ptr<float>();
    return std::vector<float>(data, data + tensor.numel());
  };
  EXPECT_EQ(floats({{"scale", 1}}), (std::vector<float>{10, 40, 20, 50, 30, 60}));
  EXPECT_EQ(floats({{"scale", 1}, {"layout", "NHWC"}}),
            (std::vector<float>{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(floats({{"scale", 1}, {"color", "BGR"}, {"mean", {1, 2, 3}}}),
            (std::vector<float>{29, 59, 18, 48, 7, 37}));
  // 0.299 R + 0.587 G + 0.114 B, rounded: 18.15 and 48.15.
  EXPECT_EQ(floats({{"scale", 1}, {"color", "L"}, {"mean", {0}}, {"std", 2}}),
            (std::vector<float>{9, 24}));
}

TEST(Preprocess, MapsTensorPixelsBackToTheOriginal) {
  const Picture picture = photo("chelsea.png");  // 451 × 300
  const Geometry crop = prepare(picture, preprocessing_from_json(torchvision(224, 256))).geometry;
  // 256 × int(256 * 451 / 300) = 384; the crop begins at (80, 16).
  EXPECT_DOUBLE_EQ(crop.scale_x, 451.0 / 384);
  EXPECT_DOUBLE_EQ(crop.scale_y, 300.0 / 256);
  EXPECT_DOUBLE_EQ(crop.offset_x, 80 * 451.0 / 384);
  EXPECT_DOUBLE_EQ(crop.offset_y, 16 * 300.0 / 256);
  const Geometry padded =
      prepare(picture, preprocessing_from_json(timm("longer_side", 224, 224, "bilinear"))).geometry;
  EXPECT_DOUBLE_EQ(padded.offset_y, -37 * 300.0 / 149);  // 75 missing rows, 37 of them above
}

TEST(Preprocess, StaysBoundedForExtremeShapes) {
  std::vector<std::uint8_t> values(100'000 * 3, 90);
  Picture sliver{.width = 1,
                 .height = 100'000,
                 .pixels = at::from_blob(values.data(), {100'000, 1, 3}, at::kByte),
                 .format = "",
                 .conversions = {}};
  const Prepared prepared = prepare(
      sliver, preprocessing_from_json(torchvision(224, 256)));  // 256 × 25,600,000 when resized
  EXPECT_EQ(prepared.tensor.size(1), 224);
  Json whole = torchvision(224, 65536);
  whole["crop"] = nullptr;
  error_of([&] { prepare(sliver, preprocessing_from_json(whole)); }, Fault::too_large);
}

TEST(PreprocessingDocument, ReadsBackWhatItWrote) {
  for (const Json& document :
       {torchvision(224, 256, "bicubic"),
        timm("longer_side", {224, 200}, {224, 200}, "lanczos", {{"value", 7}}),
        timm("squash", 64, 60, "box"), Json::object(), Json{{"color", "L"}, {"mean", {0.5}}}}) {
    const Json once = to_json(preprocessing_from_json(document));
    EXPECT_EQ(to_json(preprocessing_from_json(once)), once);
  }
  Json agreed = torchvision(224, 256);
  EXPECT_EQ(to_json(preprocessing_from_json(agreed)), agreed);
}

TEST(PreprocessingDocument, NamesTheWrongKey) {
  const auto message = [](const char* pointer, const Json& value) {
    Json document = torchvision(224, 256);
    document[Json::json_pointer(pointer)] = value;
    return error_of([&] { preprocessing_from_json(document); }, Fault::model);
  };
  EXPECT_THAT(message("/colour", "RGB"), HasSubstr("unknown key \"colour\""));
  EXPECT_THAT(message("/color", "HSV"),
              HasSubstr("\"color\" is \"HSV\", expected one of RGB, BGR, L"));
  EXPECT_THAT(message("/resize/size", -1), HasSubstr("\"resize.size\""));
  EXPECT_THAT(message("/resize/size", 70000), HasSubstr("\"resize.size\""));
  EXPECT_THAT(message("/resize/size", {1, 2, 3}), HasSubstr("\"resize.size\""));
  EXPECT_THAT(message("/resize/size", 256.5), HasSubstr("\"resize.size\""));
  EXPECT_THAT(message("/resize/max_size", 200), HasSubstr("\"resize.max_size\""));
  EXPECT_THAT(message("/resize/interpolation", 3), HasSubstr("\"resize.interpolation\""));
  EXPECT_THAT(message("/resize", 256), HasSubstr("\"resize\" is 256, expected an object"));
  EXPECT_THAT(message("/crop/mode", "left"), HasSubstr("\"crop.mode\""));
  EXPECT_THAT(message("/pad", Json{{"value", 256}}), HasSubstr("\"pad.value\""));
  EXPECT_THAT(message("/std", {0.2, 0.0, 0.2}), HasSubstr("\"std\""));
  EXPECT_THAT(message("/mean", {0.1, 0.2}), HasSubstr("\"mean\""));
  EXPECT_THAT(message("/mean", {0.1, "x", 0.2}), HasSubstr("\"mean\""));
  EXPECT_THAT(message("/scale", std::nan("")), HasSubstr("\"scale\""));
  EXPECT_THAT(message("/layout", "CHWN"), HasSubstr("\"layout\""));
  EXPECT_THAT(error_of([] { preprocessing_from_json(Json::array()); }, Fault::model),
              HasSubstr("\"preprocessing\""));
}

TEST(PreprocessingDocument, TellsTheTensorsSizeWhenItIsFixed) {
  EXPECT_EQ(fixed_size(preprocessing_from_json(torchvision(224, 256))), (Size{224, 224}));
  EXPECT_EQ(
      fixed_size(preprocessing_from_json({{"resize", {{"mode", "squash"}, {"size", {10, 20}}}}})),
      (Size{10, 20}));
  EXPECT_EQ(
      fixed_size(preprocessing_from_json({{"resize", {{"mode", "shorter_side"}, {"size", 20}}}})),
      std::nullopt);
}

}  // namespace
}  // namespace pellucid

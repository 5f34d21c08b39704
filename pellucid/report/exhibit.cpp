#include "pellucid/report/exhibit.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/isfinite.h>
#include <libdeflate.h>

#include <algorithm>
#include <memory>

#include "pellucid/base/base64.h"
#include "pellucid/base/error.h"
#include "pellucid/input/resize.h"
#include "pellucid/report/documents.h"

namespace pellucid {
namespace {

constexpr std::int64_t longest_side = 640;
constexpr int quality = 85;
constexpr std::int64_t exact_bytes = 16 << 10;
constexpr std::size_t most_bytes = 72 << 10;

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

std::vector<std::byte> deflated(std::span<const std::byte> bytes) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(9), libdeflate_free_compressor);
  if (!compressor) throw std::bad_alloc();
  std::vector<std::byte> stream(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()));
  stream.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(),
                                         stream.data(), stream.size()));
  return stream;
}

// Integers times a step, the finest that fits; nullopt if none does.
std::optional<Json> rounded(const at::Tensor& plane) {
  const at::Tensor finite = plane.isfinite();
  const double largest = plane.masked_fill(~finite, 0).abs().max().item<double>();
  for (const int levels : {32767, 8191, 2047, 511, 127}) {
    const double step = largest > 0 ? largest / levels : 1;
    const at::Tensor integers = (plane.to(at::kDouble) / step)
                                    .round()
                                    .masked_fill(~finite, -32768)
                                    .to(at::kShort)
                                    .contiguous();
    const std::vector<std::byte> stream = deflated(bytes_of(integers));
    if (stream.size() <= most_bytes)
      return Json{{"bits", 16}, {"step", step}, {"data", to_base64(stream)}};
  }
  return std::nullopt;
}

// A JPEG, or a PNG where that is smaller: a drawing, a few flat colours.
Json picture_document(const at::Tensor& pixels) {
  const std::vector<std::byte> jpeg = encode_jpeg(pixels, quality), png = encode_png(pixels);
  const bool drawing = png.size() <= jpeg.size();
  return {{"media_type", drawing ? "image/png" : "image/jpeg"},
          {"width", pixels.size(1)},
          {"height", pixels.size(0)},
          {"data", to_base64(drawing ? png : jpeg)}};
}

}  // namespace

Json to_json(const Exhibit& exhibit) {
  Json document = {
      {"name", exhibit.name}, {"picture", nullptr}, {"seen", nullptr}, {"maps", exhibit.maps}};
  if (exhibit.sample) document["sample"] = *exhibit.sample;
  if (!exhibit.sight) return document;
  const Picture& photo = exhibit.sight->photo;
  const double factor = std::min(1.0, static_cast<double>(longest_side) /
                                          static_cast<double>(std::max(photo.width, photo.height)));
  const auto reduced = [&](int side) {
    return std::max<std::int64_t>(1, std::llround(factor * side));
  };
  document["picture"] =
      picture_document(factor < 1 ? resize(photo.pixels, reduced(photo.height),
                                           reduced(photo.width), Interpolation::bilinear)
                                  : photo.pixels);
  // A tensor drawn as a picture was seen as a whole.
  const Box& seen = exhibit.sight->seen;
  const Box box = seen.width > 0 ? seen
                                 : Box{0, 0, static_cast<double>(photo.width),
                                       static_cast<double>(photo.height)};
  document["seen"] = {{"x", box.x * factor},
                      {"y", box.y * factor},
                      {"width", box.width * factor},
                      {"height", box.height * factor}};
  return document;
}

Json plane_entry(const at::Tensor& plane) {
  at::Tensor scores = plane.to(at::kFloat).contiguous();
  std::optional<Json> entry;
  std::int64_t averaged = 1;
  if (static_cast<std::int64_t>(scores.nbytes()) <= exact_bytes) {
    entry = {{"bits", 32}, {"step", 0}, {"data", to_base64(bytes_of(scores))}};
  } else {
    entry = rounded(scores);
    while (!entry) {
      ++averaged;
      scores = at::avg_pool2d(plane.to(at::kFloat).unsqueeze(0), averaged, averaged, 0, true)[0]
                   .contiguous();
      entry = rounded(scores);
    }
  }
  (*entry)["height"] = scores.size(0);
  (*entry)["width"] = scores.size(1);
  if (averaged > 1) (*entry)["averaged"] = averaged;
  return std::move(*entry);
}

std::optional<Json> map_entry(const Map& map, const at::Tensor& scores, const at::Tensor& values,
                              const InputInfo& info) {
  if (const std::optional<Plane> plane = plane_of(map, scores, info))
    return plane_entry(plane->scores);
  if (map.coordinates == Coordinates::input && scores.dim() == 1)
    return vector_entry(scores, values.cpu(), info);
  return std::nullopt;
}

Json vector_entry(const at::Tensor& scores, const at::Tensor& values, const InputInfo& info) {
  return {{"names", info.features.empty() ? Json(nullptr) : Json(info.features)},
          {"values", values_of(values.flatten())},
          {"scores", values_of(scores.flatten())}};
}

}  // namespace pellucid

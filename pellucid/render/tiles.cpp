// The pixels of a panel. The map is scaled in float and only then coloured, so that a colour bar's
// colour stands for the same score everywhere; overlay = (1 - alpha)·photo + alpha·colour, in sRGB,
// as the established pictures do.
#include "pellucid/render/tiles.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/render/resample.h"

namespace pellucid {
namespace {

constexpr Colour outside_colour = {236, 236,
                                   234};  // of the map's tile, where the model saw nothing
constexpr double outside_dim = 0.6;       // share of white over the photo there

struct Area {
  std::int64_t x, y, width, height;
};

// `seen` in the tile's pixels, at least one pixel large and inside the tile.
Area area_of(const Panel& panel, std::int64_t width, std::int64_t height) {
  if (!(panel.seen.width > 0 && panel.seen.height > 0)) return {0, 0, width, height};
  const double across =
      static_cast<double>(width) / static_cast<double>(panel.photo.pixels.size(1));
  const double down = static_cast<double>(height) / static_cast<double>(panel.photo.pixels.size(0));
  const auto pixel = [](double at, std::int64_t most) {
    return std::clamp<std::int64_t>(std::llround(std::clamp(at, -1.0, 1e6)), 0, most);
  };
  const std::int64_t x = pixel(panel.seen.x * across, width - 1),
                     y = pixel(panel.seen.y * down, height - 1);
  const std::int64_t right = pixel((panel.seen.x + panel.seen.width) * across, width);
  const std::int64_t bottom = pixel((panel.seen.y + panel.seen.height) * down, height);
  return {x, y, std::max<std::int64_t>(right - x, 1), std::max<std::int64_t>(bottom - y, 1)};
}

std::uint8_t byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
}

// Diagonal stripes, in steps that stay visible when the tile is shown at half its size.
bool on_stripe(std::int64_t x, std::int64_t y) { return (x + y) % 12 < 4; }

}  // namespace

void check(const Panel& panel) {
  const at::Tensor& pixels = panel.photo.pixels;
  if (!pixels.defined() || pixels.dim() != 3 || pixels.size(2) != 3 ||
      pixels.scalar_type() != at::kByte || pixels.numel() == 0)
    throw input_error("a photo to draw must be 8-bit RGB of shape [height, width, 3]");
  if (!panel.map.defined() || panel.map.dim() != 2 || panel.map.numel() == 0)
    throw input_error("a map to draw must be a non-empty array of shape [height, width]");
  if (!(panel.alpha >= 0 && panel.alpha <= 1))
    throw usage_error("the overlay's alpha lies between 0 and 1");
}

Tiles draw_tiles(const Panel& panel, const Scale& scale, const Colormap& colours,
                 std::int64_t width, std::int64_t height) {
  check(panel);
  const at::Tensor photo = resample(panel.photo.pixels, height, width);
  const Area area = area_of(panel, width, height);
  const at::Tensor map = resample(panel.map, area.height, area.width);

  // Colours by a table of 1024 steps: finer than 8 bits a channel can show.
  constexpr int steps = 1024;
  std::vector<Colour> table(steps + 1);
  for (int i = 0; i <= steps; ++i)
    table[static_cast<std::size_t>(i)] = colour(colours, static_cast<double>(i) / steps);

  Tiles tiles;
  for (at::Tensor* tile : {&tiles.photo, &tiles.overlay, &tiles.map})
    *tile = at::empty({height, width, 3}, at::kByte);
  const float* source = photo.data_ptr<float>();
  const float* scores = map.data_ptr<float>();
  auto* plain = tiles.photo.data_ptr<std::uint8_t>();
  auto* mixed = tiles.overlay.data_ptr<std::uint8_t>();
  auto* bare = tiles.map.data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t at = (y * width + x) * 3;
      const bool seen =
          x >= area.x && x < area.x + area.width && y >= area.y && y < area.y + area.height;
      const float score = seen ? scores[(y - area.y) * area.width + (x - area.x)] : 0.0f;
      const bool hatched = seen && (scale.flat || !std::isfinite(score));
      const Colour stripe = on_stripe(x, y) ? Colour{204, 204, 202} : Colour{226, 226, 224};
      const Colour& here =
          seen && !hatched
              ? table[static_cast<std::size_t>(std::lround(scale.position(score) * steps))]
              : outside_colour;
      for (int c = 0; c < 3; ++c) {
        const auto k = static_cast<std::size_t>(c);
        const double value = source[at + c];
        plain[at + c] = byte(value);
        if (!seen) {
          mixed[at + c] = byte(value + (255 - value) * outside_dim);
          bare[at + c] = outside_colour[k];
        } else if (hatched) {
          // A flat map leaves the photo alone; single missing scores are striped in the overlay,
          // too.
          mixed[at + c] =
              scale.flat || !on_stripe(x, y) ? byte(value) : byte((value + stripe[k]) / 2);
          bare[at + c] = stripe[k];
        } else {
          mixed[at + c] = byte(value + (here[k] - value) * panel.alpha);
          bare[at + c] = here[k];
        }
      }
    }
  return tiles;
}

at::Tensor draw_bar(const Colormap& colours, std::int64_t width) {
  at::Tensor bar = at::empty({1, width, 3}, at::kByte);
  auto* pixels = bar.data_ptr<std::uint8_t>();
  for (std::int64_t x = 0; x < width; ++x) {
    const Colour here =
        colour(colours, width > 1 ? static_cast<double>(x) / static_cast<double>(width - 1) : 0.0);
    std::copy(here.begin(), here.end(), pixels + 3 * x);
  }
  return bar;
}

}  // namespace pellucid

// What a model's training did to a picture before the network saw it: resize, crop, scale,
// normalise. Equals torchvision's transforms on PIL images and timm's evaluation transforms (crop
// modes center, squash, border).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/input/picture.h"
#include "pellucid/input/resize.h"

namespace pellucid {

struct Size {
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool operator==(const Size&) const = default;
};

struct Preprocessing {
  enum class Color { rgb, bgr, grey };
  // shorter_side, longer_side: keep the aspect, so that the shorter (longer) side fits `size`;
  // squash: exactly `size`.
  enum class Resize { none, shorter_side, longer_side, squash };
  enum class Layout { nchw, nhwc };

  Color color = Color::rgb;
  Resize resize = Resize::none;
  // A single number (square_size) follows torchvision's Resize(int) for shorter_side: int(size *
  // long / short); a pair follows timm's ResizeKeepRatio: round(side / ratio). squash of one number
  // is a square.
  Size size;
  bool square_size = true;
  std::optional<std::int64_t>
      max_size;  // shorter_side with one number only: the longer side's bound
  Interpolation interpolation = Interpolation::bilinear;
  std::optional<Size> crop;  // at the centre; a smaller picture is padded
  std::optional<std::array<std::uint8_t, 3>> pad_value;  // RGB; black if not given
  double scale = 1.0 / 255.0;
  std::vector<double> mean = {0.0, 0.0,
                              0.0};  // per channel of the tensor; one value serves all channels
  std::vector<double> std = {1.0, 1.0, 1.0};
  Layout layout = Layout::nchw;

  int channels() const { return color == Color::grey ? 1 : 3; }
};

// The document that model files carry under "preprocessing":
//   {"color": "RGB"|"BGR"|"L",
//    "resize": {"mode": "shorter_side"|"longer_side"|"squash"|"none", "size": 256 | [h, w],
//    "max_size": null,
//               "interpolation": "bilinear"|"bicubic"|"nearest"|"lanczos"|"box"|"hamming"},
//    "crop": {"mode": "center"|"none", "size": 224 | [h, w]}, "pad": null | {"value": 0 | [r, g,
//    b]}, "scale": 0.00392156862745098, "mean": [..], "std": [..], "layout": "NCHW"|"NHWC"}
// A key left out has the default above. Throws Error (Fault::model) that names the key: unknown, of
// a wrong type, or out of range (sizes 1..65536, std above 0, finite numbers).
Preprocessing preprocessing_from_json(const Json& document);
Json to_json(const Preprocessing& preprocessing);

// Tensor pixel (x, y), centre at +0.5, lies at ((x + 0.5) * scale_x + offset_x, (y + 0.5) * scale_y
// + offset_y) of the upright original, in its pixels.
struct Geometry {
  double scale_x = 1.0;
  double scale_y = 1.0;
  double offset_x = 0.0;
  double offset_y = 0.0;
  std::int64_t original_width = 0;
  std::int64_t original_height = 0;
};

struct Prepared {
  at::Tensor
      tensor;     // float32 [C, H, W] (NCHW) or [H, W, C] (NHWC), contiguous, without a batch axis
  Picture shown;  // the H×W pixels that the network saw, RGB, before scaling (grey models: equal
                  // channels)
  Geometry geometry;
};

// A picture among the inputs: what the user sees, and what the network saw of it.
struct Photo {
  std::size_t input = 0;  // index among the model's inputs
  Picture picture;        // upright, as decoded
  Picture shown;          // H×W pixels the network saw
  Geometry geometry;
};

// Height and width of the tensor; nullopt when it depends on the picture's own size (no crop,
// aspect kept).
std::optional<Size> fixed_size(const Preprocessing& preprocessing);

// tensor = (pixel * scale - mean) / std, in float32, each step as torchvision rounds it (pixel /
// 255 first). Throws Error (Fault::too_large) when the result would need more than 2 GiB.
Prepared prepare(const Picture& picture, const Preprocessing& preprocessing);

}  // namespace pellucid

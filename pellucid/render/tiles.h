// The three images of a panel, as pixels without any text.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "pellucid/render/colormap.h"
#include "pellucid/render/panel.h"
#include "pellucid/render/scale.h"

namespace pellucid {

// Throws as draw(Panel) does for a photo, map or alpha that cannot be drawn.
void check(const Panel& panel);

struct Tiles {
  at::Tensor photo, overlay, map;  // uint8 [height,width,3]
};

// `width`, `height`: of each tile in pixels. Scores that are not finite are hatched; a flat map is
// hatched wholly and its overlay is the plain photo. Outside `panel.seen` the overlay is a dimmed
// photo and the map is left paper-coloured.
Tiles draw_tiles(const Panel& panel, const Scale& scale, const Colormap& colours,
                 std::int64_t width, std::int64_t height);

// The colour bar's image, one row: uint8 [1,width,3], from `scale.low` at the left to `scale.high`
// at the right.
at::Tensor draw_bar(const Colormap& colours, std::int64_t width);

}  // namespace pellucid

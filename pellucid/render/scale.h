// How raw signed scores become positions on a colormap. The scores themselves are never changed.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pellucid/base/text.h"

namespace pellucid {

struct ScaleSettings {
  bool positive_part = false;  // scores below 0 are drawn as 0, as Grad-CAM's pictures do
  // Where the scale ends: the quantile (0..1] of the magnitudes above 0; 1: at the largest.
  double clip = 1;
};

struct Scale {
  double low = 0, high = 1;  // the scores at the two ends of the colormap; high > 0; low is 0, or
                             // -high when diverging
  bool diverging = false;
  bool positive_part = false;
  double smallest = 0,
         largest = 0;  // the extremes of the finite raw scores, before clipping and positive part
  std::int64_t count = 0;      // scores in the map
  std::int64_t nonfinite = 0;  // NaN and infinities among them
  std::int64_t clipped = 0;    // scores beyond low..high because of the clip
  double clip = 1;             // the quantile asked for
  // The map says nothing: all scores are equal, none is finite, or no positive one is left in the
  // positive part.
  bool flat = false;

  // 0..1 along the colormap, clamped. A NaN stays one.
  double position(double score) const;
};

// The scale of a map of any shape (read as float32). Non-negative maps and positive parts get
// 0..max, maps with a negative score get -m..m with m the largest magnitude, so that 0 is always
// the neutral colour. The clip never bites in maps so small that it would cut into the single
// largest score.
Scale scale_of(const at::Tensor& map, const ScaleSettings& settings = {});

// What a reader has to know: "no attribution: the map is constant 0", "positive part shown", "the
// scale ends at the 99.5 % quantile of the magnitudes above 0", "12 of 49 scores are not finite".
// Empty when there is nothing to say.
std::vector<std::string> remarks(const Scale& scale, Language language = Language::english);

}  // namespace pellucid

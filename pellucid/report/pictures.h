// The pictures of a map beside the input that it explains, in the formats that are asked for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/explain/question.h"
#include "pellucid/input/preprocess.h"
#include "pellucid/report/explanation.h"

namespace pellucid {

struct PictureKind {
  std::string_view name;  // of the format, and the file's extension
  PictureFormat format;
  std::string_view media_type;
};
inline constexpr PictureKind picture_kinds[] = {{"png", PictureFormat::png, "image/png"},
                                                {"svg", PictureFormat::svg, "image/svg+xml"},
                                                {"pdf", PictureFormat::pdf, "application/pdf"}};

// One sample of a batch that was explained.
struct Shown {
  std::span<const NamedTensor> tensors;  // the model's inputs, with the batch axis
  std::span<const Photo> photos;         // those of them that are pictures
  std::int64_t n = 0;                    // which of the batch
};

// Which of the model's inputs a map is shown on: its own; for a layer's map the picture.
std::size_t shown_input(const Model& model, const Map& map);

// The part of a photo that became the tensor, in the photo's pixels; reaches beyond it where it was
// padded.
Box seen_part(const Photo& photo);

// What people see of that input of the sample: the photo, else the tensor as a picture; nullopt if
// it is none.
std::optional<Sight> sight_of(const Model& model, const Shown& sample, std::size_t input);

// One file's bytes per kind. `scores`: the map's, of that sample alone. Empty where a map of that
// shape has no picture.
std::vector<std::vector<std::byte>> pictures(const Model& model, const Shown& sample,
                                             const Map& map, const at::Tensor& scores,
                                             const Caption& caption, const Look& look,
                                             std::span<const PictureKind> kinds, Fonts& fonts);

}  // namespace pellucid

#include "pellucid/report/pictures.h"

namespace pellucid {

std::size_t shown_input(const Model& model, const Map& map) {
  const auto inputs = model.graph->inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (map.coordinates == Coordinates::input ? model.graph->value(inputs[i]).name == map.name
                                              : model.metadata.inputs[i].kind == InputKind::image)
      return i;
  }
  return 0;
}

Box seen_part(const Photo& photo) {
  const Geometry& geometry = photo.geometry;
  return {geometry.offset_x, geometry.offset_y, geometry.scale_x * photo.shown.width,
          geometry.scale_y * photo.shown.height};
}

std::optional<Sight> sight_of(const Model& model, const Shown& sample, std::size_t input) {
  for (const Photo& photo : sample.photos) {
    if (photo.input == input) return Sight{photo.picture, seen_part(photo)};
  }
  return sight_of_tensor(sample.tensors[input].data[sample.n].cpu(), model.metadata.inputs[input]);
}

std::vector<std::vector<std::byte>> pictures(const Model& model, const Shown& sample,
                                             const Map& map, const at::Tensor& scores,
                                             const Caption& caption, const Look& look,
                                             std::span<const PictureKind> kinds, Fonts& fonts) {
  const std::size_t input = shown_input(model, map);
  const Illustration illustration{map,
                                  scores,
                                  sample.tensors[input].data[sample.n].cpu(),
                                  model.metadata.inputs[input],
                                  sight_of(model, sample, input),
                                  caption,
                                  look};
  std::vector<std::vector<std::byte>> files;
  for (const PictureKind& kind : kinds) {
    std::vector<std::byte> bytes = illustrate(illustration, kind.format, fonts);
    if (bytes.empty()) return {};
    files.push_back(std::move(bytes));
  }
  return files;
}

}  // namespace pellucid

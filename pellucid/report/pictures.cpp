#include "pellucid/report/pictures.h"

namespace pellucid {
namespace {

// The model's input that the map is shown on: its own, or for a layer's map the picture.
std::size_t shown_input(const Model& model, const Shown& sample, const Map& map) {
  for (std::size_t i = 0; i < sample.tensors.size(); ++i) {
    if (map.coordinates == Coordinates::input ? sample.tensors[i].name == map.name
                                              : model.metadata.inputs[i].kind == InputKind::image)
      return i;
  }
  return 0;
}

std::optional<Sight> sight_of(const Shown& sample, std::size_t place, const at::Tensor& shown,
                              const InputInfo& info) {
  for (const Photo& photo : sample.photos) {
    if (photo.input != place) continue;
    const Geometry& geometry = photo.geometry;
    return Sight{photo.picture,
                 {geometry.offset_x, geometry.offset_y, geometry.scale_x * photo.shown.width,
                  geometry.scale_y * photo.shown.height}};
  }
  return sight_of_tensor(shown, info);
}

}  // namespace

std::vector<std::vector<std::byte>> pictures(const Model& model, const Shown& sample,
                                             const Map& map, const at::Tensor& scores,
                                             const Caption& caption, const Look& look,
                                             std::span<const PictureKind> kinds, Fonts& fonts) {
  const std::size_t place = shown_input(model, sample, map);
  const InputInfo& info = model.metadata.inputs[place];
  const at::Tensor shown = sample.tensors[place].data[sample.n].cpu();
  const Illustration illustration{
      map, scores, shown, info, sight_of(sample, place, shown, info), caption, look};
  std::vector<std::vector<std::byte>> files;
  for (const PictureKind& kind : kinds) {
    std::vector<std::byte> bytes = illustrate(illustration, kind.format, fonts);
    if (bytes.empty()) return {};
    files.push_back(std::move(bytes));
  }
  return files;
}

}  // namespace pellucid

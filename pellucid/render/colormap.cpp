// Colours are tabulated at 33 even points and linear in sRGB between them: at most 2/255 off the
// 256-entry originals (6/255 in the first steps of cividis). viridis, inferno and magma are by van
// der Walt and Smith, cividis by Nuñez, Anderton and Renslow; their data are in the public domain
// (CC0). turbo is by Mikhailov (Apache-2.0). "balance" and "purple_orange" were derived for
// Pellucid: lightness falls in even steps from a white centre to both ends in OKLab, with as much
// chroma as sRGB has, so that equal magnitudes of either sign look equally strong; mirrored colours
// stay apart for people with deuteranopia and protanopia, too.
#include "pellucid/render/colormap.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"
#include "pellucid/render/line.h"

namespace pellucid {
namespace {

constexpr std::uint32_t viridis[] = {
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b,
    0x375a8d, 0x33638d, 0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908c, 0x1f988b,
    0x1f9f88, 0x21a685, 0x28ae80, 0x31b57b, 0x3ebc74, 0x4cc26c, 0x5dc963, 0x6ece58, 0x82d34c,
    0x96d83f, 0xabdc32, 0xc0df24, 0xd5e21a, 0xeae51a, 0xfde725,
};
constexpr std::uint32_t inferno[] = {
    0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2e0a5a, 0x3c0965, 0x4a0c6b, 0x57106d,
    0x63146e, 0x70196e, 0x7d1e6d, 0x89226a, 0x962766, 0xa32b61, 0xaf315c, 0xbb3755, 0xc63e4d,
    0xd14644, 0xdb4f3b, 0xe35932, 0xeb6528, 0xf1711e, 0xf67f14, 0xf98d0a, 0xfb9c06, 0xfcab0f,
    0xfbba1f, 0xf9ca32, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
};
constexpr std::uint32_t magma[] = {
    0x000004, 0x030311, 0x0a0822, 0x130d33, 0x1d1146, 0x28115a, 0x36106a, 0x430f76, 0x50127c,
    0x5d177f, 0x691c81, 0x762181, 0x822681, 0x8f2a81, 0x9c2e7f, 0xa9327d, 0xb63779, 0xc33b75,
    0xcf4170, 0xdb486a, 0xe65163, 0xee5c5e, 0xf5695c, 0xf9785d, 0xfb8761, 0xfd9668, 0xfea571,
    0xfeb47b, 0xfec387, 0xfed194, 0xfde0a2, 0xfceeb0, 0xfcfdbf,
};
constexpr std::uint32_t cividis[] = {
    0x00224e, 0x00285b, 0x002e6a, 0x043371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c,
    0x4b546c, 0x52596d, 0x5a5f6e, 0x61656f, 0x686a71, 0x6f7073, 0x757676, 0x7c7b78, 0x848179,
    0x8b8778, 0x938d78, 0x9b9376, 0xa39a75, 0xaba072, 0xb3a670, 0xbbad6c, 0xc3b469, 0xccba64,
    0xd4c15f, 0xddc958, 0xe6d051, 0xefd748, 0xf8df3c, 0xfee838,
};
constexpr std::uint32_t turbo[] = {
    0x30123b, 0x392a73, 0x4040a1, 0x4456c7, 0x466be3, 0x467ff6, 0x4293ff, 0x37a7fa, 0x29bbec,
    0x1dcdd8, 0x18dcc3, 0x1ee8b0, 0x31f299, 0x4cf97e, 0x6bfd64, 0x8aff4d, 0xa3fd3c, 0xb8f735,
    0xcced34, 0xdee037, 0xedd03a, 0xf8c03a, 0xfdae35, 0xfe982c, 0xfb8022, 0xf56817, 0xec520f,
    0xe04009, 0xd23105, 0xc02302, 0xac1701, 0x950d01, 0x7a0403,
};
constexpr std::uint32_t balance[] = {
    0x13317a, 0x123b8e, 0x0e46a3, 0x0351b8, 0x015ec8, 0x006bd6, 0x0279e5, 0x0487f3, 0x2596fa,
    0x40a4ff, 0x5cb2ff, 0x77c0ff, 0x90ccff, 0xa9d9ff, 0xc2e5ff, 0xddf0fd, 0xfafafa, 0xfee7e0,
    0xffd6c9, 0xffc4b3, 0xffb19c, 0xfe9d85, 0xfc8970, 0xf7765e, 0xef634d, 0xe6503f, 0xdb3e32,
    0xce2b27, 0xbe1f22, 0xaa1b22, 0x971720, 0x84141e, 0x72111b,
};
constexpr std::uint32_t purple_orange[] = {
    0x47216a, 0x53287d, 0x5f3090, 0x6b37a4, 0x7840b9, 0x834bca, 0x8d59d7, 0x9669e2, 0xa078ec,
    0xaa88f3, 0xb398f9, 0xbda9fd, 0xc8baff, 0xd3caff, 0xdfdaff, 0xeceafd, 0xfafafa, 0xf8ecde,
    0xf7ddc2, 0xf4cea7, 0xf2bf8c, 0xeeb072, 0xeaa159, 0xe4923e, 0xde8320, 0xd37603, 0xc56b01,
    0xb76104, 0xaa5702, 0x9c4e02, 0x8e4400, 0x803b00, 0x733301,
};
// The piecewise linear definition of the well-known rainbow: eighths of the range.
constexpr std::uint32_t jet[] = {
    0x000080, 0x0000ff, 0x0080ff, 0x00ffff, 0x80ff80, 0xffff00, 0xff8000, 0xff0000, 0x800000,
};
constexpr std::uint32_t grey[] = {0x000000, 0xffffff};

constexpr Colormap all[] = {
    {"inferno", "Black, red, yellow: even in lightness; the default for maps of one sign.", false,
     inferno},
    {"viridis", "Purple, green, yellow: even in lightness.", false, viridis},
    {"magma", "Black, pink, cream: even in lightness.", false, magma},
    {"cividis", "Blue to yellow: looks alike with and without colour-vision deficiency.", false,
     cividis},
    {"turbo", "A rainbow without false edges.", false, turbo},
    {"jet", "The old rainbow of many papers; shows edges that are not in the map.", false, jet},
    {"grey", "Black to white.", false, grey},
    {"balance", "Blue, white, red: signed maps, white is 0; the default for them.", true, balance},
    {"purple_orange", "Purple, white, orange: signed maps, white is 0.", true, purple_orange},
};

double channel(std::uint32_t rgb, int shift) { return static_cast<double>((rgb >> shift) & 0xff); }

}  // namespace

std::span<const Colormap> colormaps() { return all; }

const Colormap& colormap(std::string_view name) {
  std::vector<std::string> names;
  for (const Colormap& map : all) {
    if (map.name == name) return map;
    names.emplace_back(map.name);
  }
  throw usage_error("no colormap is called \"" + plain_line(name, 60) + "\"")
      .hint("there are " + join(names, ", "));
}

const Colormap& default_colormap(bool diverging) {
  return colormap(diverging ? "balance" : "inferno");
}

Colour colour(const Colormap& map, double position) {
  const double last = static_cast<double>(map.points.size() - 1);
  // The comparison is false for NaN, which then counts as 0.
  const double along = position > 0 ? std::min(position, 1.0) * last : 0.0;
  const auto left = static_cast<std::size_t>(std::min(std::floor(along), last - 1));
  const double weight = along - static_cast<double>(left);
  Colour result{};
  for (int i = 0; i < 3; ++i) {
    const int shift = 16 - 8 * i;
    const double low = channel(map.points[left], shift),
                 high = channel(map.points[left + 1], shift);
    result[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(std::lround(low + (high - low) * weight));
  }
  return result;
}

}  // namespace pellucid

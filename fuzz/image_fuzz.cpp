// The way of a picture from its bytes to a tensor, and of an .npy. Only pellucid::Error may leave
// it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "pellucid/base/error.h"
#include "pellucid/input/npy.h"
#include "pellucid/input/picture.h"
#include "pellucid/input/preprocess.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  pellucid::Preprocessing how;
  how.resize = pellucid::Preprocessing::Resize::shorter_side;
  how.interpolation = pellucid::Interpolation::bicubic;
  how.size = {24, 24};
  how.crop = pellucid::Size{20, 28};
  for (const bool salvage : {false, true}) {
    try {
      const pellucid::DecodeLimits limits{
          .max_pixels = 1 << 16, .max_scans = 20, .salvage = salvage};
      const pellucid::Picture picture = pellucid::decode_picture(bytes, limits, "fuzz");
      pellucid::prepare(picture, how);
    } catch (const pellucid::Error&) {
    }
  }
  try {
    if (pellucid::is_npy(bytes)) pellucid::write_npy(pellucid::read_npy(bytes, "fuzz"));
  } catch (const pellucid::Error&) {
  }
  return 0;
}

// Pixels → JPEG, for pictures that travel inside a page.
#include <turbojpeg.h>

#include <memory>

#include "pellucid/base/error.h"
#include "pellucid/input/picture.h"

namespace pellucid {

std::vector<std::byte> encode_jpeg(const at::Tensor& pixels, int quality) {
  if (pixels.dim() != 3 || pixels.size(2) != 3 || pixels.scalar_type() != at::kByte ||
      pixels.numel() == 0) {
    throw internal_error("a JPEG is made of bytes [height, width, 3]");
  }
  const at::Tensor rows = pixels.cpu().contiguous();
  const std::unique_ptr<void, int (*)(tjhandle)> compressor(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool done = compressor != nullptr &&
                    tjCompress2(compressor.get(), rows.const_data_ptr<std::uint8_t>(),
                                static_cast<int>(rows.size(1)), 0, static_cast<int>(rows.size(0)),
                                TJPF_RGB, &bytes, &size, TJSAMP_420, quality, 0) == 0;
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> kept(bytes, tjFree);
  if (!done)
    throw internal_error("libjpeg-turbo: " + std::string(tjGetErrorStr2(compressor.get())));
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  return {first, first + size};
}

}  // namespace pellucid

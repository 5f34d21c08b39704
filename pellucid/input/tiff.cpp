// TIFF through libtiff. The usual layouts (8 and 16 bits per channel: grey, RGB, CMYK, with or
// without alpha) are read as stored, so that they equal Pillow's; libtiff's RGBA interface, which
// multiplies alpha in, does the rest: palettes, 1, 2 and 4 bits, YCbCr, Lab. Its handlers are per
// file (TIFFOpenOptions): nothing global, nothing on stderr.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid::codecs {
namespace {

struct Source {
  Bytes bytes;
  toff_t position = 0;
  std::string message;  // libtiff's first error
};

Source& source_of(thandle_t handle) { return *static_cast<Source*>(handle); }

tmsize_t read(thandle_t handle, void* buffer, tmsize_t size) {
  Source& source = source_of(handle);
  if (size <= 0 || source.position >= source.bytes.size()) return 0;
  const std::size_t left = source.bytes.size() - source.position;
  const std::size_t count = std::min(left, static_cast<std::size_t>(size));
  std::memcpy(buffer, source.bytes.data() + source.position, count);
  source.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = source_of(handle);
  if (whence == SEEK_SET) source.position = offset;
  if (whence == SEEK_CUR) source.position += offset;
  if (whence == SEEK_END) source.position = source.bytes.size() + offset;
  return source.position;
}

int close(thandle_t) { return 0; }

toff_t size(thandle_t handle) { return source_of(handle).bytes.size(); }

// Mapped, so that libtiff checks sizes against the file's and copies nothing.
int map(thandle_t handle, void** base, toff_t* length) {
  const Source& source = source_of(handle);
  *base = const_cast<std::byte*>(source.bytes.data());
  *length = source.bytes.size();
  return 1;
}

void unmap(thandle_t, void*, toff_t) {}

int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  Source& source = *static_cast<Source*>(user);
  if (source.message.empty()) {
    char text[256];
    std::vsnprintf(text, sizeof text, format, arguments);
    source.message = text;
  }
  return 1;
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct Layout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = 0, planes = PLANARCONFIG_CONTIG,
                sample_format = SAMPLEFORMAT_UINT;
  std::uint16_t compression = COMPRESSION_NONE, orientation = ORIENTATION_TOPLEFT, alphas = 0;
};

// The system's zero pages: memory that a lying header asks for is not touched before there is data
// for it.
using Zeros = std::unique_ptr<std::uint8_t, decltype(&std::free)>;

Zeros zeros(std::size_t bytes) {
  Zeros memory(static_cast<std::uint8_t*>(std::calloc(bytes, 1)), std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

Layout layout_of(TIFF* tiff) {
  Layout layout;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout.planes);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.sample_format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout.orientation);
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric) == 0)
    layout.photometric = PHOTOMETRIC_MINISBLACK;
  std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &layout.alphas, &kinds);
  return layout;
}

int channels_of(const Layout& layout) {
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      return 1;
    case PHOTOMETRIC_RGB:
      return 3;
    case PHOTOMETRIC_SEPARATED:
      return 4;
    default:
      return 0;
  }
}

bool is_plain(const Layout& layout) {
  const int channels = channels_of(layout);
  return channels > 0 && layout.samples >= channels && (layout.bits == 8 || layout.bits == 16) &&
         layout.sample_format == SAMPLEFORMAT_UINT && layout.planes == PLANARCONFIG_CONTIG;
}

// One run of `count` pixels as stored → RGB.
void convert(const Layout& layout, const std::uint8_t* stored, std::uint8_t* rgb,
             std::int64_t count) {
  const int channels = channels_of(layout);
  const std::size_t bytes = layout.bits / 8;
  for (std::int64_t i = 0; i < count; ++i, rgb += 3, stored += layout.samples * bytes) {
    std::uint8_t value[4] = {};
    for (int channel = 0; channel < channels; ++channel) {
      if (bytes == 1) {
        value[channel] = stored[channel];
      } else {
        std::uint16_t wide = 0;
        std::memcpy(&wide, stored + 2 * channel, 2);
        value[channel] = static_cast<std::uint8_t>(wide >> 8);
      }
    }
    if (channels == 4) {
      cmyk_to_rgb(value, rgb, 1);
    } else if (channels == 3) {
      std::memcpy(rgb, value, 3);
    } else {
      std::memset(rgb, layout.photometric == PHOTOMETRIC_MINISWHITE ? 255 - value[0] : value[0], 3);
    }
  }
}

// Strips are tiles as wide as the picture.
bool read_plain(TIFF* tiff, const Layout& layout, std::uint8_t* pixels, std::int64_t most_pixels) {
  const bool tiled = TIFFIsTiled(tiff) != 0;
  std::uint32_t width = layout.width;
  std::uint32_t height = layout.height;
  if (tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &height);
    height = std::min(height, layout.height);
  }
  if (width == 0 || height == 0) throw input_error("a TIFF of empty tiles");
  const std::size_t pixel_bytes = std::size_t{layout.samples} * (layout.bits / 8);
  if (static_cast<double>(width) * height > 4.0 * static_cast<double>(most_pixels)) {
    throw Error(Fault::too_large,
                "a TIFF with tiles of " + std::to_string(width) + " × " + std::to_string(height));
  }
  const tmsize_t claimed = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const std::size_t room = std::size_t{width} * height * pixel_bytes;
  if (claimed <= 0 || static_cast<std::size_t>(claimed) > room) return false;
  const Zeros tile = zeros(room);
  const std::size_t stride = std::size_t{3} * layout.width;
  for (std::uint32_t top = 0; top < layout.height; top += std::min(height, layout.height - top)) {
    for (std::uint32_t left = 0; left < layout.width;
         left += std::min(width, layout.width - left)) {
      const std::uint32_t rows = std::min(height, layout.height - top);
      const std::uint32_t columns = std::min(width, layout.width - left);
      const std::size_t needed = std::size_t{rows} * width * pixel_bytes;
      const tmsize_t read = tiled
                                ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, left, top, 0, 0),
                                                      tile.get(), claimed)
                                : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, 0),
                                                       tile.get(), static_cast<tmsize_t>(needed));
      if (read < 0 || static_cast<std::size_t>(read) < needed) return false;
      for (std::uint32_t y = 0; y < rows; ++y) {
        convert(layout, tile.get() + std::size_t{y} * width * pixel_bytes,
                pixels + (top + y) * stride + std::size_t{3} * left, columns);
      }
    }
  }
  return true;
}

bool read_by_rgba_interface(TIFF* tiff, const Layout& layout, std::uint8_t* pixels, Source& source,
                            bool salvage) {
  TIFFRGBAImage image;
  char message[1024] = "";
  if (TIFFRGBAImageBegin(&image, tiff, /*stop=*/salvage ? 0 : 1, message) == 0) {
    throw input_error("libtiff: " + std::string(message));
  }
  const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> end(&image, TIFFRGBAImageEnd);
  // Rows as stored: orientation is applied once, by turn_upright.
  image.req_orientation = image.orientation;
  const std::size_t area = std::size_t{layout.width} * layout.height;
  const Zeros memory = zeros(4 * area);
  auto* const raster = reinterpret_cast<std::uint32_t*>(memory.get());
  source.message.clear();
  const bool read = TIFFRGBAImageGet(&image, raster, layout.width, layout.height) != 0;
  for (std::size_t i = 0; i < area; ++i, pixels += 3) {
    pixels[0] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
    pixels[1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
    pixels[2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
  }
  return read && source.message.empty();
}

void note_conversions(const Layout& layout, Decoded& decoded) {
  if (layout.bits == 16) decoded.conversions.emplace_back("16 bits per channel reduced to 8");
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      decoded.conversions.emplace_back("greyscale to equal RGB channels");
      break;
    case PHOTOMETRIC_PALETTE:
      decoded.conversions.emplace_back("palette to RGB");
      break;
    case PHOTOMETRIC_SEPARATED:
      decoded.conversions.emplace_back("CMYK converted to RGB");
      break;
    case PHOTOMETRIC_YCBCR:
    case PHOTOMETRIC_RGB:
      break;
    default:
      decoded.conversions.push_back("TIFF colours of kind " + std::to_string(layout.photometric) +
                                    " converted to RGB");
  }
  if (layout.alphas > 0) {
    decoded.conversions.emplace_back(is_plain(layout) ? "alpha dropped"
                                                      : "alpha composited on black");
  }
}

}  // namespace

Decoded decode_tiff(Bytes bytes, const DecodeLimits& limits) {
  Source source{.bytes = bytes, .position = 0, .message = {}};
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  constexpr std::int64_t most_bytes = std::int64_t{1} << 30;
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options.get(), std::clamp<std::int64_t>(limits.max_pixels * 8, 1 << 20, most_bytes));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, nullptr);
  const std::unique_ptr<TIFF, decltype(&TIFFClose)> tiff(
      TIFFClientOpenExt("picture", "r", &source, read, write, seek, close, size, map, unmap,
                        options.get()),
      TIFFClose);
  if (!tiff) throw input_error("libtiff: " + source.message);

  const Layout layout = layout_of(tiff.get());
  check_area(layout.width, layout.height, limits);
  if (layout.compression == COMPRESSION_OJPEG) {
    throw input_error("a TIFF of the obsolete JPEG compression")
        .hint("save it with another compression");
  }
  if (layout.bits > 16 || layout.samples > 8 || layout.sample_format > SAMPLEFORMAT_UINT) {
    throw input_error("a TIFF of " + std::to_string(layout.samples) + " samples of " +
                      std::to_string(layout.bits) +
                      " bits (signed or float ones included) is no picture for the eye")
        .hint("save it with 8 or 16 bits, or give the values as .npy");
  }
  Decoded decoded;
  if (layout.orientation >= 1 && layout.orientation <= 8) decoded.orientation = layout.orientation;
  decoded.pixels = allocate_pixels(layout.width, layout.height, limits.salvage);
  auto* const pixels = decoded.pixels.mutable_data_ptr<std::uint8_t>();
  const bool complete =
      is_plain(layout) ? read_plain(tiff.get(), layout, pixels, limits.max_pixels)
                       : read_by_rgba_interface(tiff.get(), layout, pixels, source, limits.salvage);
  if (!complete && !limits.salvage) throw damaged_error("libtiff: " + source.message);
  note_conversions(layout, decoded);
  if (TIFFLastDirectory(tiff.get()) == 0)
    decoded.conversions.emplace_back("first of several pages");
  if (!complete) {
    decoded.conversions.push_back(
        "salvaged, part of the picture is missing (libtiff: " + source.message + ")");
  }
  return decoded;
}

}  // namespace pellucid::codecs

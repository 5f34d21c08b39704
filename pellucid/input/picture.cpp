// Recognises a picture's format by its first bytes and hands it to that format's decoder.
// Invariant: nothing but pellucid::Error leaves decode_picture, and the header's area has been
// checked before pixels are allocated.
#include "pellucid/input/picture.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic, std::size_t offset = 0) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

// What a file is that we do not read, for an error that helps.
std::string_view foreign_format(std::span<const std::byte> bytes) {
  if (starts_with(bytes, "GIF8")) return "a GIF";
  if (starts_with(bytes, "ftypheic", 4) || starts_with(bytes, "ftypmif1", 4) ||
      starts_with(bytes, "ftypheix", 4)) {
    return "a HEIC picture";
  }
  if (starts_with(bytes, "ftypavif", 4)) return "an AVIF picture";
  if (starts_with(bytes, "%PDF")) return "a PDF";
  if (starts_with(bytes, std::string_view("\x00\x00\x00\x0cjP  ", 8))) return "a JPEG 2000 picture";
  if (starts_with(bytes, "\x93NUMPY")) return "a NumPy array";
  if (starts_with(bytes, "II+\0") || starts_with(bytes, std::string_view("MM\0+", 4)))
    return "a BigTIFF";
  return "";
}

codecs::Decoded decode(std::span<const std::byte> bytes, std::string_view format,
                       const DecodeLimits& limits) {
  if (format == "JPEG") return codecs::decode_jpeg(bytes, limits);
  if (format == "PNG") return codecs::decode_png(bytes, limits);
  if (format == "WebP") return codecs::decode_webp(bytes, limits);
  if (format == "TIFF") return codecs::decode_tiff(bytes, limits);
  if (format == "BMP") return codecs::decode_bmp(bytes, limits);
  if (bytes.empty()) throw input_error("the file is empty");
  const std::string_view foreign = foreign_format(bytes);
  Error error = input_error(foreign.empty() ? std::string("not a picture of a known format")
                                            : "this is " + std::string(foreign) +
                                                  ", which is not read as a picture");
  error.hint("give a JPEG, PNG, WebP, TIFF or BMP file");
  throw error;
}

}  // namespace

std::string_view picture_format(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  if (starts_with(bytes, "\xff\xd8\xff")) return "JPEG";
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8)) return "WebP";
  if (starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv)) return "TIFF";
  if (starts_with(bytes, "BM")) return "BMP";
  return "";
}

Picture decode_picture(std::span<const std::byte> bytes, const DecodeLimits& limits,
                       std::string_view name) {
  try {
    const std::string_view format = picture_format(bytes);
    codecs::Decoded decoded = decode(bytes, format, limits);
    if (decoded.orientation > 1) {
      decoded.pixels = codecs::turn_upright(decoded.pixels, decoded.orientation);
      decoded.conversions.push_back("EXIF orientation " + std::to_string(decoded.orientation) +
                                    " applied");
    }
    Picture picture;
    picture.height = static_cast<int>(decoded.pixels.size(0));
    picture.width = static_cast<int>(decoded.pixels.size(1));
    picture.pixels = std::move(decoded.pixels);
    picture.format = format;
    picture.conversions = std::move(decoded.conversions);
    return picture;
  } catch (Error& error) {
    throw error.at(name);
  } catch (const std::bad_alloc&) {
    throw Error(Fault::too_large, "not enough memory to decode the picture").at(name);
  } catch (const std::exception& error) {  // LibTorch's allocator, above all
    throw Error(Fault::too_large, "the picture could not be decoded: " + first_line(error.what()))
        .at(name);
  }
}

}  // namespace pellucid

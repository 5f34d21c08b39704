// PNG through libspng, both ways. Every kind of pixel becomes 8-bit RGB: 16 bits keep their high
// byte as in Pillow, fewer bits are stretched to 0..255, alpha and transparency are dropped. Rows
// are decoded one by one, so that a damaged file can be salvaged up to its damage.
#include <spng.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid {
namespace codecs {
namespace {

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

Error failure(int code) {
  const std::string text = "libspng: " + std::string(spng_strerror(code));
  switch (code) {
    case SPNG_IO_EOF:
    case SPNG_EIDAT_TOO_SHORT:
      return truncated_error(text);
    case SPNG_EMEM:
      return Error(Fault::too_large, "not enough memory to decode the picture");
    case SPNG_ECHUNK_LIMITS:
      return Error(Fault::too_large, "the PNG's side information is larger than the bound");
    case SPNG_EIDAT_STREAM:
    case SPNG_ECHUNK_CRC:
    case SPNG_EFILTER:
      return damaged_error(text);
    default:
      return input_error(text);
  }
}

void check(int code) {
  if (code != 0) throw failure(code);
}

int orientation_of(spng_ctx* context) {
  spng_exif exif{};
  if (spng_get_exif(context, &exif) == 0 && exif.length >= 8) {
    const Bytes data(reinterpret_cast<const std::byte*>(exif.data), exif.length);
    if (const int found = exif_orientation(data); found != 0) return found;
  }
  std::uint32_t count = 0;
  if (spng_get_text(context, nullptr, &count) != 0 || count == 0) return 1;
  std::vector<spng_text> texts(count);
  if (spng_get_text(context, texts.data(), &count) != 0) return 1;
  for (const spng_text& text : texts) {
    if (std::strcmp(text.keyword, "XML:com.adobe.xmp") != 0 || text.text == nullptr) continue;
    const Bytes data(reinterpret_cast<const std::byte*>(text.text), text.length);
    return std::max(xmp_orientation(data), 1);
  }
  return 1;
}

// Whether a chunk of that type stands before the first IDAT: libspng does not know APNG's.
bool has_chunk(Bytes bytes, const char* type) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const auto* head = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
    if (std::memcmp(head + 4, type, 4) == 0) return true;
    if (std::memcmp(head + 4, "IDAT", 4) == 0) return false;
    const std::size_t length = (std::size_t{head[0]} << 24) | (std::size_t{head[1]} << 16) |
                               (std::size_t{head[2]} << 8) | std::size_t{head[3]};
    at += 12 + length;
  }
  return false;
}

void note_conversions(spng_ctx* context, const spng_ihdr& header, Decoded& decoded) {
  const int color = header.color_type;
  if (header.bit_depth == 16) decoded.conversions.emplace_back("16 bits per channel reduced to 8");
  if (color == SPNG_COLOR_TYPE_INDEXED) decoded.conversions.emplace_back("palette to RGB");
  if (color == SPNG_COLOR_TYPE_GRAYSCALE || color == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA) {
    decoded.conversions.emplace_back("greyscale to equal RGB channels");
  }
  spng_trns transparency{};
  const bool alpha =
      color == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || color == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  if (alpha || spng_get_trns(context, &transparency) == 0)
    decoded.conversions.emplace_back("alpha dropped");
}

// Returns 0 when all rows are there, else libspng's code.
int decode_rows(spng_ctx* context, std::uint8_t* pixels, std::size_t stride) {
  int code = spng_decode_image(context, nullptr, 0, SPNG_FMT_RGB8, SPNG_DECODE_PROGRESSIVE);
  while (code == 0) {
    spng_row_info row{};
    code = spng_get_row_info(context, &row);
    if (code == 0) code = spng_decode_row(context, pixels + row.row_num * stride, stride);
  }
  return code == SPNG_EOI ? 0 : code;
}

}  // namespace

Decoded decode_png(Bytes bytes, const DecodeLimits& limits) {
  const Context context(spng_ctx_new(0), spng_ctx_free);
  if (!context) throw failure(SPNG_EMEM);
  constexpr std::size_t chunk_bytes = std::size_t{16} << 20;
  check(spng_set_chunk_limits(context.get(), chunk_bytes, 4 * chunk_bytes));
  check(spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD));
  check(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
  spng_ihdr header{};
  check(spng_get_ihdr(context.get(), &header));
  check_area(header.width, header.height, limits);

  Decoded decoded;
  decoded.pixels = allocate_pixels(header.width, header.height, limits.salvage);
  const int code = decode_rows(context.get(), decoded.pixels.mutable_data_ptr<std::uint8_t>(),
                               std::size_t{3} * header.width);
  const bool salvageable = code == SPNG_IO_EOF || code == SPNG_EIDAT_TOO_SHORT ||
                           code == SPNG_EIDAT_STREAM || code == SPNG_ECHUNK_CRC ||
                           code == SPNG_EFILTER;
  if (code != 0 && !(limits.salvage && salvageable)) throw failure(code);
  note_conversions(context.get(), header, decoded);
  if (has_chunk(bytes, "acTL")) decoded.conversions.emplace_back("first frame of an animation");
  if (code != 0) {
    decoded.conversions.push_back("salvaged, part of the picture is missing (libspng: " +
                                  std::string(spng_strerror(code)) + ")");
  } else {
    // Chunks behind the pixels may hold the orientation; what is wrong there does not matter to the
    // pixels.
    (void)spng_decode_chunks(context.get());
  }
  decoded.orientation = orientation_of(context.get());
  return decoded;
}

}  // namespace codecs

std::vector<std::byte> encode_png(const at::Tensor& pixels) {
  const bool flat = pixels.dim() == 2;
  const std::int64_t channels = flat ? 1 : pixels.dim() == 3 ? pixels.size(2) : 0;
  const bool known = channels == 1 || channels == 3 || channels == 4;
  if (!known || pixels.scalar_type() != at::kByte || pixels.size(0) < 1 || pixels.size(1) < 1) {
    throw internal_error("a PNG is made of uint8 pixels [height, width(, 1, 3 or 4)]");
  }
  const at::Tensor rows = pixels.contiguous();
  const codecs::Context context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  if (!context) throw codecs::failure(SPNG_EMEM);
  spng_ihdr header{};
  header.height = static_cast<std::uint32_t>(rows.size(0));
  header.width = static_cast<std::uint32_t>(rows.size(1));
  header.bit_depth = 8;
  header.color_type = channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                      : channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                      : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  codecs::check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  // Zlib's best takes three times as long as the map itself, for a sixth less.
  codecs::check(spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 2));
  codecs::check(spng_set_option(context.get(), SPNG_FILTER_CHOICE, SPNG_FILTER_CHOICE_UP));
  codecs::check(spng_set_ihdr(context.get(), &header));
  codecs::check(spng_encode_image(context.get(), rows.const_data_ptr(),
                                  static_cast<std::size_t>(rows.numel()), SPNG_FMT_PNG,
                                  SPNG_ENCODE_FINALIZE));
  std::size_t length = 0;
  int code = 0;
  const std::unique_ptr<void, decltype(&std::free)> file(
      spng_get_png_buffer(context.get(), &length, &code), std::free);
  codecs::check(file ? code : SPNG_EMEM);
  const auto* begin = static_cast<const std::byte*>(file.get());
  return {begin, begin + length};
}

}  // namespace pellucid

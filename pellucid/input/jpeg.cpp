// JPEG through libjpeg-turbo. Its errors come back by longjmp: every function that calls setjmp
// here has only trivial locals, and all that owns memory lives outside. Scans are counted (a small
// progressive file may hold tens of thousands, each a pass over the whole picture). Missing data is
// an error unless salvaging; Pillow refuses it, too.
// clang-format off
#include <cstdint>
#include <cstdio>
#include <jpeglib.h>  // needs size_t and FILE, and goes before jerror.h
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/input/codecs.h"

namespace pellucid::codecs {
namespace {

enum class Stop { none, codec, truncated, damaged, scans };

struct Session {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  char message[JMSG_LENGTH_MAX] = {};
  char remark[JMSG_LENGTH_MAX] = {};  // the first warning that is not about missing data
  int max_scans = 0;
  bool salvage = false;
  bool file_ended = false;
  bool damaged = false;
  Stop stop = Stop::none;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { jpeg_destroy_decompress(&info); }
};

Session& session_of(j_common_ptr info) { return *static_cast<Session*>(info->client_data); }

[[noreturn]] void leave(Session& session, Stop stop) {
  session.stop = stop;
  std::longjmp(session.escape, 1);
}

[[noreturn]] void on_error(j_common_ptr info) {
  Session& session = session_of(info);
  info->err->format_message(info, session.message);
  leave(session, Stop::codec);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  ++info->err->num_warnings;
  Session& session = session_of(info);
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      session.file_ended = true;
      // With one Huffman-coded scan only the end marker may be missing: if data is, JWRN_HIT_MARKER
      // follows.
      if (!session.info.progressive_mode && !session.info.arith_code &&
          !jpeg_has_multiple_scans(&session.info))
        return;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      break;
    default:
      // jerror.h names the arithmetic decoder's own warning only in some builds: all of that
      // decoder's count.
      if (session.info.arith_code) break;
      if (session.remark[0] == '\0') info->err->format_message(info, session.remark);
      return;
  }
  session.damaged = true;
  info->err->format_message(info, session.message);
  if (!session.salvage) leave(session, session.file_ended ? Stop::truncated : Stop::damaged);
}

void on_output(j_common_ptr) {}

void on_progress(j_common_ptr info) {
  Session& session = session_of(info);
  if (session.info.input_scan_number > session.max_scans) leave(session, Stop::scans);
}

bool read_header(Session& session, Bytes bytes, long memory) {
  session.info.err = jpeg_std_error(&session.errors);
  session.errors.error_exit = on_error;
  session.errors.emit_message = on_message;
  session.errors.output_message = on_output;
  session.info.client_data = &session;
  if (setjmp(session.escape) != 0) return false;
  jpeg_create_decompress(&session.info);
  session.progress.progress_monitor = on_progress;
  session.info.progress = &session.progress;
  session.info.mem->max_memory_to_use = memory;
  jpeg_mem_src(&session.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&session.info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&session.info, TRUE);
  return true;
}

bool start(Session& session, J_COLOR_SPACE colors) {
  if (setjmp(session.escape) != 0) return false;
  session.info.out_color_space = colors;
  jpeg_start_decompress(&session.info);
  return true;
}

// Rows of RGB straight into `pixels`; rows of CMYK by way of `row`, which holds one.
bool read_rows(Session& session, std::uint8_t* pixels, std::uint8_t* row) {
  if (setjmp(session.escape) != 0) return false;
  const std::size_t stride = std::size_t{3} * session.info.output_width;
  while (session.info.output_scanline < session.info.output_height) {
    std::uint8_t* const place = pixels + stride * session.info.output_scanline;
    JSAMPROW target = row != nullptr ? row : place;
    jpeg_read_scanlines(&session.info, &target, 1);
    if (row != nullptr) {
      // Adobe's convention, which Pillow assumes of every CMYK JPEG: 255 is no ink.
      for (std::size_t i = 0; i < std::size_t{4} * session.info.output_width; ++i) {
        row[i] = static_cast<std::uint8_t>(255 - row[i]);
      }
      cmyk_to_rgb(row, place, session.info.output_width);
    }
  }
  return true;
}

[[noreturn]] void refuse(const Session& session) {
  if (session.stop == Stop::truncated) throw truncated_error("");
  if (session.stop == Stop::damaged) throw damaged_error(session.message);
  if (session.stop == Stop::scans) {
    throw Error(Fault::too_large,
                "a JPEG of more than " + std::to_string(session.max_scans) + " scans")
        .hint("save it again as a baseline JPEG");
  }
  if (session.file_ended) throw truncated_error(session.message);
  throw input_error("libjpeg: " + std::string(session.message));
}

int orientation_of(const Session& session) {
  constexpr std::string_view exif("Exif\0\0", 6);
  constexpr std::string_view xmp("http://ns.adobe.com/xap/1.0/\0", 29);
  int from_xmp = 0;
  for (jpeg_saved_marker_ptr marker = session.info.marker_list; marker != nullptr;
       marker = marker->next) {
    const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    const std::string_view text(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (text.starts_with(exif)) {
      if (const int found = exif_orientation(data.subspan(exif.size())); found != 0) return found;
    } else if (text.starts_with(xmp) && from_xmp == 0) {
      from_xmp = xmp_orientation(data.subspan(xmp.size()));
    }
  }
  return std::max(from_xmp, 1);
}

}  // namespace

Decoded decode_jpeg(Bytes bytes, const DecodeLimits& limits) {
  Session session;
  session.max_scans = limits.max_scans;
  session.salvage = limits.salvage;
  // Progressive pictures keep all coefficients: two bytes for each of up to four channels.
  const std::int64_t memory =
      8 * std::clamp<std::int64_t>(limits.max_pixels, 0, std::int64_t{1} << 40) + (64 << 20);
  if (!read_header(session, bytes, static_cast<long>(memory))) refuse(session);
  check_area(session.info.image_width, session.info.image_height, limits);

  Decoded decoded;
  decoded.orientation = orientation_of(session);
  const J_COLOR_SPACE stored = session.info.jpeg_color_space;
  const bool cmyk = stored == JCS_CMYK || stored == JCS_YCCK;
  if (stored == JCS_UNKNOWN) {
    throw input_error("a JPEG of " + std::to_string(session.info.num_components) +
                      " channels has no known colours")
        .hint("save it as RGB");
  }
  if (stored == JCS_GRAYSCALE) decoded.conversions.emplace_back("greyscale to equal RGB channels");
  if (cmyk) decoded.conversions.emplace_back("CMYK converted to RGB");

  if (!start(session, cmyk ? JCS_CMYK : JCS_RGB)) refuse(session);
  decoded.pixels =
      allocate_pixels(session.info.output_width, session.info.output_height, limits.salvage);
  std::vector<std::uint8_t> row(cmyk ? std::size_t{4} * session.info.output_width : 0);
  const bool complete = read_rows(session, decoded.pixels.mutable_data_ptr<std::uint8_t>(),
                                  cmyk ? row.data() : nullptr);
  if (!complete && !(limits.salvage && session.stop == Stop::codec)) refuse(session);
  if (!complete || session.damaged) {
    decoded.conversions.push_back(
        "salvaged, part of the picture is missing (libjpeg: " + std::string(session.message) + ")");
  } else if (session.file_ended) {
    decoded.conversions.emplace_back("the end marker is missing");
  }
  if (session.remark[0] != '\0')
    decoded.conversions.push_back("libjpeg remarked: " + std::string(session.remark));
  return decoded;
}

}  // namespace pellucid::codecs

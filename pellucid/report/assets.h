// What is built from web/ and lies in the program: the page and the shell of the one-file report.
#pragma once

#include <span>
#include <string_view>

namespace pellucid {

struct Asset {
  std::string_view name;        // "page.js"
  std::string_view media_type;  // "text/javascript; charset=utf-8"
  std::string_view bytes;
  std::string_view gzip;  // the same, compressed
};

std::span<const Asset> assets();

// nullptr: there is none of this name.
const Asset* find_asset(std::string_view name);

}  // namespace pellucid

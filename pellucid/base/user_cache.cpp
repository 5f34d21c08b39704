#include "pellucid/base/user_cache.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

namespace fs = std::filesystem;

fs::path place(std::string_view kind, std::string_view key) {
  const fs::path folder = cache_folder();
  return folder.empty() ? fs::path() : folder / kind / (std::string(key) + ".json");
}

}  // namespace

fs::path cache_folder() {
  const char* given = std::getenv("XDG_CACHE_HOME");
  if (given != nullptr && *given != 0) return fs::path(given) / "pellucid";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home != 0 ? fs::path(home) / ".cache" / "pellucid" : fs::path();
}

std::optional<Json> read_cached(std::string_view kind, std::string_view key) {
  const fs::path path = place(kind, key);
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    return parse_json(text, path.string(), {.max_bytes = std::size_t{1} << 20, .max_depth = 16});
  } catch (const Error&) {
    return std::nullopt;  // half-written by a crash, or foreign: made anew
  }
}

bool write_cached(std::string_view kind, std::string_view key, const Json& document) {
  const fs::path path = place(kind, key);
  if (path.empty()) return false;
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) return false;
  // Two processes may write the same key: each its own file, renamed whole.
  const fs::path temporary = path.string() + "." + std::to_string(::getpid());
  {
    std::ofstream file(temporary, std::ios::binary);
    file << to_text(document);
    if (!file.flush()) {
      fs::remove(temporary, failed);
      return false;
    }
  }
  fs::rename(temporary, path, failed);
  return !failed;
}

}  // namespace pellucid

// Maps a file privately: torch may write into a weight's memory (an operator in place), the file
// stays as it is.
#include "pellucid/model/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int number() const { return number_; }

 private:
  int number_;
};

Error unreadable(const std::string& path, int code) {
  return model_error("the model cannot be opened: " + std::string(std::strerror(code))).at(path);
}

struct stat about_file(const Descriptor& file, const std::string& path) {
  struct stat about = {};
  if (::fstat(file.number(), &about) != 0) throw unreadable(path, errno);
  return about;
}

ModelBytes mapped(const Descriptor& file, const std::string& path) {
  const struct stat about = about_file(file, path);
  if (S_ISDIR(about.st_mode))
    throw model_error("this is a folder, not a model file").at(path).hint("name the model in it");
  if (!S_ISREG(about.st_mode))
    throw model_error("this is not a regular file").at(path).hint("name a model's file");
  if (about.st_size == 0)
    throw model_error("the file is empty").at(path).hint("export the model again");

  const auto size = static_cast<std::size_t>(about.st_size);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number(), 0);
  if (memory == MAP_FAILED) throw unreadable(path, errno);
  std::shared_ptr<const void> owner(
      memory, [size](const void* at) { ::munmap(const_cast<void*>(at), size); });
  ::madvise(memory, size, MADV_WILLNEED);
  return {std::move(owner), {static_cast<const std::byte*>(memory), size}};
}

}  // namespace

ModelBytes map_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) throw unreadable(path, errno).hint("check the name and the permissions");
  return mapped(file, path);
}

ModelBytes map_file_beside(const std::string& model, std::string_view name) {
  constexpr const char* remedy =
      "keep the weights' file in the model's folder, as a plain file under its own name";
  const auto refuse = [&](const std::string& why) {
    return model_error("the model names a file that " + why).at(std::string(name)).hint(remedy);
  };
  if (name.empty() || name.front() == '/' || name.find('\0') != name.npos || name.size() > 4096)
    throw refuse("is not beside it");
  const std::string folder = model.substr(0, model.find_last_of('/') + 1);
  // The folder is the user's own word and may be a link; nothing below it may.
  Descriptor place(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (place.number() < 0) throw unreadable(folder, errno);
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t end = std::min(name.find('/', from), name.size());
    const std::string part(name.substr(from, end - from));
    const bool last = end == name.size();
    from = end + 1;
    if (part == ".." || (part.empty() && last)) throw refuse("is not beside it");
    if (part.empty() || part == ".") continue;
    Descriptor next(
        ::openat(place.number(), part.c_str(),
                 O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | (last ? 0 : O_DIRECTORY)));
    if (next.number() < 0) {
      const int code = errno;
      if (code == ELOOP || (code == ENOTDIR && !last)) throw refuse("is a link");
      throw refuse("cannot be opened: " + std::string(std::strerror(code)));
    }
    place = std::move(next);
    if (!last) continue;
    const struct stat about = about_file(place, std::string(name));
    if (S_ISREG(about.st_mode) && about.st_nlink > 1) throw refuse("is a link");
    return mapped(place, std::string(name));
  }
  throw refuse("is not beside it");
}

}  // namespace pellucid

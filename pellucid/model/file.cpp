// Maps a file privately: torch may write into a weight's memory (an operator in place), the file
// stays as it is.
#include "pellucid/model/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Error unreadable(const std::string& path, int code) {
  return model_error("the model cannot be opened: " + std::string(std::strerror(code))).at(path);
}

}  // namespace

ModelBytes map_file(const std::string& path) {
  const Descriptor file(path);
  if (file.number() < 0) throw unreadable(path, errno).hint("check the name and the permissions");
  struct stat about = {};
  if (::fstat(file.number(), &about) != 0) throw unreadable(path, errno);
  if (S_ISDIR(about.st_mode))
    throw model_error("this is a folder, not a model file").at(path).hint("name the .pt2 in it");
  if (!S_ISREG(about.st_mode))
    throw model_error("this is not a regular file").at(path).hint("name a .pt2 file");
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

}  // namespace pellucid

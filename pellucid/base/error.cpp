#include "pellucid/base/error.h"

#include <algorithm>

namespace pellucid {
namespace {

// An error is one line whatever a hostile file put into a name: control characters become spaces.
std::string in_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

}  // namespace

Error& Error::at(std::string_view place) {
  where_ += (where_.empty() ? "" : ", ") + std::string(place);
  compose();
  return *this;
}

Error& Error::hint(std::string_view remedy) {
  remedy_ = remedy;
  compose();
  return *this;
}

void Error::compose() {
  line_ = in_one_line(message_);
  if (!where_.empty()) line_ += " (" + in_one_line(where_) + ")";
  if (!remedy_.empty()) line_ += ": " + in_one_line(remedy_);
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace pellucid

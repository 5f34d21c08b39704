// Simplified Chinese of the texts that people read. The English text is the key, as it stands in the code.
#include "pellucid/base/text.h"

namespace pellucid {

std::span<const std::pair<std::string_view, std::string_view>> chinese_table() {
  static constexpr std::pair<std::string_view, std::string_view> table[] = {
      {"{0} of {1}", "{0} / {1}"},
  };
  return table;
}

}  // namespace pellucid

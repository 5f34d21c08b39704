// The command line as a function: words in, an exit code out.
#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

#include "pellucid/operation/operation.h"

namespace pellucid {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool progress = false;  // `err` is a terminal: a bar may be drawn on it
  const Cancellation* cancellation = nullptr;
};

// 0 done, 1 nothing could be done, 2 usage, 3 some inputs failed, 130 interrupted. Throws nothing.
int run_command_line(std::span<const std::string_view> words, const Catalogue& catalogue,
                     const Console& console);

}  // namespace pellucid

// The option of operations whose only file is the one-file report. Those that write others, too,
// list "html" among their formats.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/operation/operation.h"

namespace pellucid {

inline constexpr std::string_view report_formats[] = {"html"};

struct ReportSettings {
  std::vector<std::string> format;
};

template <class Settings>
inline constexpr std::array report_options = {
    option<&ReportSettings::format, Settings>(
        "format", "html: the answer as one page that anyone can open, in a file.")
        .one_of(report_formats),
};

// Does the request's option "format", if its operation has one, list "html"?
bool wants_report(const Request& request);

}  // namespace pellucid

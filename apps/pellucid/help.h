// Help, completions and the man page: the tables as text.
#pragma once

#include <string>
#include <string_view>

#include "pellucid/operation/operation.h"

namespace pellucid {

// The verbs by group, as `pellucid --help` prints them.
std::string general_help(const Catalogue& catalogue, Language language);
// One verb: what follows it, its options with their defaults.
std::string verb_help(const Operation& operation, Language language);
// A script for bash, zsh or fish.
std::string completions(std::string_view shell, const Catalogue& catalogue);
// troff, for `man -l -`.
std::string man_page(const Catalogue& catalogue);

// "pellucid predict MODEL INPUT|DIR... [options]"
std::string usage_line(const Operation& operation);
// The verbs in the order and grouping of the help.
std::vector<std::pair<std::string_view, std::vector<const Operation*>>> verb_groups(
    const Catalogue& catalogue);

// Breaks at spaces (and between Chinese characters), later lines indented.
std::string wrap(std::string_view text, int width, int indent);

}  // namespace pellucid

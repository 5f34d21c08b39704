// Text tables of a terminal, and what lists say of a method.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"
#include "pellucid/explain/method.h"

namespace pellucid {

using Table = std::vector<std::vector<std::string>>;

// Rows of cells, columns aligned, two spaces at the left; the last column as long as it is.
std::string table_text(const Table& table);

// An option's value as one would write it: "on", "png,npy", "0.5"; empty for what is not given.
std::string value_text(const Json& value);

// Name, title, summary, citation, needs, promises, options: what `methods --json` and HTTP give.
Json method_document(const Method& method);
std::string method_text(const Method& method, Language language);
std::string methods_table(std::span<const Method* const> methods, Language language);

}  // namespace pellucid

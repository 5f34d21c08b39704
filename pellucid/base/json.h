// JSON as the whole project uses it: keys keep their order, and reading foreign text is bounded.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pellucid {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::size_t max_bytes = std::size_t{512} << 20;
  int max_depth = 128;
};

// Parses UTF-8 text. Throws Error (Fault::model, "not valid JSON" / "nested deeper than") naming
// `place`.
Json parse_json(std::string_view text, std::string_view place, const JsonLimits& limits = {});

// Text of a document: two spaces of indentation (or one line), floats with the shortest digits that
// read back equal, invalid UTF-8 replaced, NaN and infinities as null.
std::string to_text(const Json& document, bool pretty = true);

}  // namespace pellucid

#include "pellucid/base/json.h"

#include "pellucid/base/error.h"

namespace pellucid {

Json parse_json(std::string_view text, std::string_view place, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw model_error("JSON of " + std::to_string(text.size()) +
                      " bytes is larger than the bound of " + std::to_string(limits.max_bytes))
        .at(place);
  }
  // nlohmann's parser keeps its own stack, so depth costs memory only; its writers and destructors
  // recurse.
  const auto bounded = [&](int depth, Json::parse_event_t event, const Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= limits.max_depth) {
      throw model_error("JSON is nested deeper than " + std::to_string(limits.max_depth) +
                        " levels")
          .at(place);
    }
    return true;
  };
  try {
    return Json::parse(text, bounded);
  } catch (const Json::exception& error) {
    throw model_error("not valid JSON: " + std::string(error.what())).at(place);
  }
}

std::string to_text(const Json& document, bool pretty) {
  return document.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pellucid

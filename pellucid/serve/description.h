// What the server says of itself, from the tables alone.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pellucid/operation/operation.h"

namespace pellucid {

struct Model;

// /v2/catalogue: operations with their options and methods with theirs; texts in the language.
Json catalogue_document(const Catalogue& catalogue, Language language);

// /openapi.json (OpenAPI 3.1). Operations are listed one by one, models by a parameter, which is
// one of these names.
Json openapi_document(const Catalogue& catalogue, std::span<const std::string> models,
                      bool needs_token);

// /v2
Json server_document();
// /v2/models/M
Json model_document(std::string_view name, const Model& model);

}  // namespace pellucid

// Which resource a URL names: one table, which /openapi.json is made from, too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "pellucid/serve/message.h"

namespace pellucid {

enum class Resource {
  page,
  asset,
  words,
  v1_models,
  v1_model,
  v1_operation,
  v2_server,
  live,
  ready,
  catalogue,
  v2_model,
  v2_model_ready,
  infer,
  v2_model_operation,
  v2_operation,
  request,
  openapi,
  metrics,
};

// The page and its parts: no protocol's, so /openapi.json does not list them, and public, since
// they hold nothing of the models.
bool is_for_browsers(Resource resource);

struct RoutePattern {
  std::string_view method;   // GET (and so HEAD), POST
  std::string_view pattern;  // "/v2/models/{model}/{operation}"
  Resource resource;
  std::string_view summary;
};

// The first that fits is taken.
std::span<const RoutePattern> route_patterns();

struct Route {
  const RoutePattern* pattern = nullptr;
  std::string model;       // of {model}
  std::string operation;   // of {operation}
  std::string asset = {};  // of {asset}
  std::string id = {};     // of {id}
};

// The route, or 404 or 405 with Allow.
std::variant<Route, HttpResponse> find_route(std::string_view method, std::string_view target);

// "%2F" → "/"; nullopt for what is no valid escape.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace pellucid

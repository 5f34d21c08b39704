// URLs by one table of patterns; a segment {name} takes anything that has no slash.
#include "pellucid/serve/route.h"

#include <charconv>

#include "pellucid/base/text.h"

namespace pellucid {
namespace {

constexpr RoutePattern patterns[] = {
    {"GET", "/", Resource::page, "The page, for a browser."},
    {"GET", "/assets/{asset}", Resource::asset, "A part of the page."},
    {"GET", "/words/zh.json", Resource::words, "What the page says, in Chinese."},
    {"GET", "/v1/models", Resource::v1_models, "The names of the models (KServe v1)."},
    {"GET", "/v1/models/{model}", Resource::v1_model, "Is the model ready? (KServe v1)"},
    {"POST", "/v1/models/{model}:{operation}", Resource::v1_operation,
     "Predictions or explanations of instances (KServe v1)."},
    {"GET", "/v2", Resource::v2_server, "The server's name, version and extensions."},
    {"GET", "/v2/health/live", Resource::live, "Does the process answer?"},
    {"GET", "/v2/health/ready", Resource::ready, "Are new requests taken?"},
    {"GET", "/v2/catalogue", Resource::catalogue,
     "Operations and methods with their options: what a form is made of."},
    {"GET", "/v2/models/{model}", Resource::v2_model, "The model's inputs and outputs."},
    {"GET", "/v2/models/{model}/ready", Resource::v2_model_ready, "Is the model ready?"},
    {"POST", "/v2/models/{model}/infer", Resource::infer, "The model's raw outputs."},
    {"POST", "/v2/models/{model}/{operation}", Resource::v2_model_operation,
     "An operation on the model."},
    {"POST", "/v2/{operation}", Resource::v2_operation, "An operation that needs no model."},
    {"GET", "/v2/requests/{id}", Resource::request,
     "How far a request is that waits or runs, by its X-Request-Id."},
    {"GET", "/openapi.json", Resource::openapi, "This description."},
    {"GET", "/metrics", Resource::metrics, "Counters and durations for Prometheus."},
};

// A piece of a pattern or of a path up to the next slash.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return segment;
}

bool take_names(std::string_view pattern, std::string_view segment, Route& route) {
  if (!pattern.starts_with('{')) return pattern == segment;
  if (pattern == "{model}:{operation}") {
    const std::size_t colon = segment.rfind(':');
    if (colon == std::string_view::npos) return false;
    return take_names("{model}", segment.substr(0, colon), route) &&
           take_names("{operation}", segment.substr(colon + 1), route);
  }
  std::optional<std::string> name = percent_decoded(segment);
  if (!name || name->empty()) return false;
  std::string& place = pattern == "{model}"   ? route.model
                       : pattern == "{asset}" ? route.asset
                       : pattern == "{id}"    ? route.id
                                              : route.operation;
  place = std::move(*name);
  return true;
}

std::optional<Route> fits(const RoutePattern& pattern, std::string_view path) {
  Route route{&pattern, {}, {}};
  // A colon separates the operation; in a model's name it is written %3A.
  if (pattern.resource == Resource::v1_model && path.find(':') != path.npos) return std::nullopt;
  std::string_view expected = pattern.pattern, given = path;
  while (!expected.empty() && !given.empty()) {
    if (!take_names(take_segment(expected), take_segment(given), route)) return std::nullopt;
  }
  if (!expected.empty() || !given.empty()) return std::nullopt;
  return route;
}

// A segment of its own that any word fits: a page that has a name of its own there is no operation.
bool is_any_operation(const RoutePattern& pattern) {
  return pattern.pattern.ends_with("/{operation}");
}

}  // namespace

bool is_for_browsers(Resource resource) {
  return resource == Resource::page || resource == Resource::asset || resource == Resource::words;
}

std::span<const RoutePattern> route_patterns() { return patterns; }

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* end = text.data() + i + 3;
    const auto read = std::from_chars(text.data() + i + 1, end, byte, 16);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

std::variant<Route, HttpResponse> find_route(std::string_view method, std::string_view target) {
  std::string_view path = target.substr(0, target.find('?'));
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allowed;
  bool named = false;
  for (const RoutePattern& pattern : patterns) {
    if (named && is_any_operation(pattern)) continue;
    std::optional<Route> route = fits(pattern, path);
    if (!route) continue;
    named = true;
    if (pattern.method == wanted) return std::move(*route);
    const std::string methods = pattern.method == "GET" ? "GET, HEAD" : std::string(pattern.method);
    if (allowed.find(methods) == std::string::npos)
      allowed += (allowed.empty() ? "" : ", ") + methods;
  }
  if (allowed.empty()) {
    return error_response(404, "there is no such page", {}, "see /openapi.json");
  }
  HttpResponse response = error_response(405, "the method does not fit this page", {},
                                         "use " + allowed + "; see /openapi.json");
  response.fields.emplace_back("Allow", allowed);
  return response;
}

}  // namespace pellucid

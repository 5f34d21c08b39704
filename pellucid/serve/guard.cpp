// A page of another site can make a browser send requests to a local server: its Origin is foreign,
// or its own name was bent to our address (DNS rebinding) and then stands in Host. A name in Host
// is therefore refused unless it is ours; an address can't be bent.
#include "pellucid/serve/guard.h"

#include <algorithm>

#include "pellucid/base/fingerprint.h"
#include "pellucid/base/text.h"

namespace pellucid {
namespace {

constexpr std::size_t shortest_token = 16;

// "[::1]:8080" → "::1", "localhost:8080" → "localhost".
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? "" : lower_case(authority.substr(1, end - 1));
  }
  return lower_case(authority.substr(0, authority.rfind(':')));
}

bool is_address(std::string_view host) {
  const auto all_of = [&](std::string_view allowed) {
    return !host.empty() && host.find_first_not_of(allowed) == std::string_view::npos;
  };
  const bool four = all_of("0123456789.") && std::ranges::count(host, '.') == 3;
  return four || (all_of("0123456789abcdef:.") && host.find(':') != std::string_view::npos);
}

bool is_ours(const std::string& host, const std::string& listening) {
  if (is_loopback(host) || host == lower_case(listening)) return true;
  return !is_loopback(listening) && is_address(host);
}

}  // namespace

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(host));
}

bool same_secret(std::string_view a, std::string_view b) {
  // Digests have one length and tell nothing of where the secrets differ.
  const std::string one = sha256(a), two = sha256(b);
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(two[i]);
  return difference == 0;
}

std::optional<HttpResponse> Guard::refuse(const HttpRequest& request, bool open) const {
  if (request.count("host") != 1) {
    return error_response(400, "a request names its Host once", "Host");
  }
  const std::string_view authority = request.field("host");
  if (!is_ours(host_of(authority), host)) {
    return error_response(403, "this server does not answer to that name", "Host",
                          "use the address it listens on");
  }
  const std::string_view origin = request.field("origin");
  if (request.count("origin") > 0) {
    const std::size_t scheme = origin.find("://");
    if (scheme == std::string_view::npos ||
        lower_case(origin.substr(scheme + 3)) != lower_case(authority)) {
      return error_response(403, "pages of other sites may not ask", "Origin");
    }
  }
  if (token.empty() || open) return std::nullopt;
  constexpr std::string_view scheme = "bearer ";
  const std::string_view given = request.field("authorization");
  if (lower_case(given.substr(0, scheme.size())) == scheme &&
      same_secret(given.substr(scheme.size()), token)) {
    return std::nullopt;
  }
  HttpResponse response =
      error_response(401, given.empty() ? "a token is needed" : "the token is wrong",
                     "Authorization", "send Authorization: Bearer TOKEN");
  response.fields.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

void check_exposure(const Guard& guard) {
  if (!guard.token.empty() && guard.token.size() < shortest_token) {
    throw usage_error("a token needs at least " + std::to_string(shortest_token) + " characters")
        .at("--token-file")
        .hint("head -c 24 /dev/urandom | base64 makes one");
  }
  if (is_loopback(guard.host) || !guard.token.empty()) return;
  throw usage_error("anybody who reaches " + guard.host + " could use the models")
      .at("--host")
      .hint("give a secret with --token-file FILE, or listen on 127.0.0.1");
}

std::string read_token(std::string_view file) {
  std::string_view line = file.substr(0, file.find('\n'));
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  if (line.empty()) throw usage_error("the token's file is empty").at("--token-file");
  return std::string(line);
}

}  // namespace pellucid

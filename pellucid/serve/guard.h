// Who may ask: the token, and the Host and Origin that a browser tells.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pellucid/serve/message.h"

namespace pellucid {

struct Guard {
  std::string host = "127.0.0.1";  // where the server listens
  std::string token;               // empty: nobody is asked for one

  // 400, 401 or 403, or nullopt for whoever may pass. `open` pages need no token.
  std::optional<HttpResponse> refuse(const HttpRequest& request, bool open) const;
};

// "127.0.0.1", "::1", "localhost" and what else never leaves the machine.
bool is_loopback(std::string_view host);

// Throws Error (Fault::usage) when the host can be reached from elsewhere and there is no token, or
// a short one.
void check_exposure(const Guard& guard);

// The first line of a token's file. Throws Error (Fault::usage) for an empty one.
std::string read_token(std::string_view file);

// Takes the same time wherever the two differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace pellucid

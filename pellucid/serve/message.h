// A request and a response of HTTP as plain values, and what an error looks like in one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/base/json.h"
#include "pellucid/base/text.h"

namespace pellucid {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string target;  // "/v2/models/M/infer", as it was sent
  HttpFields fields;
  std::string body;

  // The first field of that name, whatever its case; empty when there is none.
  std::string_view field(std::string_view name) const;
  // How many fields there are of that name.
  int count(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HttpFields fields = {};
};

// Status line and fields as they are sent, the empty line behind them included: the response's own,
// `added`, and of `otherwise` those that the response does not have.
std::string written_out(const HttpResponse& response, std::string_view reason,
                        const HttpFields& added, const HttpFields& otherwise);

// {"error": {"what", "where", "what_to_do"}}; an empty part is left out.
HttpResponse error_response(int status, std::string_view what, std::string_view where = {},
                            std::string_view what_to_do = {});
HttpResponse error_response(const Error& error);
// What error_response made, in the language; every other response as it is.
HttpResponse in_language(HttpResponse response, Language language);

// usage and input 400, too_large 413, model and internal 500, cancelled 503, storage 507.
int status_of(Fault fault);

// One document on one line.
HttpResponse json_response(const Json& document);

// "a/b+json; charset=utf-8" → "a/b+json", in lower case.
std::string media_type(std::string_view content_type);

}  // namespace pellucid

#include "pellucid/serve/pages.h"

#include "pellucid/base/text.h"
#include "pellucid/report/assets.h"
#include "pellucid/report/html.h"

namespace pellucid {
namespace {

// Only what the program itself brings may run or be asked; pictures come from memory, too.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// gzip;q=0 is a refusal; no client that means it has been seen to write anything but q=0.
bool takes_gzip(const HttpRequest& request) {
  const std::string accepted = lower_case(request.field("accept-encoding"));
  return accepted.find("gzip") != std::string::npos &&
         accepted.find("gzip;q=0,") == std::string::npos && !accepted.ends_with("gzip;q=0");
}

HttpResponse file_response(std::string_view name, const HttpRequest& request) {
  const Asset* asset = find_asset(name);
  if (asset == nullptr) return error_response(404, "there is no such page", {}, "open /");
  const bool packed = takes_gzip(request) && asset->gzip.size() < asset->bytes.size();
  HttpResponse response;
  response.content_type = asset->media_type;
  response.body = packed ? asset->gzip : asset->bytes;
  response.fields = {{"Content-Security-Policy", std::string(policy)}, {"Vary", "Accept-Encoding"}};
  if (packed) response.fields.emplace_back("Content-Encoding", "gzip");
  return response;
}

}  // namespace

HttpResponse page_response(const Route& route, const HttpRequest& request) {
  switch (route.pattern->resource) {
    case Resource::words:
      return json_response(words_of(Language::chinese));
    case Resource::asset:
      return file_response(route.asset, request);
    default:
      return file_response("index.html", request);
  }
}

}  // namespace pellucid

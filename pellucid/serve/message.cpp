// An Error becomes a status and a document here, and nowhere else.
#include "pellucid/serve/message.h"

#include <algorithm>

#include "pellucid/base/phrases.h"

namespace pellucid {

std::string_view HttpRequest::field(std::string_view name) const {
  const std::string wanted = lower_case(name);
  for (const auto& [key, value] : fields) {
    if (lower_case(key) == wanted) return value;
  }
  return {};
}

int HttpRequest::count(std::string_view name) const {
  const std::string wanted = lower_case(name);
  return static_cast<int>(std::ranges::count_if(
      fields, [&](const auto& field) { return lower_case(field.first) == wanted; }));
}

HttpResponse json_response(const Json& document) {
  HttpResponse response;
  response.body = to_text(document, false) + "\n";
  return response;
}

std::string written_out(const HttpResponse& response, std::string_view reason,
                        const HttpFields& added, const HttpFields& otherwise) {
  std::string text =
      "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason) + "\r\n";
  const auto field = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  field("Content-Type", response.content_type);
  field("Content-Length", std::to_string(response.body.size()));
  for (const auto& [name, value] : added) field(name, value);
  for (const auto& [name, value] : response.fields) field(name, value);
  for (const auto& usual : otherwise) {
    const bool own = std::ranges::any_of(
        response.fields, [&](const auto& given) { return given.first == usual.first; });
    if (!own) field(usual.first, usual.second);
  }
  return text += "\r\n";
}

HttpResponse error_response(int status, std::string_view what, std::string_view where,
                            std::string_view what_to_do) {
  Json error = {{"what", what}};
  if (!where.empty()) error["where"] = where;
  if (!what_to_do.empty()) error["what_to_do"] = what_to_do;
  HttpResponse response = json_response({{"error", std::move(error)}});
  response.status = status;
  // Whoever is told to come back is told when; one second is the time of a short explanation.
  if (status == 429 || status == 503) response.fields.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse error_response(const Error& error) {
  return error_response(status_of(error.fault()), error.message(), error.where(), error.remedy());
}

HttpResponse in_language(HttpResponse response, Language language) {
  constexpr int least_error = 400;
  if (language == Language::english || response.status < least_error) return response;
  Json document = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("error")) return response;
  for (const auto& [key, part] : document["error"].items()) {
    const std::string text = part.get<std::string>();
    part = key == "where" ? rephrased_place(language, text) : rephrased(language, text);
  }
  response.body = json_response(document).body;
  return response;
}

int status_of(Fault fault) {
  switch (fault) {
    case Fault::usage:
    case Fault::input:
      return 400;
    case Fault::too_large:
      return 413;
    case Fault::cancelled:
      return 503;
    case Fault::storage:
      return 507;
    case Fault::model:
    case Fault::internal:
      return 500;
  }
  return 500;
}

std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  while (type.starts_with(' ')) type.remove_prefix(1);
  return lower_case(type);
}

}  // namespace pellucid

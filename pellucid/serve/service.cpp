// A request's head: which page, who asks, how large. Pages are answered here, operations by the
// engine.
#include "pellucid/serve/service.h"

#include <charconv>

#include "pellucid/operation/loaded_model.h"
#include "pellucid/serve/description.h"
#include "pellucid/serve/pages.h"
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

constexpr std::string_view binary_header = "Inference-Header-Content-Length";

HttpResponse not_found(std::string_view what, std::string_view name,
                       std::span<const std::string> names) {
  const std::string like = nearest(name, names);
  return error_response(
      404, "there is no " + std::string(what) + " of this name", name,
      like.empty() ? "there are " + join(names, ", ") : "did you mean " + like + "?");
}

std::optional<HttpResponse> refuse_body(const HttpRequest& head, std::size_t most) {
  const std::string_view length = head.field("content-length");
  std::uint64_t size = 0;
  if (!length.empty()) {
    const auto read = std::from_chars(length.data(), length.data() + length.size(), size);
    if (read.ec != std::errc{} || read.ptr != length.data() + length.size())
      return error_response(400, "it is no number of bytes", "Content-Length");
  }
  if (size > most) {
    return error_response(413, "the body is larger than " + human_bytes(static_cast<double>(most)),
                          "Content-Length", "send less, or start the server with --max-upload");
  }
  const std::string encoding = lower_case(head.field("content-encoding"));
  if (!encoding.empty() && encoding != "identity")
    return error_response(415, "compressed bodies are not taken", "Content-Encoding");
  const bool empty = size == 0 && head.field("transfer-encoding").empty();
  const std::string type = media_type(head.field("content-type"));
  if (empty || type == "application/json") return std::nullopt;
  if (type == "application/octet-stream" && !head.field(binary_header).empty()) return std::nullopt;
  return error_response(
      415, "the body's type is not taken", "Content-Type",
      "send application/json, or application/octet-stream with " + std::string(binary_header));
}

bool needs_no_token(Resource resource) {
  return resource == Resource::live || resource == Resource::ready || is_for_browsers(resource);
}

}  // namespace

Language language_of(const HttpRequest& request) {
  const std::string wanted = lower_case(request.field("accept-language"));
  return wanted.starts_with("zh") ? Language::chinese : Language::english;
}

HttpFields security_fields() {
  return {{"Content-Security-Policy",
           "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cache-Control", "no-store"}};
}

Service::Service(const Catalogue& catalogue, std::span<const NamedModel> models,
                 ServiceSettings settings)
    : catalogue_(catalogue), settings_(std::move(settings)) {
  for (const NamedModel& each : models) {
    models_[each.name] = each.model;
    model_names_.push_back(each.name);
    model_documents_[each.name] = model_document(each.name, each.model->model());
  }
  engine_.emplace(catalogue_, models_, settings_.host_options, metrics_);
}

std::variant<Route, HttpResponse> Service::open(const HttpRequest& head) const {
  std::variant<Route, HttpResponse> found = find_route(head.method, head.target);
  const Route* route = std::get_if<Route>(&found);
  const bool open_page = route != nullptr && needs_no_token(route->pattern->resource);
  if (auto refused = settings_.guard.refuse(head, open_page)) return std::move(*refused);
  if (route == nullptr) return found;
  if (!route->model.empty() && !models_.contains(route->model))
    return not_found("model", route->model, model_names());
  if (needs_engine(*route)) {
    const bool on_model = route->pattern->resource != Resource::v2_operation;
    const std::string name =
        route->pattern->resource == Resource::infer ? "predict" : route->operation;
    const Operation* operation = find_served(catalogue_, name);
    const bool v1 = route->pattern->resource == Resource::v1_operation;
    const bool of_v1 = name == "predict" || name == "explain";
    if (operation == nullptr || (operation->subject == Subject::model) != on_model ||
        (v1 && !of_v1)) {
      std::vector<std::string> names;
      for (const Operation* each : served(catalogue_)) {
        if ((each->subject == Subject::model) == on_model) names.emplace_back(each->name);
      }
      if (v1) names = {"predict", "explain"};
      return not_found("operation", name, names);
    }
    if (auto refused = refuse_body(head, settings_.max_upload)) return std::move(*refused);
    if (draining_) return error_response(503, "the server is stopping", {}, "ask another one");
  }
  return found;
}

bool Service::needs_engine(const Route& route) { return route.pattern->method == "POST"; }

HttpResponse Service::answer(const Route& route, const HttpRequest& request,
                             const Cancellation& cancellation) {
  if (needs_engine(route)) {
    HttpResponse response;
    const auto task = std::make_shared<Task>();
    task->route = route;
    task->request = request;
    task->answered = [&](HttpResponse&& answer) { response = std::move(answer); };
    engine_->run({task}, cancellation);
    return response;
  }
  try {
    return answer_now(route, request);
  } catch (const Error& error) {
    return error_response(error);
  } catch (const std::exception& error) {
    return error_response(500, first_line(error.what()));
  }
}

LaneWork Service::work() {
  return {[this](const Tasks& waiting) { return engine_->choose(waiting); },
          [this](const Tasks& tasks, const Cancellation& cancellation) {
            engine_->run(tasks, cancellation);
          }};
}

HttpResponse Service::answer_now(const Route& route, const HttpRequest& request) const {
  switch (route.pattern->resource) {
    case Resource::page:
    case Resource::asset:
    case Resource::words:
      return page_response(route, request);
    case Resource::v1_models:
      return json_response({{"models", model_names()}});
    case Resource::v1_model:
      return json_response({{"name", route.model}, {"ready", !draining_}});
    case Resource::v2_server:
      return json_response(server_document());
    case Resource::live:
      return json_response({{"live", true}});
    case Resource::ready:
      if (draining_) return error_response(503, "the server is stopping");
      return json_response({{"ready", true}});
    case Resource::catalogue:
      return json_response(catalogue_document(catalogue_, language_of(request)));
    case Resource::v2_model:
      return json_response(model_documents_.find(route.model)->second);
    case Resource::v2_model_ready:
      if (draining_) return error_response(503, "the server is stopping");
      return json_response({{"name", route.model}, {"ready", true}});
    case Resource::request:
      return json_response(tickets_.document(route.id));
    case Resource::openapi:
      return json_response(
          openapi_document(catalogue_, model_names(), !settings_.guard.token.empty()));
    case Resource::metrics: {
      HttpResponse response;
      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
      response.body = metrics_.text(gauges_ ? gauges_() : Gauges{});
      return response;
    }
    default:
      throw internal_error("no answer for this page").at(route.pattern->pattern);
  }
}

}  // namespace pellucid

// The server without the network: a request's head is let in or refused, and what was let in is
// answered, at once or by the engine.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "pellucid/operation/operation.h"
#include "pellucid/serve/engine.h"
#include "pellucid/serve/guard.h"
#include "pellucid/serve/lanes.h"

namespace pellucid {

struct ServiceSettings {
  Guard guard;
  std::size_t max_upload = std::size_t{20} << 20;
  Json host_options = Json::object();  // for the operations' options that only the host may set
};

class Service {
 public:
  // The models are open already; they and the catalogue outlive the service.
  Service(const Catalogue& catalogue, std::span<const NamedModel> models, ServiceSettings settings);

  // Before the body is there: who asks, for what, and how large it will be.
  std::variant<Route, HttpResponse> open(const HttpRequest& head) const;
  // True if the engine has to work for it: then `answer` may take long.
  static bool needs_engine(const Route& route);
  // The whole answer. Throws nothing. A request that was cancelled is answered with 503.
  HttpResponse answer(const Route& route, const HttpRequest& request,
                      const Cancellation& cancellation);
  // For what needs the engine, when there are lanes.
  LaneWork work();

  // As they were given: whoever has no other wish takes the first.
  const std::vector<std::string>& model_names() const { return model_names_; }
  const ServiceSettings& settings() const { return settings_; }
  Metrics& metrics() { return metrics_; }
  Tickets& tickets() { return tickets_; }
  // From now on /v2/health/ready says 503.
  void drain() { draining_ = true; }
  bool draining() const { return draining_; }
  // What /metrics tells of this moment.
  void tell_gauges(std::function<Gauges()> gauges) { gauges_ = std::move(gauges); }

 private:
  HttpResponse answer_now(const Route& route, const HttpRequest& request) const;

  const Catalogue& catalogue_;
  Models models_;
  std::vector<std::string> model_names_;
  std::map<std::string, Json, std::less<>> model_documents_;
  ServiceSettings settings_;
  Metrics metrics_;
  Tickets tickets_;
  std::optional<Engine> engine_;
  std::function<Gauges()> gauges_;
  std::atomic<bool> draining_{false};
};

// "zh" anywhere at the head of Accept-Language is Chinese, all else English.
Language language_of(const HttpRequest& request);

// The fields that every response carries unless it has its own: no sniffing, no framing, no
// scripts, nothing kept.
HttpFields security_fields();

}  // namespace pellucid

// The text format of Prometheus, version 0.0.4: seconds, `_total` for what only grows.
#include "pellucid/serve/metrics.h"

#include "pellucid/base/text.h"

namespace pellucid {
namespace {

// The methods there are; a client's own word would be a label it chose.
std::string_view known(std::string_view method) {
  for (const std::string_view each : {"GET", "HEAD", "POST"}) {
    if (method == each) return each;
  }
  return "other";
}

// Text in the making.
class Page {
 public:
  void open(std::string_view name, std::string_view type, std::string_view help) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  void line(std::string_view name, std::string_view labels, double value) {
    text_.append(name);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(number(value, 12)).append("\n");
  }
  void line(std::string_view name, std::string_view labels, std::uint64_t value) {
    line(name, labels, static_cast<double>(value));
  }
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    open(name, "gauge", help);
    line(name, {}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

void Metrics::observe(std::string_view pattern, std::string_view method, int status,
                      double seconds) {
  const std::lock_guard lock(mutex_);
  Histogram& histogram = durations_[{std::string(pattern), std::string(known(method)),
                                     std::to_string(status / 100) + "xx"}];
  const auto bound = std::ranges::find_if(bounds, [&](double most) { return seconds <= most; });
  if (bound != bounds.end()) ++histogram.within[static_cast<std::size_t>(bound - bounds.begin())];
  ++histogram.count;
  histogram.sum += seconds;
}

void Metrics::reject(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  ++rejections_[std::string(reason)];
}

std::string Metrics::text(const Gauges& gauges) const {
  const std::lock_guard lock(mutex_);
  Page page;
  page.open("pellucid_request_duration_seconds", "histogram",
            "From a request's first byte to its answer.");
  for (const auto& [key, histogram] : durations_) {
    const auto& [pattern, method, status] = key;
    const std::string labels =
        "route=\"" + pattern + "\",method=\"" + method + "\",status=\"" + status + "\"";
    constexpr std::string_view bucket = "pellucid_request_duration_seconds_bucket";
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      so_far += histogram.within[i];
      page.line(bucket, labels + ",le=\"" + number(bounds[i]) + "\"", so_far);
    }
    page.line(bucket, labels + ",le=\"+Inf\"", histogram.count);
    page.line("pellucid_request_duration_seconds_sum", labels, histogram.sum);
    page.line("pellucid_request_duration_seconds_count", labels, histogram.count);
  }
  page.open("pellucid_rejections_total", "counter", "Requests that were not let in.");
  for (const auto& [reason, count] : rejections_)
    page.line("pellucid_rejections_total", "reason=\"" + reason + "\"", count);
  page.gauge("pellucid_queue_depth", "Requests that wait for the engine.", gauges.waiting);
  page.gauge("pellucid_requests_in_flight", "Requests that the engine works on.", gauges.running);
  page.gauge("pellucid_connections", "Open connections.", gauges.connections);
  page.open("pellucid_build_info", "gauge", "Which program this is.");
  page.line("pellucid_build_info", "version=\"" PELLUCID_VERSION "\"", std::uint64_t{1});
  return page.take();
}

}  // namespace pellucid

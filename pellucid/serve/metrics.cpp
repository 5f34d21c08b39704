// The text format of Prometheus, version 0.0.4: seconds, `_total` for what only grows.
#include "pellucid/serve/metrics.h"

#include <algorithm>
#include <cctype>

#include "pellucid/base/text.h"

namespace pellucid {
namespace {

// More than all methods have with all verdicts.
constexpr std::size_t most_checks = 256;

// The methods there are; a client's own word would be a label it chose.
std::string_view known(std::string_view method) {
  for (const std::string_view each : {"GET", "HEAD", "POST"}) {
    if (method == each) return each;
  }
  return "other";
}

// Letters, digits and underscores.
std::string label(std::string_view text) {
  std::string plain(text);
  std::ranges::replace_if(
      plain, [](unsigned char letter) { return std::isalnum(letter) == 0; }, '_');
  return plain;
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
  // `labels` stand beside the bound.
  template <class Histogram>
  void histogram(const std::string& name, std::string labels, std::span<const double> bounds,
                 const Histogram& values) {
    const std::string own = labels;
    if (!labels.empty()) labels += ",";
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < values.within.size(); ++i) {
      so_far += values.within[i];
      line(name + "_bucket", labels + "le=\"" + number(bounds[i]) + "\"", so_far);
    }
    line(name + "_bucket", labels + "le=\"+Inf\"", values.count);
    line(name + "_sum", own, values.sum);
    line(name + "_count", own, values.count);
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

void Metrics::Histogram::add(std::span<const double> limits, double value) {
  within.resize(limits.size());
  const auto bound = std::ranges::find_if(limits, [&](double most) { return value <= most; });
  if (bound != limits.end()) ++within[static_cast<std::size_t>(bound - limits.begin())];
  ++count;
  sum += value;
}

void Metrics::observe(std::string_view pattern, std::string_view method, int status,
                      double seconds) {
  const std::lock_guard lock(mutex_);
  durations_[{std::string(pattern), std::string(known(method)),
              std::to_string(status / 100) + "xx"}]
      .add(bounds, seconds);
}

void Metrics::stage(std::string_view stage, double seconds) {
  const std::lock_guard lock(mutex_);
  stages_[std::string(stage)].add(bounds, std::max(seconds, 0.0));
}

void Metrics::batch(std::size_t requests) {
  const std::lock_guard lock(mutex_);
  batches_.add(batch_bounds, static_cast<double>(requests));
}

void Metrics::check(std::string_view name, std::string_view verdict) {
  // A check of one of several outputs is called after it ("outputs.logits"), which is the model's
  // word.
  std::pair<std::string, std::string> key(label(name.substr(0, name.find('.'))), label(verdict));
  const std::lock_guard lock(mutex_);
  if (checks_.size() >= most_checks && !checks_.contains(key)) key = {"other", "other"};
  ++checks_[std::move(key)];
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
    page.histogram("pellucid_request_duration_seconds",
                   "route=\"" + pattern + "\",method=\"" + method + "\",status=\"" + status + "\"",
                   bounds, histogram);
  }
  page.open("pellucid_stage_duration_seconds", "histogram", "Parts of a request's way.");
  for (const auto& [stage, histogram] : stages_)
    page.histogram("pellucid_stage_duration_seconds", "stage=\"" + stage + "\"", bounds, histogram);
  page.open("pellucid_batch_requests", "histogram", "Requests that one call answered.");
  page.histogram("pellucid_batch_requests", {}, batch_bounds, batches_);
  page.open("pellucid_checks_total", "counter", "What answers said of themselves.");
  for (const auto& [key, count] : checks_) {
    page.line("pellucid_checks_total", "check=\"" + key.first + "\",verdict=\"" + key.second + "\"",
              count);
  }
  page.open("pellucid_rejections_total", "counter", "Requests that were not let in.");
  for (const auto& [reason, count] : rejections_)
    page.line("pellucid_rejections_total", "reason=\"" + reason + "\"", count);
  page.gauge("pellucid_queue_depth", "Requests that wait for the engine.", gauges.waiting);
  page.gauge("pellucid_requests_in_flight", "Requests that the engine works on.", gauges.running);
  page.gauge("pellucid_connections", "Open connections.", gauges.connections);
  page.open("pellucid_log_lines_lost_total", "counter",
            "Lines of the log that nobody read in time.");
  page.line("pellucid_log_lines_lost_total", {}, gauges.lost_lines);
  page.open("pellucid_build_info", "gauge", "Which program this is.");
  page.line("pellucid_build_info", "version=\"" PELLUCID_VERSION "\"", std::uint64_t{1});
  return page.take();
}

}  // namespace pellucid

// Counters and durations in Prometheus' text format. No label holds what a client can choose.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace pellucid {

// What is so at the moment of asking.
struct Gauges {
  std::size_t waiting = 0;       // tasks in the queues
  std::size_t running = 0;       // tasks at work
  std::size_t connections = 0;   // open
  std::uint64_t lost_lines = 0;  // of the log, so far
};

class Metrics {
 public:
  // `pattern` is the route's, or "none" for what has none.
  void observe(std::string_view pattern, std::string_view method, int status, double seconds);
  // A part of a request's way: "reading" (the body from the network), "waiting" (for the engine),
  // "preparing" (the body's JSON becomes inputs), "computing" (the operation), "writing" (until the
  // client has taken the answer).
  void stage(std::string_view stage, double seconds);
  // So many requests were answered by one call.
  void batch(std::size_t requests);
  // What an answer said of itself. Beyond a number of different checks, "other".
  void check(std::string_view name, std::string_view verdict);
  void reject(std::string_view reason);
  std::string text(const Gauges& gauges) const;

  static constexpr std::array<double, 14> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,  0.5,    1,     2.5,  5,     10,   60};
  static constexpr std::array<double, 5> batch_bounds = {1, 2, 4, 8, 16};

 private:
  struct Histogram {
    std::vector<std::uint64_t> within;  // by bound, not cumulative
    std::uint64_t count = 0;
    double sum = 0;
    void add(std::span<const double> limits, double value);
  };
  // pattern, method, status class
  using Key = std::tuple<std::string, std::string, std::string>;

  mutable std::mutex mutex_;
  std::map<Key, Histogram> durations_;
  std::map<std::string, Histogram, std::less<>> stages_;
  Histogram batches_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> checks_;
  std::map<std::string, std::uint64_t, std::less<>> rejections_;
};

}  // namespace pellucid

// Counters and durations in Prometheus' text format. No label holds what a client can choose.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

namespace pellucid {

// What is so at the moment of asking.
struct Gauges {
  std::size_t waiting = 0;      // jobs in the queues
  std::size_t running = 0;      // jobs at work
  std::size_t connections = 0;  // open
};

class Metrics {
 public:
  // `pattern` is the route's, or "none" for what has none.
  void observe(std::string_view pattern, std::string_view method, int status, double seconds);
  void reject(std::string_view reason);
  std::string text(const Gauges& gauges) const;

  static constexpr std::array<double, 14> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,  0.5,    1,     2.5,  5,     10,   60};

 private:
  struct Histogram {
    std::array<std::uint64_t, bounds.size()> within{};  // not cumulative
    std::uint64_t count = 0;
    double sum = 0;
  };
  // pattern, method, status class
  using Key = std::tuple<std::string, std::string, std::string>;

  mutable std::mutex mutex_;
  std::map<Key, Histogram> durations_;
  std::map<std::string, std::uint64_t, std::less<>> rejections_;
};

}  // namespace pellucid

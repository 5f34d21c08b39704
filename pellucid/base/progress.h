// How a long piece of work tells how far it is, and how it is told to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "pellucid/base/error.h"

namespace pellucid {

// Set from any thread or signal handler; asked between model calls by the Probe and between nodes
// by the Executor.
class Cancellation {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }
  // Throws Error (Fault::cancelled) once a stop was asked for.
  void check() const {
    if (requested()) throw Error(Fault::cancelled, "cancelled");
  }

 private:
  std::atomic<bool> requested_{false};
};

struct Progress {
  std::string_view stage;  // a verb in the user's words: "explaining", "sampling"
  std::int64_t done = 0;
  std::int64_t total = 0;  // 0 when unknown
};

using ProgressSink = std::function<void(const Progress&)>;

}  // namespace pellucid

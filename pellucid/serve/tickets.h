// How far the requests are that the engine was asked: what GET /v2/requests/{id} tells.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "pellucid/base/json.h"
#include "pellucid/base/progress.h"

namespace pellucid {

// One request's state. From any thread.
class Ticket {
 public:
  // The engine has begun.
  void run();
  void tell(const Progress& progress);
  // It is answered, or nobody waits for it any more.
  void end();
  // {"state": "waiting" | "running", "stage", "done", "total", "seconds"}; nullopt after the end.
  std::optional<Json> document() const;

 private:
  enum class State { waiting, running, ended };
  mutable std::mutex mutex_;
  State state_ = State::waiting;
  std::string stage_;
  std::int64_t done_ = 0, total_ = 0;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Tickets {
 public:
  // Of two requests that were given one id the later is found.
  std::shared_ptr<Ticket> issue(const std::string& id);
  // The same, or {"state": "unknown", ...} where no such request is under way: whoever polls can't
  // know that it has just ended, and browsers report each 404 as a fault.
  Json document(std::string_view id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Ticket>, std::less<>> tickets_;
};

}  // namespace pellucid

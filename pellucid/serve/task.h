// One request on its way through the engine.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "pellucid/serve/exchange.h"
#include "pellucid/serve/route.h"
#include "pellucid/serve/tickets.h"

namespace pellucid {

// What a request asks for, once its body is read.
struct Asked {
  const Operation* operation = nullptr;
  BodyRequest body;
  std::size_t bytes = 0;  // of the body
  std::string company;    // whose equals may be answered with one call; empty: alone
};

struct Task {
  using Clock = std::chrono::steady_clock;

  Route route;
  HttpRequest request;
  // Requested once nobody waits for the answer any more.
  Cancellation cancellation = {};
  std::shared_ptr<Ticket> ticket = std::make_shared<Ticket>();
  // Takes the answer; called once, by the thread that worked.
  std::function<void(HttpResponse&&)> answered;
  Clock::time_point since = Clock::now();  // it waits, or is worked on

  // Of the lane's thread alone.
  std::optional<Asked> asked = {};            // the body was read
  std::optional<HttpResponse> response = {};  // or it was refused, or is answered
  double seconds = 0;                         // that it took so far
};

inline double seconds_since(Task::Clock::time_point start) {
  return std::chrono::duration<double>(Task::Clock::now() - start).count();
}

using Tasks = std::vector<std::shared_ptr<Task>>;

}  // namespace pellucid

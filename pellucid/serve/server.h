// The network's side of the server.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "pellucid/base/progress.h"
#include "pellucid/serve/service.h"

namespace pellucid {

// Bounds of one connection, in seconds where nothing else is said.
struct ServerLimits {
  std::size_t header_bytes = std::size_t{16} << 10;
  std::size_t connections = 512;  // more: who idled longest goes
  std::size_t waiting = 64;       // requests that wait for the engine
  double header = 10;             // from the first byte to the last of a request's head
  double idle = 60;               // between two requests
  double body = 60;               // from the head to the end of the body
  double answer = 120;            // the engine's time for one request, waiting included
  double write = 60;              // until the client has taken its answer
};

struct Listening {
  std::uint16_t port = 8080;  // 0: any that is free
  int threads = 2;            // for the network alone; the engine has its own
};

// Serves until `stop` is requested; then what runs is finished, what is new is refused, and it
// returns. `ready` is told the port, `log` one line of JSON per request, by a thread of its own
// (serve/log.h). Throws Error (Fault::usage) when it can't listen at the service's host and port.
void serve_http(Service& service, const Listening& listening, const ServerLimits& limits,
                const Cancellation& stop, const std::function<void(std::uint16_t port)>& ready,
                const std::function<void(std::string_view line)>& log);

}  // namespace pellucid

// Accepting, and the order of the end: refuse what is new, finish what runs, leave.
#include "pellucid/serve/server.h"

#include <boost/asio/io_context.hpp>
#include <thread>

#include "pellucid/base/text.h"
#include "pellucid/serve/connection.h"

namespace pellucid {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

class Door {
 public:
  Door(asio::io_context& io, Hub& hub, const std::string& host, std::uint16_t port)
      : io_(io), hub_(hub), acceptor_(io), pause_(io) {
    try {
      tcp::resolver resolver(io);
      const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive);
      const tcp::endpoint endpoint = found.begin()->endpoint();
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      acceptor_.bind(endpoint);
      acceptor_.listen();
    } catch (const boost::system::system_error& error) {
      throw usage_error("can't listen: " + error.code().message())
          .at(host + ":" + std::to_string(port))
          .hint("give another --host or --port; --port 0 takes any that is free");
    }
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void accept() {
    acceptor_.async_accept(asio::make_strand(io_),
                           [this](boost::system::error_code error, tcp::socket socket) {
                             if (error == asio::error::operation_aborted) return;
                             if (error) return accept_later();
                             let_in(std::move(socket));
                             accept();
                           });
  }

 private:
  void let_in(tcp::socket socket) {
    const bool room =
        hub_.connections.count() < hub_.limits.connections || hub_.connections.make_room();
    const auto connection = std::make_shared<Connection>(std::move(socket), hub_);
    if (!room) return connection->turn_away();
    hub_.connections.add(connection);
    connection->start();
  }

  // Without a free file descriptor, accepting again at once would only burn time.
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(50));
    pause_.async_wait([this](boost::system::error_code error) {
      if (!error) accept();
    });
  }

  asio::io_context& io_;
  Hub& hub_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

void sleep_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

// Short memory ends a connection, never the server.
void run(asio::io_context& io, Log& log) {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      log.add(to_text(
          {{"time", utc_now()}, {"event", "failure"}, {"what", first_line(error.what())}}, false));
    }
  }
}

std::string name_of_run() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char text[20];
  std::snprintf(text, sizeof text, "%llx",
                static_cast<unsigned long long>(
                    std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
  return text;
}

}  // namespace

void serve_http(Service& service, const Listening& listening, const ServerLimits& limits,
                const Cancellation& stop, const std::function<void(std::uint16_t port)>& ready,
                const std::function<void(std::string_view line)>& log) {
  // Connections belong to `io` and use the hub; jobs hold connections. So they go in this order:
  // lanes, io, hub.
  Hub hub{service, limits, Log(log)};
  hub.run = name_of_run();
  asio::io_context io;
  hub.lanes = std::make_unique<Lanes>(service.model_names(), limits.waiting, service.work());
  Lanes& lanes = *hub.lanes;
  Door door(io, hub, service.settings().guard.host, listening.port);
  service.tell_gauges([&] {
    return Gauges{lanes.waiting(), lanes.running(), hub.connections.count(), hub.log.lost()};
  });
  door.accept();
  std::vector<std::thread> threads;
  for (int i = 0; i < listening.threads; ++i) threads.emplace_back([&] { run(io, hub.log); });
  ready(door.port());

  while (!stop.requested()) sleep_a_moment();
  service.drain();
  // No request takes longer than all of its deadlines.
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(limits.body + limits.answer));
  while (Clock::now() < end && (lanes.waiting() + lanes.running() + hub.connections.busy() > 0)) {
    sleep_a_moment();
  }
  io.stop();
  for (std::thread& thread : threads) thread.join();
  service.tell_gauges({});
  hub.lanes.reset();
}

}  // namespace pellucid

// One client's connection, and what all connections share. Included by the network's two sources
// alone: Boost's headers compile slowly.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "pellucid/serve/lanes.h"
#include "pellucid/serve/log.h"
#include "pellucid/serve/server.h"

namespace pellucid {

class Connection;

// Who is connected, and who could go.
class Connections {
 public:
  using Clock = std::chrono::steady_clock;

  void add(const std::shared_ptr<Connection>& connection);
  void remove(const Connection* connection);
  // Between two requests, or not done with a request's head.
  void set_idle(const Connection* connection, bool idle);
  // Closes who idled longest; false when all are busy.
  bool make_room();
  std::size_t count() const;
  std::size_t busy() const;

 private:
  struct Entry {
    std::weak_ptr<Connection> connection;
    bool idle = true;
    Clock::time_point since = Clock::now();
  };
  mutable std::mutex mutex_;
  std::map<const Connection*, Entry> entries_;
};

// What the connections of a server share.
struct Hub {
  Service& service;
  const ServerLimits& limits;
  Log log;
  std::unique_ptr<Lanes> lanes = {};
  Connections connections = {};
  std::atomic<std::size_t> body_bytes = 0;  // of all requests that are not answered yet
  std::atomic<std::uint64_t> requests = 0;
  std::string run = {};  // tells this start of the server from others, in request ids
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Hub& hub);
  ~Connection();

  void start();
  // Tells the client that there is no room, and ends.
  void turn_away();
  // From any thread.
  void close_soon();

 private:
  using Clock = std::chrono::steady_clock;
  using ErrorCode = boost::system::error_code;
  enum class State { head, body, answering, writing, lingering, closed };

  void next_request(double seconds);
  void read_head();
  void head_read(ErrorCode error);
  void read_body();
  void body_read(ErrorCode error);
  bool count_body();
  void ask_engine();
  void watch_client();
  void client_moved(ErrorCode error, std::size_t bytes);
  void answered(HttpResponse response);
  void leave_engine();
  void refuse_unreadable(ErrorCode error);
  void respond(HttpResponse response, bool keep);
  void written(ErrorCode error);
  void linger();
  void record(int status, std::size_t bytes);
  void take_head();
  std::string new_id();
  // Starts a phase that has so long.
  void limit(double seconds);
  void arm(double seconds);
  void deadline();
  void close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  Hub& hub_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::string outgoing_;
  HttpRequest request_;
  std::optional<Route> route_;
  std::shared_ptr<Task> task_;  // that the engine works on for this client
  std::string id_;
  Language language_ = Language::english;  // of what is wrong
  Clock::time_point start_, writing_since_;
  State state_ = State::head;
  std::uint64_t timer_number_ = 0;
  std::size_t body_bytes_ = 0;  // of this request, counted in the hub, too
  std::size_t discarded_ = 0;
  bool began_ = false;     // a byte of the request is there
  bool late_ = false;      // the deadline has passed
  bool keep_ = false;      // another request may follow
  bool watching_ = false;  // a read is on its way while the engine works
  bool next_is_due_ = false;
};

}  // namespace pellucid

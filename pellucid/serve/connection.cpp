// One request after the other: head → (body → engine) → response. All of a connection runs on its
// strand. Each phase has one deadline; while the engine works, the socket is read so that a client
// who leaves is noticed.
#include "pellucid/serve/connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <cctype>

#include "pellucid/base/text.h"

namespace pellucid {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// Bodies of all requests together, in uploads of the largest size.
constexpr std::size_t most_uploads = 16;
// What may lie behind a request while it is answered.
constexpr std::size_t most_ahead = std::size_t{64} << 10;
// The status that stands in logs and metrics for a client who did not wait.
constexpr int client_gone = 499;

std::string_view reason(int status) {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

bool is_http(const boost::system::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

std::string_view rejection(int status) {
  switch (status) {
    case 401:
      return "token";
    case 403:
      return "foreign";
    case 408:
      return "slow";
    case 413:
    case 431:
      return "size";
    case 429:
      return "queue";
    case 503:
      return "busy";
    case 504:
      return "timeout";
    case client_gone:
      return "gone";
    default:
      return "";
  }
}

// The client's own id goes on where it can do no harm in a log.
bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '-' || letter == '_' || letter == '.';
  });
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Hub& hub)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      hub_(hub),
      buffer_(hub.limits.header_bytes + most_ahead) {}

Connection::~Connection() {
  hub_.body_bytes -= body_bytes_;
  hub_.connections.remove(this);
}

void Connection::start() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    ErrorCode ignored;
    self->socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    self->next_request(self->hub_.limits.header);
  });
}

void Connection::turn_away() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    self->start_ = Clock::now();
    self->respond(error_response(503, "there are too many connections"), false);
  });
}

void Connection::close_soon() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->state_ == State::head || self->state_ == State::lingering) self->close();
  });
}

void Connection::next_request(double seconds) {
  state_ = State::head;
  began_ = next_is_due_ = late_ = false;
  request_ = {};
  route_.reset();
  task_.reset();
  hub_.body_bytes -= body_bytes_;
  body_bytes_ = 0;
  id_.clear();
  language_ = Language::english;
  hub_.connections.set_idle(this, true);
  if (buffer_.size() > 0) return read_head();
  limit(seconds);
  socket_.async_read_some(buffer_.prepare(4096),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                            // Who has sent nothing is owed no answer.
                            if (error) return self->close();
                            self->buffer_.commit(bytes);
                            self->read_head();
                          });
}

void Connection::read_head() {
  if (state_ == State::closed) return;
  began_ = true;
  start_ = Clock::now();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(hub_.limits.header_bytes));
  // A body that is announced as too large is refused with all else that a head can have wrong.
  parser_->body_limit(boost::none);
  limit(hub_.limits.header);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, std::size_t) { self->head_read(error); });
}

void Connection::take_head() {
  const auto& head = parser_->get();
  const auto text = [](const auto& view) { return std::string(view.data(), view.size()); };
  request_.method = text(head.method_string());
  request_.target = text(head.target());
  for (const auto& field : head)
    request_.fields.emplace_back(text(field.name_string()), text(field.value()));
  const std::string_view wanted = request_.field("x-request-id");
  id_ = is_id(wanted) ? std::string(wanted) : new_id();
  language_ = language_of(request_);
}

std::string Connection::new_id() { return hub_.run + "-" + std::to_string(++hub_.requests); }

void Connection::head_read(ErrorCode error) {
  if (state_ != State::head) return;
  if (error || late_) return refuse_unreadable(error);
  take_head();
  hub_.connections.set_idle(this, false);
  keep_ = parser_->get().keep_alive();
  std::variant<Route, HttpResponse> opened = hub_.service.open(request_);
  const bool unread = !parser_->is_done();
  if (auto* refused = std::get_if<HttpResponse>(&opened)) {
    return respond(std::move(*refused), keep_ && !unread);
  }
  route_ = std::get<Route>(std::move(opened));
  if (!Service::needs_engine(*route_)) {
    return respond(hub_.service.answer(*route_, request_, {}), keep_ && !unread);
  }
  parser_->body_limit(hub_.service.settings().max_upload);
  state_ = State::body;
  limit(hub_.limits.body);
  if (lower_case(request_.field("expect")) != "100-continue") return read_body();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(go_on),
                    [self = shared_from_this()](ErrorCode failed, std::size_t) {
                      if (failed) return self->close();
                      self->read_body();
                    });
}

void Connection::read_body() {
  if (parser_->is_done()) return ask_engine();
  http::async_read_some(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, std::size_t) { self->body_read(error); });
}

void Connection::body_read(ErrorCode error) {
  if (state_ != State::body) return;
  if (error == http::error::need_buffer) error = {};
  if (error || late_) return refuse_unreadable(error);
  if (!count_body()) {
    return respond(error_response(503, "too many uploads at once"), false);
  }
  read_body();
}

bool Connection::count_body() {
  const std::size_t size = parser_->get().body().size();
  const std::size_t all = hub_.body_bytes += size - body_bytes_;
  body_bytes_ = size;
  return all <= most_uploads * hub_.service.settings().max_upload;
}

void Connection::refuse_unreadable(ErrorCode error) {
  if (late_ && began_) return respond(error_response(408, "the request took too long"), false);
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return respond(error_response(431, "the request's head is too large"), false);
  }
  if (error == http::error::body_limit) {
    return respond(error_response(413, "the body is too large", "body",
                                  "send less, or start the server with --max-upload"),
                   false);
  }
  // Who left in the middle of a request hears nothing.
  if (!is_http(error) || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return close();
  }
  respond(error_response(400, "this is no HTTP: " + error.message()), false);
}

void Connection::ask_engine() {
  state_ = State::answering;
  limit(hub_.limits.answer);
  hub_.service.metrics().stage("reading", seconds_since(start_));
  task_ = std::make_shared<Task>();
  task_->route = *route_;
  task_->ticket = hub_.service.tickets().issue(id_);
  request_.body = std::move(parser_->get().body());
  task_->request = std::move(request_);
  request_ = {task_->request.method, task_->request.target, {}, {}};
  // The strand outlives the socket's last handler, and the task holds the connection until it is
  // answered.
  task_->answered = [self = shared_from_this(),
                     weak = std::weak_ptr(task_)](HttpResponse&& answer) {
    auto response = std::make_shared<HttpResponse>(std::move(answer));
    asio::post(self->socket_.get_executor(), [self, response, task = weak.lock()] {
      if (self->task_ == task) self->answered(std::move(*response));
    });
  };
  if (!hub_.lanes->submit(route_->model, task_)) {
    task_.reset();
    return respond(error_response(429, "too many requests wait already", {}, "ask again later"),
                   keep_);
  }
  watch_client();
}

// Nobody waits for the answer any more.
void Connection::leave_engine() {
  if (!task_) return;
  hub_.lanes->leave(task_);
  task_->ticket->end();
  task_.reset();
}

void Connection::watch_client() {
  if (buffer_.size() >= most_ahead) return;
  watching_ = true;
  socket_.async_read_some(buffer_.prepare(1024),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                            self->watching_ = false;
                            self->client_moved(error, bytes);
                          });
}

void Connection::client_moved(ErrorCode error, std::size_t bytes) {
  buffer_.commit(bytes);
  if (state_ == State::lingering) return linger();
  if (next_is_due_) return next_request(hub_.limits.idle);
  if (state_ != State::answering) return;
  if (!error) return watch_client();
  record(client_gone, 0);
  close();
}

void Connection::answered(HttpResponse response) {
  if (state_ != State::answering) return;
  task_.reset();
  respond(std::move(response), keep_);
}

void Connection::respond(HttpResponse response, bool keep) {
  state_ = State::writing;
  writing_since_ = Clock::now();
  hub_.connections.set_idle(this, false);
  keep_ = keep && !hub_.service.draining();
  if (id_.empty()) id_ = new_id();
  response = in_language(std::move(response), language_);
  const HttpFields own = {{"Connection", keep_ ? "keep-alive" : "close"}, {"X-Request-Id", id_}};
  outgoing_ = written_out(response, reason(response.status), own, security_fields());
  if (request_.method != "HEAD") outgoing_ += response.body;
  record(response.status, response.body.size());
  limit(hub_.limits.write);
  asio::async_write(
      socket_, asio::buffer(outgoing_),
      [self = shared_from_this()](ErrorCode error, std::size_t) { self->written(error); });
}

void Connection::written(ErrorCode error) {
  outgoing_ = {};
  if (route_ && Service::needs_engine(*route_))
    hub_.service.metrics().stage("writing", seconds_since(writing_since_));
  if (error) return close();
  if (!keep_) return linger();
  if (!watching_) return next_request(hub_.limits.idle);
  // The read that watched the client comes back first.
  next_is_due_ = true;
  ErrorCode ignored;
  socket_.cancel(ignored);
}

// Closing with unread bytes would reset the connection, and the client would lose the answer.
void Connection::linger() {
  constexpr double seconds = 5;
  if (state_ != State::lingering) {
    state_ = State::lingering;
    hub_.connections.set_idle(this, true);
    ErrorCode ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    limit(seconds);
    if (watching_) {
      // The read that watched the client uses the buffer; it comes back here.
      socket_.cancel(ignored);
      return;
    }
  }
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(4096),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                            self->discarded_ += bytes;
                            const std::size_t most = 4 * self->hub_.service.settings().max_upload;
                            if (error || self->discarded_ > most) return self->close();
                            self->linger();
                          });
}

void Connection::record(int status, std::size_t bytes) {
  const double seconds = seconds_since(start_);
  const std::string_view pattern = route_ ? route_->pattern->pattern : "none";
  Metrics& metrics = hub_.service.metrics();
  metrics.observe(pattern, request_.method, status, seconds);
  if (const std::string_view why = rejection(status); !why.empty()) metrics.reject(why);
  Json line = {{"time", utc_now()},       {"id", id_},        {"method", request_.method},
               {"route", pattern},        {"status", status}, {"seconds", seconds},
               {"received", body_bytes_}, {"sent", bytes}};
  if (route_ && !route_->model.empty()) line["model"] = route_->model;
  if (route_ && !route_->operation.empty()) line["operation"] = route_->operation;
  hub_.log.add(to_text(line, false));
}

void Connection::limit(double seconds) {
  late_ = false;
  arm(seconds);
}

void Connection::arm(double seconds) {
  timer_.expires_after(
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
  timer_.async_wait([self = shared_from_this(), number = ++timer_number_](ErrorCode error) {
    if (!error && number == self->timer_number_) self->deadline();
  });
}

void Connection::deadline() {
  if (state_ == State::closed) return;
  late_ = true;
  if (state_ == State::answering) {
    leave_engine();
    return respond(error_response(504, "the answer took too long", {},
                                  "ask for less, or start the server with a larger --timeout"),
                   false);
  }
  if (state_ == State::writing || state_ == State::lingering) return close();
  // The read that is on its way comes back with an error and answers; one that was just between two
  // reads is met the next time.
  ErrorCode ignored;
  socket_.cancel(ignored);
  constexpr double soon = 0.1;
  arm(soon);
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  ++timer_number_;
  timer_.cancel();
  leave_engine();
  ErrorCode ignored;
  socket_.close(ignored);
  hub_.connections.remove(this);
}

}  // namespace pellucid

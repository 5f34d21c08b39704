#include "pellucid/serve/tickets.h"

namespace pellucid {

void Ticket::run() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::waiting) state_ = State::running;
}

void Ticket::tell(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  stage_ = progress.stage;
  done_ = progress.done;
  total_ = progress.total;
}

void Ticket::end() {
  const std::lock_guard lock(mutex_);
  state_ = State::ended;
}

std::optional<Json> Ticket::document() const {
  const std::lock_guard lock(mutex_);
  if (state_ == State::ended) return std::nullopt;
  const auto passed = std::chrono::steady_clock::now() - start_;
  return Json{{"state", state_ == State::waiting ? "waiting" : "running"},
              {"stage", stage_},
              {"done", done_},
              {"total", total_},
              {"seconds", std::chrono::duration<double>(passed).count()}};
}

std::shared_ptr<Ticket> Tickets::issue(const std::string& id) {
  auto ticket = std::make_shared<Ticket>();
  const std::lock_guard lock(mutex_);
  // As many are alive as requests may wait and run: few enough to look at each.
  std::erase_if(tickets_, [](const auto& entry) { return entry.second.expired(); });
  tickets_[id] = ticket;
  return ticket;
}

Json Tickets::document(std::string_view id) const {
  std::shared_ptr<Ticket> ticket;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tickets_.find(id);
    if (found != tickets_.end()) ticket = found->second.lock();
  }
  if (std::optional<Json> known = ticket ? ticket->document() : std::nullopt)
    return std::move(*known);
  return {{"state", "unknown"}, {"stage", ""}, {"done", 0}, {"total", 0}, {"seconds", 0}};
}

}  // namespace pellucid

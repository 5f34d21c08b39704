#include "pellucid/serve/log.h"

#include <chrono>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"

namespace pellucid {

Log::Log(Write write, std::size_t most_waiting) : shared_(std::make_shared<Shared>()) {
  shared_->write = std::move(write);
  shared_->most_waiting = most_waiting;
  if (shared_->write) thread_ = std::thread([shared = shared_] { work(shared); });
}

Log::~Log() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
  constexpr std::chrono::seconds patience{2};
  const bool ended = shared_->changed.wait_for(lock, patience, [this] { return shared_->ended; });
  lock.unlock();
  if (ended)
    thread_.join();
  else
    thread_.detach();  // nobody reads what it writes
}

void Log::add(std::string line) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(shared_->mutex);
  if (shared_->lines.size() >= shared_->most_waiting) {
    ++shared_->lost;
    return;
  }
  shared_->lines.push_back(std::move(line));
  shared_->changed.notify_all();
}

std::uint64_t Log::lost() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->lost;
}

void Log::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return !shared->lines.empty() || shared->ending; });
    if (shared->lines.empty()) break;
    const std::string line = std::move(shared->lines.front());
    shared->lines.pop_front();
    const std::uint64_t lost = shared->lost - shared->lost_and_said;
    shared->lost_and_said = shared->lost;
    lock.unlock();
    if (lost > 0) {
      shared->write(
          to_text({{"time", utc_now()}, {"event", "log_lines_lost"}, {"count", lost}}, false));
    }
    shared->write(line);
    lock.lock();
  }
  shared->ended = true;
  shared->changed.notify_all();
}

}  // namespace pellucid

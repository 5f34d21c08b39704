// Ten thousand idle sockets must not keep anybody else out: the one that idled longest goes first.
#include "pellucid/serve/connection.h"

namespace pellucid {

void Connections::add(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  entries_[connection.get()] = {connection, true, Clock::now()};
}

void Connections::remove(const Connection* connection) {
  const std::lock_guard lock(mutex_);
  entries_.erase(connection);
}

void Connections::set_idle(const Connection* connection, bool idle) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(connection);
  if (found == entries_.end()) return;
  found->second.idle = idle;
  found->second.since = Clock::now();
}

bool Connections::make_room() {
  std::shared_ptr<Connection> chosen;
  {
    const std::lock_guard lock(mutex_);
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->second.idle &&
          (oldest == entries_.end() || entry->second.since < oldest->second.since))
        oldest = entry;
    }
    if (oldest == entries_.end()) return false;
    chosen = oldest->second.connection.lock();
    // It closes a moment later; nobody may choose it again until then.
    entries_.erase(oldest);
  }
  if (chosen) chosen->close_soon();
  return true;
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t Connections::busy() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const auto& entry) { return !entry.second.idle; }));
}

}  // namespace pellucid

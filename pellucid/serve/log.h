// Lines of a log, written by a thread of its own: whoever reads them slowly holds up nobody.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace pellucid {

class Log {
 public:
  using Write = std::function<void(std::string_view line)>;

  // `write` is called by one thread at a time; empty: lines are dropped. What it captures must live
  // as long as the process, for a write that never returns is left behind at the end.
  explicit Log(Write write, std::size_t most_waiting = 4096);
  // Waits until all is written, but no longer than two seconds.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Never waits for the writer: with too many lines waiting this one is lost, and counted. A line
  // of the log says so as soon as there is room.
  void add(std::string line);
  std::uint64_t lost() const;

 private:
  struct Shared {
    Write write;
    std::size_t most_waiting;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> lines;
    std::uint64_t lost = 0, lost_and_said = 0;
    bool ending = false, ended = false;
  };
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace pellucid

// Where the engine works: one thread per model that is asked for (the engine itself takes several
// for one call), and one for what needs no model. What waits is bounded.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "pellucid/serve/task.h"

namespace pellucid {

// What a lane's thread does with its tasks. Neither throws.
struct LaneWork {
  // Those that are done together with the first, which is one of them. `waiting` is the lane's
  // head, most_together at most.
  std::function<Tasks(const Tasks& waiting)> choose;
  // Answers each of them, those who left meanwhile, too. `cancellation` is requested when all have
  // left.
  std::function<void(const Tasks& tasks, const Cancellation& cancellation)> run;
};

class Lanes {
 public:
  static constexpr std::size_t most_together = 16;

  // `names` are the models; the lane "" is always there. A lane's thread ends when it had nothing
  // to do for `idle` and begins again with the next task.
  Lanes(std::span<const std::string> names, std::size_t most_waiting, LaneWork work,
        std::chrono::milliseconds idle = std::chrono::seconds(2),
        std::chrono::milliseconds patience = std::chrono::milliseconds(5));
  // Ends after the tasks that were taken.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // False when as many wait as may (those who left make room first), or when the machine has no
  // thread for it.
  bool submit(const std::string& lane, const std::shared_ptr<Task>& task);
  // Nobody waits for its answer any more.
  void leave(const std::shared_ptr<Task>& task);
  std::size_t waiting() const;
  std::size_t running() const;

 private:
  struct Lane {
    std::deque<std::shared_ptr<Task>> waiting;
    Tasks running;
    std::shared_ptr<Cancellation> cancellation;  // of what runs
    std::thread thread;
    bool has_thread = false;
    // Of the last run.
    std::size_t answered = 0;
    std::chrono::steady_clock::duration took{};
  };
  void work(Lane& lane);
  void dismiss(const Tasks& gone) const;
  // Clients that were answered together ask again at once, but not in the same instant: those that
  // come first wait a moment for the others: a share of what they took, `patience` at most. With
  // the mutex held.
  void gather(const Lane& lane, std::unique_lock<std::mutex>& lock);
  // With the mutex held, both.
  bool wake(Lane& lane);
  Tasks take(Lane& lane, const std::function<bool(const std::shared_ptr<Task>&)>& wanted);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Lane> lanes_;
  const std::size_t most_waiting_;
  std::size_t waiting_ = 0, running_ = 0;
  const LaneWork work_;
  const std::chrono::milliseconds idle_, patience_;
  bool ending_ = false;
};

}  // namespace pellucid

// Where the engine works: one thread per model (the engine itself takes several for one call), and
// one for what needs no model. What waits is bounded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pellucid/base/progress.h"

namespace pellucid {

struct Job {
  std::shared_ptr<const Cancellation> cancellation;
  std::function<void()> run;  // throws nothing; called even if it was cancelled meanwhile
};

class Lanes {
 public:
  // `names` are the models; the lane "" is always there.
  Lanes(std::span<const std::string> names, std::size_t most_waiting);
  // Ends after the jobs that were taken.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // False when as many wait as may; those who were cancelled make room first.
  bool submit(const std::string& lane, Job job);
  std::size_t waiting() const;
  std::size_t running() const;

 private:
  void work(std::deque<Job>& lane);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::deque<Job>> lanes_;
  std::size_t most_waiting_, waiting_ = 0, running_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pellucid

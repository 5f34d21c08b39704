// One queue and one thread per lane under one mutex: a job takes milliseconds at least, so nobody
// queues for the mutex.
#include "pellucid/serve/lanes.h"

namespace pellucid {

Lanes::Lanes(std::span<const std::string> names, std::size_t most_waiting)
    : most_waiting_(most_waiting) {
  lanes_[""];
  for (const std::string& name : names) lanes_[name];
  for (auto& [name, lane] : lanes_) threads_.emplace_back([this, &lane] { work(lane); });
}

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Lanes::submit(const std::string& lane, Job job) {
  // They are told so outside of the lock: what they do may come back here.
  std::vector<Job> gone;
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= most_waiting_) {
      for (auto& [name, jobs] : lanes_) {
        const auto first = std::stable_partition(jobs.begin(), jobs.end(), [](const Job& each) {
          return !each.cancellation->requested();
        });
        std::move(first, jobs.end(), std::back_inserter(gone));
        jobs.erase(first, jobs.end());
      }
      waiting_ -= gone.size();
    }
    taken = waiting_ < most_waiting_ && !ending_;
    if (taken) {
      lanes_.at(lane).push_back(std::move(job));
      ++waiting_;
    }
  }
  for (const Job& each : gone) each.run();
  changed_.notify_all();
  return taken;
}

void Lanes::work(std::deque<Job>& lane) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !lane.empty() || ending_; });
    if (lane.empty()) return;
    const Job job = std::move(lane.front());
    lane.pop_front();
    --waiting_;
    ++running_;
    lock.unlock();
    job.run();
    lock.lock();
    --running_;
  }
}

std::size_t Lanes::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::size_t Lanes::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace pellucid

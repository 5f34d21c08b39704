// One queue and one thread per lane under one mutex: a task takes milliseconds at least, so nobody
// queues for the mutex. A task is taken from its queue by its lane's thread, or by whoever makes
// room, once it has left.
//
// OpenMP keeps a team of threads for every thread that ever asked for one. While there are more of
// them than processors they sleep at each barrier instead of spinning, which made one small forward
// a third slower: so a lane that has nothing to do keeps no thread.
#include "pellucid/serve/lanes.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <system_error>

namespace pellucid {
namespace {

bool has_left(const std::shared_ptr<Task>& task) { return task->cancellation.requested(); }

}  // namespace

Lanes::Lanes(std::span<const std::string> names, std::size_t most_waiting, LaneWork work,
             std::chrono::milliseconds idle, std::chrono::milliseconds patience)
    : most_waiting_(most_waiting), work_(std::move(work)), idle_(idle), patience_(patience) {
  lanes_[""];
  for (const std::string& name : names) lanes_[name];
}

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (auto& [name, lane] : lanes_) {
    if (lane.thread.joinable()) lane.thread.join();
  }
}

bool Lanes::wake(Lane& lane) {
  if (lane.has_thread) return true;
  // It let go of the mutex for good before this thread could take it.
  if (lane.thread.joinable()) lane.thread.join();
  try {
    lane.thread = std::thread([this, &lane] { work(lane); });
  } catch (const std::system_error&) {
    return false;
  }
  return lane.has_thread = true;
}

Tasks Lanes::take(Lane& lane, const std::function<bool(const std::shared_ptr<Task>&)>& wanted) {
  const auto first =
      std::stable_partition(lane.waiting.begin(), lane.waiting.end(), std::not_fn(wanted));
  Tasks taken(std::make_move_iterator(first), std::make_move_iterator(lane.waiting.end()));
  lane.waiting.erase(first, lane.waiting.end());
  waiting_ -= taken.size();
  return taken;
}

bool Lanes::submit(const std::string& lane, const std::shared_ptr<Task>& task) {
  // They are told so outside of the lock: what they do may come back here.
  Tasks gone;
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= most_waiting_) {
      for (auto& [name, each] : lanes_) {
        Tasks left = take(each, has_left);
        std::ranges::move(left, std::back_inserter(gone));
      }
    }
    Lane& own = lanes_.at(lane);
    taken = waiting_ < most_waiting_ && !ending_ && wake(own);
    if (taken) {
      own.waiting.push_back(task);
      ++waiting_;
    }
  }
  if (!gone.empty()) dismiss(gone);
  changed_.notify_all();
  return taken;
}

void Lanes::dismiss(const Tasks& gone) const {
  Cancellation cancellation;
  cancellation.request();
  work_.run(gone, cancellation);
}

void Lanes::leave(const std::shared_ptr<Task>& task) {
  const std::lock_guard lock(mutex_);
  task->cancellation.request();
  for (auto& [name, lane] : lanes_) {
    if (!lane.running.empty() && std::ranges::all_of(lane.running, has_left))
      lane.cancellation->request();
  }
}

void Lanes::gather(const Lane& lane, std::unique_lock<std::mutex>& lock) {
  constexpr int share = 20;
  if (lane.waiting.size() >= lane.answered) return;
  changed_.wait_for(lock,
                    std::min<std::chrono::steady_clock::duration>(lane.took / share, patience_),
                    [&] { return lane.waiting.size() >= lane.answered || ending_; });
}

void Lanes::work(Lane& lane) {
  // The number of threads that was set for the process becomes this thread's, too.
  at::init_num_threads();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, idle_, [&] { return !lane.waiting.empty() || ending_; });
    if (lane.waiting.empty()) {
      lane.has_thread = false;
      return;
    }
    gather(lane, lock);
    if (Tasks gone = take(lane, has_left); !gone.empty()) {
      lock.unlock();
      dismiss(gone);
      gone.clear();
      lock.lock();
      continue;
    }
    const auto head = lane.waiting.begin();
    const auto most = std::min(lane.waiting.size(), most_together);
    Tasks chosen(head, head + static_cast<std::ptrdiff_t>(most));
    if (most > 1) {
      lock.unlock();
      chosen = work_.choose(chosen);
      lock.lock();
    }
    lane.running = take(lane, [&](const std::shared_ptr<Task>& task) {
      return std::ranges::find(chosen, task) != chosen.end();
    });
    chosen.clear();
    if (lane.running.empty()) continue;  // they all left meanwhile
    lane.cancellation = std::make_shared<Cancellation>();
    if (std::ranges::all_of(lane.running, has_left)) lane.cancellation->request();
    running_ += lane.running.size();
    Tasks running = lane.running;
    const std::shared_ptr<const Cancellation> cancellation = lane.cancellation;
    lock.unlock();
    const auto start = std::chrono::steady_clock::now();
    work_.run(running, *cancellation);
    lock.lock();
    lane.answered = running.size();
    lane.took = std::chrono::steady_clock::now() - start;
    running_ -= running.size();
    lane.running.clear();
    // The last to hold a task may be this one, and what hangs on it ends with it.
    lock.unlock();
    running.clear();
    lock.lock();
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

// Threads that work while Python waits. They are kept for the next call: OpenMP has a team of
// threads for each thread that ever asked for one, and making it anew costs more than a small
// model's forward.
#include "waiting.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "errors.h"

namespace py = pybind11;

namespace pellucid {
namespace {

// How soon Ctrl-C is noticed.
constexpr std::chrono::milliseconds pulse{50};

class Worker {
 public:
  Worker() {
    std::thread([this] { serve(); }).detach();
  }

  void start(const std::function<void()>& work) {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    raised_ = nullptr;
    changed_.notify_all();
  }

  // Calls `awake` now and then, without the lock, until the work is done; throws what it threw.
  void wait(const std::function<void()>& awake) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, pulse, [this] { return work_ == nullptr; })) {
      lock.unlock();
      awake();
      lock.lock();
    }
    if (raised_) std::rethrow_exception(std::exchange(raised_, nullptr));
  }

 private:
  [[noreturn]] void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return work_ != nullptr; });
      const auto* work = work_;
      lock.unlock();
      std::exception_ptr raised;
      try {
        (*work)();
      } catch (...) {
        raised = std::current_exception();
      }
      lock.lock();
      raised_ = raised;
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // nullptr: none, or done
  std::exception_ptr raised_;
};

// As many as ever worked at one time. Never destroyed: its threads wait until the process ends.
class Pool {
 public:
  // A fork has the pool's memory without its threads, so it begins with another.
  static Pool& present() {
    static std::atomic<Pool*> pool = [] {
      pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
      return new Pool;
    }();
    return *pool;
  }

  Worker* take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return new Worker;
    Worker* worker = idle_.back();
    idle_.pop_back();
    return worker;
  }
  void give_back(Worker* worker) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(worker);
  }

 private:
  std::mutex mutex_;
  std::vector<Worker*> idle_;
};

bool on_main_thread() {
  const py::module_ threading = py::module_::import("threading");
  return threading.attr("get_ident")().equal(threading.attr("main_thread")().attr("ident"));
}

void work_apart(Cancellation& cancellation, const CallsToPython* calls,
                const std::function<void()>& work) {
  const bool hears_signals = on_main_thread();
  std::exception_ptr interrupted, raised;
  {
    const py::gil_scoped_release without_gil;
    Pool& pool = Pool::present();
    Worker* const worker = pool.take();
    worker->start(work);
    try {
      worker->wait([&] {
        if (!hears_signals) return;
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() == 0) return;
        const py::error_already_set signal;
        if (!interrupted) interrupted = std::make_exception_ptr(signal);
        cancellation.request();
        if (calls != nullptr) calls->interrupt();
      });
    } catch (...) {
      raised = std::current_exception();
    }
    pool.give_back(worker);
  }
  if (interrupted) std::rethrow_exception(interrupted);
  if (raised) std::rethrow_exception(raised);
}

}  // namespace

void work_apart(Cancellation& cancellation, const std::function<void()>& work) {
  work_apart(cancellation, nullptr, work);
}

class CallsToPython::Inside {
 public:
  explicit Inside(CallsToPython& calls) : calls_(calls) {
    calls_.inside_.push_back(PyThread_get_thread_ident());
  }
  ~Inside() {
    calls_.inside_.erase(std::ranges::find(calls_.inside_, PyThread_get_thread_ident()));
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  CallsToPython& calls_;
};

void CallsToPython::call(const std::function<void()>& call) {
  const py::gil_scoped_acquire gil;
  try {
    const Inside inside(*this);
    call();
  } catch (...) {
    if (!raised_) raised_ = std::current_exception();
    cancellation_.request();
    throw Error(Fault::cancelled, "a Python function raised an exception");
  }
}

void CallsToPython::attempt(const std::function<void()>& attempt) {
  const py::gil_scoped_acquire gil;
  try {
    const Inside inside(*this);
    attempt();
  } catch (const py::error_already_set& raised) {
    if (raised.matches(PyExc_KeyboardInterrupt)) {
      // Python raises it here when the caller was interrupted, who has its own; else somebody meant
      // it.
      cancellation_.request();
      throw Error(Fault::cancelled, "interrupted");
    }
    Error error = error_of(raised);
    causes_.emplace_back(error.message(), raised.value());
    throw error;
  }
}

void CallsToPython::throw_raised() const {
  if (raised_) std::rethrow_exception(raised_);
}

void CallsToPython::interrupt() const {
  for (const unsigned long thread : inside_)
    PyThreadState_SetAsyncExc(thread, PyExc_KeyboardInterrupt);
}

void work_apart(Cancellation& cancellation, const CallsToPython& calls,
                const std::function<void()>& work) {
  try {
    work_apart(cancellation, &calls, work);
  } catch (const py::error_already_set&) {
    throw;
  } catch (...) {
    calls.throw_raised();
    throw;
  }
  calls.throw_raised();
}

}  // namespace pellucid

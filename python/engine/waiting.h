// How Python waits for the engine: without the GIL, and awake to signals.
#pragma once

#include <exception>
#include <functional>
#include <mutex>

#include "pellucid/base/progress.h"

namespace pellucid {

// Runs `work` on a thread of the engine's own while the calling one, which holds the GIL, lets go
// of it and waits. What `work` throws is thrown here. On Python's main thread a signal whose
// handler raises (Ctrl-C) requests the cancellation, waits for the work to stop, and raises. The
// other thread knows nothing of the caller's autocast, inference mode or tensor modes: they can't
// change an answer.
void work_apart(Cancellation& cancellation, const std::function<void()>& work);

// Calls into Python from within the work. What Python raises there is kept, for the engine would
// make an Error of it, and thrown again in its own type when the work is over.
class CallsToPython {
 public:
  explicit CallsToPython(Cancellation& cancellation) : cancellation_(cancellation) {}

  // Runs `call` with the GIL. Throws Error (Fault::cancelled) when it raised.
  void call(const std::function<void()>& call);
  // With the GIL, after the work: throws what was raised first.
  void throw_raised() const;

 private:
  Cancellation& cancellation_;
  std::mutex mutex_;
  std::exception_ptr raised_;
};

// work_apart for work that calls into Python.
void work_apart(Cancellation& cancellation, const CallsToPython& calls,
                const std::function<void()>& work);

}  // namespace pellucid

// How Python waits for the engine: without the GIL, and awake to signals.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pellucid/base/progress.h"

namespace pellucid {

// Runs `work` on a thread of the engine's own while the calling one, which holds the GIL, lets go
// of it and waits. What `work` throws is thrown here. On Python's main thread a signal whose
// handler raises (Ctrl-C) requests the cancellation, waits for the work to stop, and raises. The
// other thread knows nothing of the caller's autocast, inference mode or tensor modes: they can't
// change an answer.
void work_apart(Cancellation& cancellation, const std::function<void()>& work);

// Calls into Python from within the work of one request.
class CallsToPython {
 public:
  explicit CallsToPython(Cancellation& cancellation) : cancellation_(cancellation) {}

  // Runs `call` with the GIL. What it raises stops the work, is kept, for the engine would make an
  // Error of it, and is thrown again in its own type when the work is over.
  void call(const std::function<void()>& call);
  // Runs `attempt` with the GIL. What it raises is thrown as an Error: the failure of one answer
  // among several.
  void attempt(const std::function<void()>& attempt);

  // With the GIL, after the work: throws what stopped it.
  void throw_raised() const;
  // What attempts raised, by the message of the Error it became: its traceback says where.
  const std::vector<std::pair<std::string, pybind11::object>>& causes() const { return causes_; }

  // With the GIL: raises KeyboardInterrupt in Python code that a call runs now.
  void interrupt() const;

 private:
  class Inside;

  Cancellation& cancellation_;
  // All below is guarded by the GIL.
  std::exception_ptr raised_;
  std::vector<unsigned long> inside_;  // threads in a call, as Python numbers them
  std::vector<std::pair<std::string, pybind11::object>> causes_;
};

// work_apart for work that calls into Python.
void work_apart(Cancellation& cancellation, const CallsToPython& calls,
                const std::function<void()>& work);

}  // namespace pellucid

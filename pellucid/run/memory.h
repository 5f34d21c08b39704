// The memory of tensors on the CPU: counted, bounded, and kept for the next tensor of that size.
#pragma once

#include <cstdint>

namespace pellucid {

// From now on all new CPU tensors of the process (LibTorch's and oneDNN's alike) get their memory
// here. A request beyond `limit` bytes alive at one time throws Error (Fault::too_large) instead of
// waking the system's out-of-memory killer; 0: nine tenths of the machine's memory, or of what its
// control group grants. Mapped weights do not count. Freed blocks of a megabyte and more are kept
// and handed out again: fresh pages from the system cost more than many an operator.
// Call it once, before there are threads.
void watch_memory(std::int64_t limit = 0);

struct MemoryUse {
  std::int64_t live = 0;  // bytes of tensors now; 0 until memory is watched
  std::int64_t peak = 0;  // the most there ever were
};
MemoryUse memory_use();

// While it lives, what this thread allocates on top of what it has now is bounded, too; without
// effect until memory is watched. 0 bytes: no bound of its own.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::int64_t bytes);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::int64_t outer_, outer_bound_;
};

// What is allocated while it lives stays with the model: no MemoryLimit counts it.
class ModelMemory {
 public:
  ModelMemory();
  ~ModelMemory();
  ModelMemory(const ModelMemory&) = delete;
  ModelMemory& operator=(const ModelMemory&) = delete;

 private:
  std::int64_t outer_, before_;
};

}  // namespace pellucid

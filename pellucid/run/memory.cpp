// The allocator behind LibTorch's CPU tensors. A block is a header of one cache line and the bytes
// handed out after it.
#include "pellucid/run/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>

#include "pellucid/base/error.h"
#include "pellucid/base/text.h"

namespace pellucid {
namespace {

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t line = 64;  // also what vector instructions want
#ifdef PELLUCID_SANITIZED
constexpr std::size_t kept_from =
    std::numeric_limits<std::size_t>::max();  // it watches freed blocks
#else
constexpr std::size_t kept_from = std::size_t{1} << 20;
#endif
constexpr std::size_t granule = std::size_t{1} << 16;  // of the sizes of kept blocks

// LibTorch knows one allocator per process, so its books are the process's, too.
std::atomic<std::int64_t> live{0}, peak{0}, kept{0}, process_limit{unlimited};
// Of this thread: what it has, how much it may have, and the bound that was asked for.
thread_local std::int64_t own_live = 0, own_limit = unlimited, own_bound = 0;

struct Header {
  std::size_t size;  // of what follows
};
static_assert(sizeof(Header) <= line);

class Blocks {
 public:
  // A kept block of at least that size and no more than `spare` above it; nullptr: none.
  void* take(std::size_t size, std::size_t spare) {
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.lower_bound(size);
    if (found == blocks_.end() || found->first > size + spare) return nullptr;
    void* block = found->second.block;
    forget(found);
    return block;
  }

  // No more is kept than was ever in use: the oldest blocks make room, for work of other shapes has
  // come since. False: there is no room.
  bool keep(void* block, std::size_t size) {
    const auto bytes = static_cast<std::int64_t>(size);
    if (bytes > peak || live + bytes > process_limit) return false;
    const std::lock_guard lock(mutex_);
    while (!blocks_.empty() && (kept + bytes > peak || live + kept + bytes > process_limit)) {
      const auto oldest = std::ranges::min_element(
          blocks_, {}, [](const auto& entry) { return entry.second.number; });
      std::free(oldest->second.block);
      forget(oldest);
    }
    blocks_.emplace(size, Kept{block, ++count_});
    kept += bytes;
    return true;
  }

  void drop_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, one] : blocks_) std::free(one.block);
    blocks_.clear();
    kept = 0;
  }

 private:
  struct Kept {
    void* block;
    std::uint64_t number;  // the lower, the longer it has been kept
  };

  void forget(std::multimap<std::size_t, Kept>::iterator entry) {
    kept -= static_cast<std::int64_t>(entry->first);
    blocks_.erase(entry);
  }

  std::mutex mutex_;
  std::multimap<std::size_t, Kept> blocks_;
  std::uint64_t count_ = 0;
};

// Never destroyed: tensors may outlive every other object of the process.
Blocks& blocks() {
  static auto* all = new Blocks;
  return *all;
}

void* allocate_block(std::size_t size) {
  if (size == 0) return nullptr;
  // Sizes near the largest number would wrap when rounded.
  if (size > static_cast<std::size_t>(unlimited) / 2)
    throw Error(Fault::too_large, "out of memory");
  const std::size_t step = size >= kept_from ? granule : line;
  size = (size + step - 1) / step * step;
  const auto bytes = static_cast<std::int64_t>(size);
  // A thread that frees what others allocated has less than nothing.
  const bool own = own_live + bytes > own_limit;
  if (own || live + bytes > process_limit) {
    const std::int64_t left = own ? own_limit - own_live : process_limit - live;
    throw Error(
        Fault::too_large,
        "out of memory: " + human_bytes(static_cast<double>(bytes)) + " more were needed, " +
            human_bytes(static_cast<double>(std::max<std::int64_t>(left, 0))) + " were left of " +
            human_bytes(static_cast<double>(own ? own_bound : process_limit.load())));
  }
  // What is spared counts as used: where nobody counts, sizes may share blocks more freely.
  const std::size_t spare = own_limit == unlimited ? size : size / 4;
  void* block = size >= kept_from ? blocks().take(size, spare) : nullptr;
  if (block == nullptr) {
    if (bytes + live + kept > process_limit) blocks().drop_all();
    block = std::aligned_alloc(line, size + line);
    if (block == nullptr) {
      blocks().drop_all();
      block = std::aligned_alloc(line, size + line);
    }
    if (block == nullptr) {
      throw Error(Fault::too_large, "out of memory: the system has no " +
                                        human_bytes(static_cast<double>(bytes)) + " to give");
    }
    static_cast<Header*>(block)->size = size;
  }
  const auto taken = static_cast<std::int64_t>(static_cast<Header*>(block)->size);
  own_live += taken;
  const std::int64_t now = live += taken;
  for (std::int64_t most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
  }
  return static_cast<char*>(block) + line;
}

void free_block(void* data) {
  if (data == nullptr) return;
  void* block = static_cast<char*>(data) - line;
  const std::size_t size = static_cast<Header*>(block)->size;
  own_live -= static_cast<std::int64_t>(size);
  live -= static_cast<std::int64_t>(size);
  if (size < kept_from || !blocks().keep(block, size)) std::free(block);
}

class WatchedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    void* data = allocate_block(size);
    return {data, data, &free_block, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, std::size_t size) const override {
    std::memcpy(to, from, size);
  }
};

// The machine's memory, or the control group's share of it.
std::int64_t memory_there_is() {
  std::int64_t bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::int64_t granted = 0;  // the file may say "max"
    if (file >> granted && granted > 0) bytes = std::min(bytes, granted);
  }
  return bytes;
}

}  // namespace

void watch_memory(std::int64_t limit) {
  static WatchedAllocator allocator;
  process_limit = limit > 0 ? limit : memory_there_is() / 10 * 9;
  c10::SetCPUAllocator(&allocator);
}

MemoryUse memory_use() { return {live, peak}; }

MemoryLimit::MemoryLimit(std::int64_t bytes) : outer_(own_limit), outer_bound_(own_bound) {
  if (bytes <= 0 || own_live > unlimited - bytes || own_live + bytes > own_limit) return;
  own_limit = own_live + bytes;
  own_bound = bytes;
}
MemoryLimit::~MemoryLimit() {
  own_limit = outer_;
  own_bound = outer_bound_;
}

ModelMemory::ModelMemory() : outer_(own_limit), before_(own_live) { own_limit = unlimited; }
ModelMemory::~ModelMemory() {
  const std::int64_t taken = own_live - before_;
  own_live -= taken;
  own_limit = outer_;
}

}  // namespace pellucid

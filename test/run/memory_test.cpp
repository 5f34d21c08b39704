// The books of tensors' memory: what is counted, bounded, kept and given back.
#include "pellucid/run/memory.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

#include "test/running.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t megabyte = 1 << 20;

at::Tensor bytes(std::int64_t size) { return at::empty({size}, at::kByte); }

class Memory : public ::testing::Test {
 protected:
  Memory() { watch_memory(); }
};

TEST_F(Memory, CountsWhatIsAliveAndTheMostThereWas) {
  const std::int64_t before = memory_use().live;
  {
    const at::Tensor block = bytes(10 * megabyte);
    EXPECT_EQ(memory_use().live - before, 10 * megabyte);
    EXPECT_GE(memory_use().peak, before + 10 * megabyte);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data_ptr()) % 64, 0U);
  }
  EXPECT_EQ(memory_use().live, before);
}

TEST_F(Memory, HandsAFreedBlockOutAgainAndMayBeWrittenToTheEnd) {
  for (const std::int64_t size : {std::int64_t{1}, std::int64_t{63}, megabyte, 3 * megabyte + 7}) {
    for (int round = 0; round < 3; ++round) {
      at::Tensor block = bytes(size);
      block.fill_(round);
      EXPECT_EQ(block.sum().item<std::int64_t>(), size * round);
    }
  }
}

#ifndef PELLUCID_SANITIZED
TEST_F(Memory, KeepsTheBlocksThatWereInUseLast) {
  // The most that is kept, and then a block that leaves the next one no room beside it.
  for (const std::int64_t size : {256, 200}) bytes(size * megabyte).fill_(1);
  const auto pages_of = [](std::int64_t size) {
    rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    bytes(size).fill_(1);
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
  };
  constexpr std::int64_t other = 90 * megabyte;
  EXPECT_GT(pages_of(other), 16) << "it comes from the system";
  EXPECT_LT(pages_of(other), 16) << "it was kept, and what is older made room";
}
#endif

TEST_F(Memory, RefusesWhatAThreadMayNotHave) {
  const MemoryLimit limit(8 * megabyte);
  const at::Tensor first = bytes(5 * megabyte);
  const Error error = error_of([] { bytes(4 * megabyte); });
  EXPECT_EQ(error.fault(), Fault::too_large);
  EXPECT_THAT(error.what(), HasSubstr("4 MiB more were needed, 3 MiB were left of 8 MiB"));
  const at::Tensor second = bytes(2 * megabyte);
  {
    const MemoryLimit wider(100 * megabyte);  // an inner bound never widens an outer one
    EXPECT_EQ(error_of([] { bytes(2 * megabyte); }).fault(), Fault::too_large);
    const ModelMemory stays;
    EXPECT_EQ(bytes(20 * megabyte).numel(), 20 * megabyte);
  }
  std::thread([] { EXPECT_EQ(bytes(20 * megabyte).numel(), 20 * megabyte); }).join();
}

TEST_F(Memory, DoesNotCountWhatStaysWithTheModel) {
  const MemoryLimit limit(4 * megabyte);
  at::Tensor weights;
  {
    const ModelMemory stays;
    weights = bytes(8 * megabyte);
  }
  EXPECT_EQ(bytes(4 * megabyte).numel(), 4 * megabyte);
}

TEST_F(Memory, RefusesMoreThanTheMachineHas) {
  const Error error = error_of([] { at::ones({400000, 400000}); });
  EXPECT_EQ(error.fault(), Fault::too_large);
  EXPECT_THAT(error.what(), HasSubstr("more were needed"));
  EXPECT_EQ(error_of([] { bytes(std::numeric_limits<std::int64_t>::max() - 100); }).fault(),
            Fault::too_large);
}

}  // namespace
}  // namespace pellucid

// Queues: bounded, in order, with those who left out of the way; what is done together.
#include "pellucid/serve/lanes.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "pellucid/serve/pace.h"

namespace pellucid {
namespace {

// A task that waits until it is let go.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

std::shared_ptr<Task> task(std::string id = {}) {
  auto made = std::make_shared<Task>();
  made->route.id = std::move(id);
  return made;
}

// The first run of a lane stays until the gate opens; all runs are noted.
class LanesTest : public ::testing::Test {
 protected:
  LaneWork work() {
    return {[](const Tasks& waiting) {
              Tasks chosen;
              for (const auto& each : waiting) {
                if (each->route.id == waiting.front()->route.id) chosen.push_back(each);
              }
              return chosen;
            },
            [this](const Tasks& tasks, const Cancellation& cancellation) {
              started_.open();
              if (!cancellation.requested()) gate_.wait();
              const std::lock_guard lock(mutex_);
              for (const auto& each : tasks)
                (cancellation.requested() ? gone_ : done_) += each->route.id;
              runs_.push_back(tasks.size());
            }};
  }

  Gate started_, gate_;
  std::mutex mutex_;
  std::string done_, gone_;
  std::vector<std::size_t> runs_;
};

const std::string names[] = {"m"};

// A thread's last word.
struct LastWord {
  Gate& said;
  ~LastWord() { said.open(); }
};

TEST_F(LanesTest, KeepNoThreadThatHasNothingToDo) {
  gate_.open();
  Gate ended, again;
  LaneWork noted = work();
  noted.run = [&, run = noted.run](const Tasks& tasks, const Cancellation& cancellation) {
    run(tasks, cancellation);
    if (tasks.front()->route.id == "b") return again.open();
    thread_local LastWord word{ended};
  };
  Lanes lanes(names, 2, noted, std::chrono::milliseconds(1));
  ASSERT_TRUE(lanes.submit("m", task("a")));
  ended.wait();
  ASSERT_TRUE(lanes.submit("m", task("b")));
  again.wait();
  EXPECT_EQ(done_, "ab");
}

TEST_F(LanesTest, BoundWhatWaitsAndLetThoseWhoLeftMakeRoom) {
  {
    Lanes lanes(names, 2, work());
    ASSERT_TRUE(lanes.submit("m", task("a")));
    started_.wait();
    EXPECT_EQ(lanes.running(), 1);
    const auto leaves = task("b");
    ASSERT_TRUE(lanes.submit("m", leaves));
    ASSERT_TRUE(lanes.submit("m", task("c")));
    EXPECT_FALSE(lanes.submit("m", task("d"))) << "two wait already";
    lanes.leave(leaves);
    EXPECT_TRUE(lanes.submit("m", task("e")));
    EXPECT_EQ(lanes.waiting(), 2);
    gate_.open();
  }
  EXPECT_EQ(done_, "ace");
  EXPECT_EQ(gone_, "b");
}

TEST_F(LanesTest, DoTogetherWhatWasChosenAndKeepTheOrderOfTheRest) {
  {
    Lanes lanes(names, 9, work());
    ASSERT_TRUE(lanes.submit("m", task("x")));
    started_.wait();
    for (const char* id : {"a", "b", "a", "c", "a"}) ASSERT_TRUE(lanes.submit("m", task(id)));
    EXPECT_EQ(lanes.waiting(), 5);
    gate_.open();
  }
  EXPECT_EQ(done_, "xaaabc");
  EXPECT_EQ(runs_, (std::vector<std::size_t>{1, 3, 1, 1}));
}

TEST(Lanes, ThoseWhoWereAnsweredTogetherAreWaitedForTogether) {
  std::mutex mutex;
  std::vector<std::size_t> runs;
  Gate first, all;
  const LaneWork work{[](const Tasks& waiting) { return waiting; },
                      [&](const Tasks& tasks, const Cancellation&) {
                        {
                          const std::lock_guard lock(mutex);
                          runs.push_back(tasks.size());
                        }
                        if (runs.size() == 1) first.wait();
                        // Long enough for a twentieth of it to be noticed.
                        std::this_thread::sleep_for(std::chrono::milliseconds(600));
                        if (runs.size() == 3) all.open();
                      }};
  const std::vector<std::string> lane_names = {"m"};
  Lanes lanes(lane_names, 8, work, std::chrono::seconds(2), std::chrono::seconds(1));
  lanes.submit("m", task());
  while (lanes.running() == 0) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) lanes.submit("m", task());
  first.open();
  while (lanes.waiting() > 0) std::this_thread::yield();  // the three run
  while (lanes.running() > 0) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    lanes.submit("m", task());
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  all.wait();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(runs, (std::vector<std::size_t>{1, 3, 3}));
}

TEST_F(LanesTest, CancelWhatRunsWhenAllOfItHaveLeft) {
  {
    Lanes lanes(names, 9, work());
    ASSERT_TRUE(lanes.submit("m", task("x")));
    started_.wait();
    const auto one = task("a"), two = task("a");
    ASSERT_TRUE(lanes.submit("m", one));
    ASSERT_TRUE(lanes.submit("m", two));
    lanes.leave(one);
    gate_.open();
  }
  EXPECT_EQ(done_, "xa") << "the other of the two is still waited for";
  EXPECT_EQ(gone_, "a");
}

TEST(Lanes, TellTheRunningWorkOnceTheLastHasLeft) {
  Gate started, told;
  {
    Lanes lanes(names, 9,
                {[](const Tasks& waiting) { return waiting; },
                 [&](const Tasks&, const Cancellation& cancellation) {
                   started.open();
                   while (!cancellation.requested()) std::this_thread::yield();
                   told.open();
                 }});
    const auto only = task();
    ASSERT_TRUE(lanes.submit("m", only));
    started.wait();
    lanes.leave(only);
    told.wait();
  }
}

TEST(Pace, TriesBothWaysAndTakesTheQuicker) {
  for (const double together : {0.5, 2.0}) {
    Pace pace;
    int one_by_one = 0, as_one = 0;
    for (int i = 0; i < 1000; ++i) {
      if (pace.together("a")) {
        ++as_one;
        pace.measured("a", 8, 8, 8 * together);
      } else {
        ++one_by_one;
        pace.measured("a", 1, 1, 1.0);
      }
    }
    EXPECT_GT(together < 1 ? as_one : one_by_one, 950);
    EXPECT_GE(together < 1 ? one_by_one : as_one, 10) << "it may change: the other is tried again";
  }
}

TEST(Pace, CountsInputsAndForgetsAnOutlier) {
  Pace pace;
  for (int i = 0; i < 3; ++i) {
    pace.measured("a", 1, 4, 4.0);                   // 1 second an input
    pace.measured("a", 2, 8, i == 0 ? 800.0 : 4.0);  // half of it, but for the first time
  }
  EXPECT_TRUE(pace.together("a"));
  pace.never_together("a");
  EXPECT_FALSE(pace.together("a"));
  EXPECT_TRUE(pace.together("b")) << "of each company its own";
}

}  // namespace
}  // namespace pellucid

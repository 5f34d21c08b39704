// The log never keeps anybody waiting; what it loses is counted and said.
#include "pellucid/serve/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "pellucid/serve/tickets.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

TEST(Log, WritesInOrderAndAllOfItBeforeItEnds) {
  std::vector<std::string> lines;
  {
    Log log([&](std::string_view line) { lines.emplace_back(line); });
    for (int i = 0; i < 1000; ++i) log.add(std::to_string(i));
  }
  ASSERT_EQ(lines.size(), 1000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST(Log, LosesLinesRatherThanWaitAndSaysHowMany) {
  std::vector<std::string> lines;
  std::promise<void> begun, read;
  {
    Log log(
        [&, first = true](std::string_view line) mutable {
          if (std::exchange(first, false)) {
            begun.set_value();
            read.get_future().wait();
          }
          lines.emplace_back(line);
        },
        2);
    log.add("a");
    begun.get_future().wait();
    for (const char* line : {"b", "c", "d", "e", "f"}) log.add(line);
    EXPECT_EQ(log.lost(), 3) << "one is being written and two wait";
    read.set_value();
  }
  ASSERT_EQ(lines.size(), 4);
  EXPECT_EQ(lines[0], "a");
  EXPECT_THAT(lines[1], HasSubstr("\"log_lines_lost\",\"count\":3"));
  EXPECT_EQ(lines[2], "b");
  EXPECT_EQ(lines[3], "c");
}

TEST(Log, EndsThoughNobodyReads) {
  // The thread that is left behind outlives this test.
  static std::promise<void> never;
  const auto start = std::chrono::steady_clock::now();
  {
    Log log([](std::string_view) { never.get_future().wait(); });
    log.add("a");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  never.set_value();
}

TEST(Tickets, TellTheStateUntilTheEnd) {
  Tickets tickets;
  EXPECT_EQ(tickets.document("7")["state"], "unknown");
  const auto ticket = tickets.issue("7");
  EXPECT_EQ(tickets.document("7")["state"], "waiting");
  ticket->run();
  ticket->tell({"explaining", 3, 10});
  const Json told = tickets.document("7");
  EXPECT_EQ(told["state"], "running");
  EXPECT_EQ(told["stage"], "explaining");
  EXPECT_EQ(told["done"], 3);
  EXPECT_EQ(told["total"], 10);
  EXPECT_GE(told["seconds"].get<double>(), 0);
  ticket->end();
  EXPECT_EQ(tickets.document("7")["state"], "unknown");
}

TEST(Tickets, OfTwoWithOneIdTheLaterIsFound) {
  Tickets tickets;
  const auto first = tickets.issue("7"), second = tickets.issue("7");
  second->run();
  EXPECT_EQ(tickets.document("7")["state"], "running");
}

}  // namespace
}  // namespace pellucid

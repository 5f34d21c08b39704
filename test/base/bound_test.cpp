// A table's entry calls a plain function, or one with its state; both are constants.
#include "pellucid/base/bound.h"

#include <gtest/gtest.h>

namespace pellucid {
namespace {

int doubled(int value) { return 2 * value; }
int multiplied(const void* factor, int value) { return *static_cast<const int*>(factor) * value; }

constexpr int three = 3;
constinit const Bound<int(int)> plain = doubled;
constinit const Bound<int(int)> with_state = {multiplied, &three};
constinit const Bound<int(int)> nothing;

TEST(Bound, CallsAPlainFunction) {
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain(4), 8);
}

TEST(Bound, CallsAFunctionWithItsState) {
  ASSERT_TRUE(with_state);
  EXPECT_EQ(with_state(4), 12);
  int factor = 5;
  const Bound<int(int)> made_now(multiplied, &factor);
  const Bound<int(int)> copy = made_now;
  factor = 6;
  EXPECT_EQ(copy(4), 24) << "the state is shared, not copied";
}

TEST(Bound, IsFalseWithoutAFunction) { EXPECT_FALSE(nothing); }

}  // namespace
}  // namespace pellucid

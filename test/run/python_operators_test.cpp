// Python's arithmetic on symbolic sizes, as Python does it.
#include "pellucid/run/python_operators.h"

#include <gtest/gtest.h>

#include "test/running.h"

namespace pellucid {
namespace {

c10::IValue python(const char* op, const std::vector<c10::IValue>& operands) {
  return evaluate_python(op, operands);
}

TEST(PythonOperators, DivideAsPythonDoes) {
  const struct {
    std::int64_t a, b, quotient, rest;
  } rows[] = {{7, 2, 3, 1},   {-7, 2, -4, 1}, {7, -2, -4, -1}, {-7, -2, 3, -1}, {6, 3, 2, 0},
              {-6, 3, -2, 0}, {0, 5, 0, 0},   {1, -5, -1, -4}, {5, -1, -5, 0}};
  for (const auto& row : rows) {
    EXPECT_EQ(python("python::floordiv", {row.a, row.b}).toInt(), row.quotient)
        << row.a << " // " << row.b;
    EXPECT_EQ(python("python::mod", {row.a, row.b}).toInt(), row.rest) << row.a << " % " << row.b;
  }
  EXPECT_EQ(python("truediv", {std::int64_t{7}, std::int64_t{2}}).toDouble(), 3.5);
  EXPECT_EQ(python("floordiv", {-3.5, std::int64_t{2}}).toDouble(), -2.0);
  EXPECT_EQ(python("mod", {-3.5, std::int64_t{2}}).toDouble(), 0.5);
}

TEST(PythonOperators, RoundAsPythonDoes) {
  EXPECT_EQ(python("round", {2.5}).toInt(), 2);  // to even
  EXPECT_EQ(python("round", {3.5}).toInt(), 4);
  EXPECT_EQ(python("trunc", {-2.7}).toInt(), -2);
  EXPECT_EQ(python("floor", {-2.1}).toInt(), -3);
  EXPECT_EQ(python("ceil", {-2.9}).toInt(), -2);
  EXPECT_EQ(python("pow", {std::int64_t{-3}, std::int64_t{3}}).toInt(), -27);
  EXPECT_EQ(python("pow", {std::int64_t{2}, std::int64_t{-1}}).toDouble(), 0.5);
}

TEST(PythonOperators, CompareAndChoose) {
  EXPECT_TRUE(python("le", {std::int64_t{2}, std::int64_t{2}}).toBool());
  EXPECT_FALSE(python("lt", {std::int64_t{2}, std::int64_t{2}}).toBool());
  EXPECT_EQ(python("sym_max", {std::int64_t{2}, std::int64_t{7}}).toInt(), 7);
  EXPECT_EQ(python("sym_ite", {false, std::int64_t{1}, std::int64_t{2}}).toInt(), 2);
  EXPECT_EQ(python("sym_sum", {c10::IValue(c10::List<std::int64_t>({1, 2, 3}))}).toInt(), 6);
  EXPECT_EQ(python("getitem", {c10::IValue(c10::List<std::int64_t>({1, 2, 3})), std::int64_t{-1}})
                .toInt(),
            3);
  EXPECT_TRUE(python("and_", {true, true}).toBool());
  EXPECT_EQ(python("and_", {std::int64_t{6}, std::int64_t{3}}).toInt(), 2);
}

TEST(PythonOperators, CompareLargeWholeNumbersExactly) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;  // not a double
  EXPECT_FALSE(python("eq", {large, large - 1}).toBool());
  EXPECT_TRUE(python("gt", {large, large - 1}).toBool());
  EXPECT_EQ(python("sym_max", {large - 1, large}).toInt(), large);
}

TEST(PythonOperators, RefuseWhatOverflowsOrHasNoMeaning) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(),
                     least = std::numeric_limits<std::int64_t>::min();
  const struct {
    const char* op;
    std::int64_t a, b;
  } rows[] = {{"add", most, 1},        {"sub", least, 1},  {"mul", most, 2},   {"pow", 10, 40},
              {"floordiv", least, -1}, {"mod", 1, 0},      {"floordiv", 1, 0}, {"truediv", 1, 0},
              {"lshift", 1, 63},       {"lshift", most, 1}};
  for (const auto& row : rows) {
    EXPECT_EQ(error_of([&] { python(row.op, {row.a, row.b}); }).fault(), Fault::model) << row.op;
  }
  EXPECT_EQ(error_of([&] { python("neg", {least}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("abs", {least}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("floordiv", {1.5, 0.0}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("mod", {1.5, 0.0}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] { python("int", {1e300}); }).fault(), Fault::model);
  EXPECT_EQ(error_of([&] {
              python("add", {std::string("a"), std::int64_t{1}});
            }).fault(),
            Fault::model);
  EXPECT_EQ(error_of([&] {
              python("getitem", {c10::IValue(c10::List<std::int64_t>({1})), std::int64_t{1}});
            }).fault(),
            Fault::model);
  EXPECT_EQ(error_of([&] {
              python("add", {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}});
            }).fault(),
            Fault::model);
}

}  // namespace
}  // namespace pellucid

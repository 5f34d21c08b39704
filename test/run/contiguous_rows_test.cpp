// Linear layers on transposed inputs: the same numbers and gradients, read as one matrix.
#include <gtest/gtest.h>

#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

// The same products, summed in another order.
constexpr double rounding = 1e-6;

std::shared_ptr<const Graph> tokens_first(const std::string& view,
                                          const std::vector<In>& operands) {
  Net net;
  std::vector<In> all = {net.input("x", {any, 5, 4})};
  all.insert(all.end(), operands.begin(), operands.end());
  const ValueId turned = net.call("turned", view, all, {5, any, 4});
  const ValueId mapped = net.call(
      "mapped", "linear.default",
      {turned, net.constant("w", noise({6, 4}, 1)), net.constant("b", noise({6}, 2))}, {5, any, 6});
  return net.returning(
      {net.call("back", "transpose.int", {mapped, whole(0), whole(1)}, {any, 5, 6})});
}

TEST(ContiguousRows, CopyATransposedInputAndChangeNoNumber) {
  for (const auto& plain : {tokens_first("transpose.int", {whole(0), whole(1)}),
                            tokens_first("permute.default", {sizes({1, 0, 2})})}) {
    const auto rows = contiguous_rows(plain);
    EXPECT_EQ(rows->nodes().size(), plain->nodes().size() + 1);
    for (const Value& value : plain->values()) EXPECT_NE(rows->find(value.name), no_value);
    for (const std::int64_t batch : {1, 3}) {
      const at::Tensor x = noise({batch, 5, 4}, 3), upstream = noise({batch, 5, 6}, 4);
      EXPECT_TRUE(near(answer_of(rows, x), answer_of(plain, x), rounding));
      EXPECT_TRUE(near(gradient_of(rows, x, upstream), gradient_of(plain, x, upstream), rounding));
    }
  }
}

TEST(ContiguousRows, LeaveOtherInputs) {
  Net net;
  const ValueId x = net.input("x", {any, 5, 4});
  const auto graph = net.returning({net.call(
      "mapped", "linear.default", {x, net.constant("w", noise({6, 4}, 1))}, {any, 5, 6})});
  EXPECT_EQ(contiguous_rows(graph), graph);
}

}  // namespace
}  // namespace pellucid

// Selections moved before what treats every position by itself: the same numbers and gradients from
// fewer of them, and the graphs in which that would be wrong.
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "pellucid/run/rewrites.h"
#include "test/near.h"
#include "test/networks.h"
#include "test/running.h"

namespace pellucid {
namespace {

// The same operations on the same numbers, by other kernels.
constexpr double rounding = 1e-6;

constexpr std::int64_t tokens = 5, width = 4;
const Shape wide = {any, tokens, width};

// The end of an encoder: tokens are mixed, then a block with a shortcut, then one is selected.
struct Encoder {
  Net net;
  ValueId mixed, normed, hidden, last;

  Encoder() {
    const ValueId x = net.input("x", wide);
    mixed = net.call("mixed", "softmax.int", {x, whole(1)}, wide);
    normed = net.call("normed", "layer_norm.default",
                      {mixed, sizes({width}), net.constant("scale", noise({width}, 1)),
                       net.constant("shift", noise({width}, 2)), real(1e-6)},
                      wide);
    hidden = net.call(
        "hidden", "linear.default",
        {normed, net.constant("w1", noise({7, width}, 3)), net.constant("b1", noise({7}, 4))},
        {any, tokens, 7});
    const ValueId bent = net.call("bent", "gelu.default", {hidden}, {any, tokens, 7});
    const ValueId dropped =
        net.call("dropped", "dropout.default", {bent, real(0.1), truth(false)}, {any, tokens, 7});
    const ValueId back = net.call("back", "linear.default",
                                  {dropped, net.constant("w2", noise({width, 7}, 5))}, wide);
    const ValueId scaled =
        net.call("scaled", "mul.Tensor", {back, net.constant("gamma", noise({width}, 6))}, wide);
    last = net.call("last", "add.Tensor", {mixed, scaled}, wide);
  }
  // As `from[:, index]` is exported: the colon stays as a slice of everything.
  ValueId select(ValueId from, std::int64_t dim, std::int64_t index) {
    from = net.call("all", "slice.Tensor", {from, whole(0)}, wide);
    return net.call("selected", "select.int", {from, whole(dim), whole(index)}, {any, width});
  }
};

void expect_same(const std::shared_ptr<const Graph>& plain,
                 const std::shared_ptr<const Graph>& early) {
  for (const std::int64_t batch : {1, 3}) {
    const at::Tensor x = noise({batch, tokens, width}, 8);
    const at::Tensor wanted = answer_of(plain, x), upstream = noise(wanted.sizes(), 9);
    ASSERT_GT(magnitude(wanted), 0.1);
    EXPECT_TRUE(near(answer_of(early, x), wanted, rounding));
    const at::Tensor gradient = gradient_of(plain, x, upstream);
    ASSERT_GT(magnitude(gradient), 0.01);
    EXPECT_TRUE(near(gradient_of(early, x, upstream), gradient, rounding));
  }
}

TEST(SelectEarly, ComputesOnePositionOfTheLastBlock) {
  for (const auto& [dim, index] : {std::pair{1, 0}, std::pair{-2, 3}, std::pair{1, -1}}) {
    Encoder encoder;
    const auto plain = encoder.net.returning({encoder.select(encoder.last, dim, index)});
    const auto early = select_early(plain);
    // What the mixing made is sliced once, though the block reads it twice.
    EXPECT_EQ(early->nodes().size(), plain->nodes().size() + 1);
    EXPECT_NE(early->find("mixed"), no_value);
    for (const char* gone : {"normed", "hidden", "last"}) EXPECT_EQ(early->find(gone), no_value);
    expect_same(plain, early);
  }
}

TEST(SelectEarly, LeavesWhatOthersReadToo) {
  Encoder encoder;
  const ValueId selected = encoder.select(encoder.last, 1, 0);
  const auto plain = encoder.net.returning({selected, encoder.hidden});
  const auto early = select_early(plain);
  EXPECT_NE(early->find("hidden"), no_value);
  EXPECT_NE(early->find("normed"), no_value);
  EXPECT_EQ(early->find("last"), no_value);
  const at::Tensor x = noise({2, tokens, width}, 8);
  const auto wanted = run_all(Executor(plain), {x}), got = run_all(Executor(early), {x});
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(near(got[i], wanted[i], rounding));
}

TEST(SelectEarly, LeavesGraphsThatReadEveryPosition) {
  {  // two positions of one value
    Encoder encoder;
    const ValueId first =
        encoder.net.call("first", "select.int", {encoder.last, whole(1), whole(0)}, {any, width});
    const ValueId second =
        encoder.net.call("second", "select.int", {encoder.last, whole(1), whole(1)}, {any, width});
    const auto graph = encoder.net.returning(
        {encoder.net.call("sum", "add.Tensor", {first, second}, {any, width})});
    EXPECT_EQ(select_early(graph), graph);
  }
  {  // a channel of every token: the layer norm and the linear layers read all channels
    Encoder encoder;
    const auto graph = encoder.net.returning({encoder.net.call(
        "selected", "select.int", {encoder.normed, whole(2), whole(0)}, {any, tokens})});
    EXPECT_EQ(select_early(graph), graph);
  }
  {  // the number of positions is not known
    Net net;
    const ValueId x = net.input("x", {any, any, width});
    const ValueId y = net.call("y", "gelu.default", {x}, {any, any, width});
    const auto graph =
        net.returning({net.call("selected", "select.int", {y, whole(1), whole(0)}, {any, width})});
    EXPECT_EQ(select_early(graph), graph);
  }
  {  // written to later
    Net net;
    const ValueId x = net.input("x", wide);
    const ValueId y = net.call("y", "gelu.default", {x}, wide);
    const ValueId z = net.call("z", "mul.Tensor", {y, real(2)}, wide);
    const ValueId first = net.call("first", "select.int", {z, whole(1), whole(0)}, {any, width});
    const ValueId more = net.call("more", "add_.Tensor", {z, real(1)}, wide);
    const ValueId other = net.call("other", "sum.dim_IntList", {more, sizes({1})}, {any, width});
    const auto graph = net.returning({net.call("sum", "add.Tensor", {first, other}, {any, width})});
    EXPECT_EQ(select_early(graph), graph);
  }
}

TEST(SelectEarly, BroadcastsAsBefore) {
  for (const Shape& shape : {Shape{width}, Shape{1, 1, width}, Shape{1, tokens, width}}) {
    Net net;
    const ValueId x = net.input("x", wide);
    std::vector<std::int64_t> dims;
    for (const auto& size : shape) dims.push_back(*size);
    const ValueId place = net.constant("place", noise(dims, 1));
    const ValueId sum = net.call("sum", "add.Tensor", {place, x}, wide);
    const auto plain = net.returning({net.call(
        "selected", "select.int",
        {net.call("bent", "tanh.default", {sum}, wide), whole(1), whole(2)}, {any, width})});
    const auto early = select_early(plain);
    EXPECT_EQ(early->find("sum"), no_value);
    expect_same(plain, early);
  }
  Net net;  // a table that is aligned from the right, without the batch: left as it is, and right
  const ValueId x = net.input("x", wide);
  const ValueId sum =
      net.call("sum", "add.Tensor", {x, net.constant("place", noise({tokens, width}, 1))}, wide);
  const ValueId bent = net.call("bent", "tanh.default", {sum}, wide);
  const auto plain =
      net.returning({net.call("selected", "select.int", {bent, whole(1), whole(2)}, {any, width})});
  expect_same(plain, select_early(plain));
}

}  // namespace
}  // namespace pellucid

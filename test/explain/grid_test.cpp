// Where values have places in the picture, and the layer that class activation maps choose.
#include "pellucid/explain/grid.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "test/networks.h"

namespace pellucid {
namespace {

// Patches of 4 by 4 out of 16 by 12, a class token, one attention (fused or written out), an MLP
// with a shortcut.
std::shared_ptr<const Graph> vision_transformer(bool fused, bool class_token = true) {
  Net net;
  const std::int64_t tokens = class_token ? 13 : 12;
  const Shape sequence = {any, tokens, 8}, heads = {any, 2, tokens, 4};
  const auto ones8 = net.constant("norm.weight", at::ones({8}));
  const auto linear = [&](const std::string& name, ValueId x, std::uint64_t seed) {
    return net.call(name, "linear.default",
                    {x, net.constant(name + ".weight", noise({8, 8}, seed))}, sequence);
  };
  const auto norm = [&](const std::string& name, ValueId x) {
    return net.call(name, "layer_norm.default", {x, sizes({8}), ones8}, sequence);
  };
  const auto split = [&](const std::string& name, ValueId x) {
    const ValueId view = net.call(name + "_view", "view.default", {x, sizes({-1, tokens, 2, 4})},
                                  {any, tokens, 2, 4});
    return net.call(name + "_heads", "transpose.int", {view, whole(1), whole(2)}, heads);
  };
  const ValueId x = net.input("x", {any, 3, 16, 12});
  const ValueId patches = net.call(
      "patches", "conv2d.default",
      {x, net.constant("p", noise({8, 3, 4, 4}, 1)), none(), sizes({4, 4})}, {any, 8, 4, 3});
  const ValueId flat = net.call("flat", "flatten.using_ints", {patches, whole(2)}, {any, 8, 12});
  ValueId now = net.call("tokens", "transpose.int", {flat, whole(1), whole(2)}, {any, 12, 8});
  if (class_token)
    now = net.call("all", "constant_pad_nd.default", {now, sizes({0, 0, 1, 0})}, sequence);
  for (const std::string block : {"a", "b"}) {
    const ValueId normed = norm(block + "_norm1", now);
    const ValueId q = split(block + "_q", linear(block + "_to_q", normed, 2));
    const ValueId k = split(block + "_k", linear(block + "_to_k", normed, 3));
    const ValueId v = split(block + "_v", linear(block + "_to_v", normed, 4));
    ValueId attended = no_value;
    if (fused) {
      attended =
          net.call(block + "_attended", "scaled_dot_product_attention.default", {q, k, v}, heads);
    } else {
      const ValueId kt =
          net.call(block + "_kt", "transpose.int", {k, whole(-2), whole(-1)}, {any, 2, 4, tokens});
      const ValueId scores =
          net.call(block + "_scores", "matmul.default", {q, kt}, {any, 2, tokens, tokens});
      const ValueId soft =
          net.call(block + "_soft", "softmax.int", {scores, whole(-1)}, {any, 2, tokens, tokens});
      attended = net.call(block + "_attended", "matmul.default", {soft, v}, heads);
    }
    const ValueId back = net.call(block + "_back", "transpose.int", {attended, whole(1), whole(2)},
                                  {any, tokens, 2, 4});
    const ValueId merged =
        net.call(block + "_merged", "reshape.default", {back, sizes({-1, tokens, 8})}, sequence);
    const ValueId sum =
        net.call(block + "_sum", "add.Tensor", {now, linear(block + "_out", merged, 5)}, sequence);
    const ValueId hidden =
        net.call(block + "_gelu", "gelu.default",
                 {linear(block + "_mlp", norm(block + "_norm2", sum), 6)}, sequence);
    now = net.call(block + "_end", "add.Tensor", {sum, hidden}, sequence);
  }
  const ValueId last = norm("last", now);
  const ValueId first = class_token
                            ? net.call("first", "select.int", {last, whole(1), whole(0)}, {any, 8})
                            : net.call("first", "mean.dim", {last, sizes({1})}, {any, 8});
  return net.returning(
      {net.call("y", "linear.default", {first, net.constant("head", noise({5, 8}, 7))}, {any, 5})});
}

// As Swin and ConvNeXt hold their activations: [N, H, W, C] between layer norms and linear layers.
std::shared_ptr<const Graph> channels_last_network() {
  Net net;
  const Shape grid = {any, 4, 3, 8};
  const ValueId x = net.input("x", {any, 3, 16, 12});
  const ValueId patches = net.call(
      "patches", "conv2d.default",
      {x, net.constant("p", noise({8, 3, 4, 4}, 1)), none(), sizes({4, 4})}, {any, 8, 4, 3});
  const ValueId turned =
      net.call("turned", "permute.default", {patches, sizes({0, 2, 3, 1})}, grid);
  const ValueId normed = net.call("normed", "layer_norm.default", {turned, sizes({8})}, grid);
  const ValueId mixed =
      net.call("mixed", "linear.default", {normed, net.constant("w", noise({8, 8}, 2))}, grid);
  const ValueId active = net.call("active", "gelu.default", {mixed}, grid);
  const ValueId sum = net.call("sum", "add.Tensor", {turned, active}, grid);
  const ValueId last = net.call("last", "layer_norm.default", {sum, sizes({8})}, grid);
  const ValueId pooled = net.call("pooled", "mean.dim", {last, sizes({1, 2})}, {any, 8});
  return net.returning({net.call("y", "linear.default",
                                 {pooled, net.constant("head", noise({5, 8}, 3))}, {any, 5})});
}

// As exporters write an Inception network: branches that are joined, pooled by a mean.
std::shared_ptr<const Graph> joined_network() {
  Net net;
  const ValueId x = net.input("x", {any, 3, 6, 5});
  const auto branch = [&](const std::string& name, int seed) {
    const ValueId conv =
        net.call(name + "_conv", "conv2d.default",
                 {x, net.constant(name + "_w", noise({4, 3, 1, 1}, seed))}, {any, 4, 6, 5});
    return net.call(name, "relu.default", {conv}, {any, 4, 6, 5});
  };
  const ValueId joined =
      net.call("joined", "cat.default",
               {Operand{std::vector<Operand>{{branch("left", 1)}, {branch("right", 2)}}}, whole(1)},
               {any, 8, 6, 5});
  const ValueId twice =
      net.call("twice", "cat.default",
               {Operand{std::vector<Operand>{{joined}, {joined}}}, whole(1)}, {any, 16, 6, 5});
  const ValueId pooled = net.call("pooled", "mean.dim", {twice, sizes({-1, -2})}, {any, 16});
  return net.returning({net.call("y", "linear.default",
                                 {pooled, net.constant("head", noise({5, 16}, 3))}, {any, 5})});
}

std::string chosen(const std::shared_ptr<const Graph>& graph) {
  const auto layer = find_cam_layer(*graph, graph->outputs()[0].operand.value());
  return layer ? graph->value(layer->value).name : "";
}

TEST(Grid, OfAConvolutionHasItsRowsAndColumns) {
  const auto graph = residual_network();
  const auto grid = grid_of(*graph, graph->find("relu_2"));
  ASSERT_TRUE(grid.has_value());
  EXPECT_EQ(grid->layout, Grid::Layout::channels_first);
  EXPECT_EQ(grid->height, 6);
  EXPECT_EQ(grid->width, 5);
  EXPECT_FALSE(grid_of(*graph, graph->find("pool")).has_value());
  EXPECT_FALSE(grid_of(*graph, graph->find("head")).has_value());
}

TEST(Grid, OfTokensIsThatOfTheirPatches) {
  for (const bool class_token : {true, false}) {
    const auto graph = vision_transformer(true, class_token);
    for (const char* name : {"a_norm1", "a_end", "last"}) {
      const auto grid = grid_of(*graph, graph->find(name));
      ASSERT_TRUE(grid.has_value()) << name;
      EXPECT_EQ(grid->layout, Grid::Layout::tokens);
      EXPECT_EQ(grid->height, 4) << name;
      EXPECT_EQ(grid->width, 3) << name;
      EXPECT_EQ(grid->extra_tokens, class_token ? 1 : 0) << name;
    }
  }
}

TEST(Grid, KnowsChannelsThatComeLast) {
  const auto graph = channels_last_network();
  for (const char* name : {"turned", "normed", "mixed", "active", "sum", "last"}) {
    const auto grid = grid_of(*graph, graph->find(name));
    ASSERT_TRUE(grid.has_value()) << name;
    EXPECT_EQ(grid->layout, Grid::Layout::channels_last) << name;
    EXPECT_EQ(grid->height, 4) << name;
    EXPECT_EQ(grid->width, 3) << name;
  }
  EXPECT_EQ(grid_of(*graph, graph->find("patches"))->layout, Grid::Layout::channels_first);
}

TEST(Grid, TurnsEachLayoutIntoChannelsFirst) {
  const at::Tensor plain = noise({2, 8, 4, 3}, 1);
  EXPECT_TRUE(at::equal(as_channels_first(plain, {Grid::Layout::channels_first, 4, 3, 0}), plain));
  EXPECT_TRUE(at::equal(
      as_channels_first(plain.permute({0, 2, 3, 1}), {Grid::Layout::channels_last, 4, 3, 0}),
      plain));
  const at::Tensor tokens = plain.flatten(2).transpose(1, 2);
  EXPECT_TRUE(at::equal(as_channels_first(tokens, {Grid::Layout::tokens, 4, 3, 0}), plain));
  const at::Tensor with_class = at::zeros({2, 13, 8});
  with_class.slice(1, 1).copy_(tokens);
  EXPECT_TRUE(at::equal(as_channels_first(with_class, {Grid::Layout::tokens, 4, 3, 1}), plain));
}

TEST(CamLayer, IsTheLastSpatialValueBeforeThePooling) {
  EXPECT_EQ(chosen(residual_network()), "relu_2");
  EXPECT_EQ(chosen(one_conv()), "relu1");
  EXPECT_EQ(chosen(channels_last_network()), "last");
  EXPECT_EQ(chosen(joined_network()), "twice");
}

TEST(CamLayer, IsTheInputOfTheLastAttention) {
  EXPECT_EQ(chosen(vision_transformer(true)), "b_norm1");
  EXPECT_EQ(chosen(vision_transformer(false)), "b_norm1");
  EXPECT_EQ(chosen(vision_transformer(true, false)), "b_norm1");
}

TEST(CamLayer, LeadsToTheTarget) {
  // A second branch that is deeper, but whose end is another output.
  Net net;
  const ValueId x = net.input("x", {any, 3, 6, 6});
  const ValueId stem = detail::conv(net, "stem", x, noise({4, 3, 3, 3}, 1), noise({4}, 2), 1,
                                    {any, 4, 6, 6}, Form::functional);
  const ValueId pooled = net.call("pooled", "mean.dim", {stem, sizes({2, 3})}, {any, 4});
  const ValueId deep = detail::conv(net, "deep", stem, noise({4, 4, 3, 3}, 3), noise({4}, 4), 1,
                                    {any, 4, 6, 6}, Form::functional);
  const ValueId other = net.call("other", "mean.dim", {deep, sizes({2, 3})}, {any, 4});
  const auto graph = net.returning({pooled, other});
  EXPECT_EQ(graph->value(find_cam_layer(*graph, graph->find("pooled"))->value).name, "stem");
  EXPECT_EQ(graph->value(find_cam_layer(*graph, graph->find("other"))->value).name, "deep");
}

TEST(CamLayer, IsNoneInAFilmWhosePartsHaveFourDimensions) {
  Net net;
  const ValueId x = net.input("film", {any, 3, 4, 8, 8});
  const ValueId windows =
      net.call("windows", "reshape.default", {x, sizes({-1, 4, 4, 12})}, {any, 4, 4, 12});
  const ValueId mixed = net.call("mixed", "linear.default",
                                 {windows, net.constant("w", noise({12, 12}, 1))}, {any, 4, 4, 12});
  const ValueId pooled = net.call("pooled", "mean.dim", {mixed, sizes({1, 2})}, {any, 12});
  EXPECT_EQ(chosen(net.returning({pooled})), "");
}

TEST(CamLayer, IsNoneWithoutPlaces) { EXPECT_EQ(chosen(multi_layer()), ""); }

}  // namespace
}  // namespace pellucid

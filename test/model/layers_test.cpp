// Module paths as people write them.
#include "pellucid/model/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"
#include "test/networks.h"

namespace pellucid {
namespace {

// layer1 = blocks 0 and 1, each conv and relu; then a head. A block's last node has the block's own
// path.
std::shared_ptr<const Graph> blocks() {
  Net net;
  const Shape shape = {any, 4};
  ValueId now = net.input("x", shape);
  for (const std::string block : {"layer1.0", "layer1.1"}) {
    const std::string name = block == "layer1.0" ? "a" : "b";
    const ValueId conv = net.call(name + "_conv", "neg.default", {now}, shape, block + ".conv");
    const ValueId relu = net.call(name + "_relu", "relu.default", {conv}, shape, block + ".relu");
    now = net.call(name + "_sum", "add.Tensor", {now, relu}, shape, block);
  }
  return net.returning({net.call("y", "exp.default", {now}, shape, "head")});
}

std::string value_of(std::string_view words) {
  const auto graph = blocks();
  return graph->value(find_layer(*graph, words).value).name;
}

TEST(Layers, AreAllModulesWithWhatLeavesThem) {
  const auto graph = blocks();
  std::vector<std::pair<std::string, std::string>> found;
  for (const Layer& layer : layers(*graph))
    found.emplace_back(layer.name, graph->value(layer.value).name);
  using P = std::pair<std::string, std::string>;
  EXPECT_THAT(
      found, ::testing::UnorderedElementsAre(
                 P{"layer1", "b_sum"}, P{"layer1.0", "a_sum"}, P{"layer1.0.conv", "a_conv"},
                 P{"layer1.0.relu", "a_relu"}, P{"layer1.1", "b_sum"}, P{"layer1.1.conv", "b_conv"},
                 P{"layer1.1.relu", "b_relu"}, P{"head", "y"}));
}

TEST(FindLayer, TakesPathsIndicesAndTheModelsName) {
  EXPECT_EQ(value_of("layer1.0.conv"), "a_conv");
  EXPECT_EQ(value_of("layer1"), "b_sum");
  EXPECT_EQ(value_of("layer1[0].conv"), "a_conv");
  EXPECT_EQ(value_of("layer1[-1].relu"), "b_relu");
  EXPECT_EQ(value_of("layer1[-2]"), "a_sum");
  EXPECT_EQ(value_of("model.layer1.1"), "b_sum");
  EXPECT_EQ(value_of("model.layer1[-1]"), "b_sum");
  EXPECT_EQ(value_of("a_relu"), "a_relu");  // a value's own name
}

TEST(FindLayer, NamesTheNearestLayers) {
  for (const char* words : {"layer1.0.conw", "layer2", "layer1[7]", "layer1[-9]", "layer1[x]",
                            "layer1[0", "", ".", "model."}) {
    try {
      find_layer(*blocks(), words);
      FAIL() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage) << words;
    }
  }
  try {
    find_layer(*blocks(), "layer1.0.conw");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("layer1.0.conv"));
  }
}

TEST(LayerName, IsTheShortestPathThatReturnsTheValue) {
  const auto graph = blocks();
  EXPECT_EQ(layer_name(*graph, graph->find("b_sum")), "layer1");
  EXPECT_EQ(layer_name(*graph, graph->find("a_relu")), "layer1.0.relu");
  EXPECT_EQ(layer_name(*graph, graph->inputs()[0]), "x");
}

}  // namespace
}  // namespace pellucid

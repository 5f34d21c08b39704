// Networks of which it is known what their modules are.
#include "pellucid/report/module_diagram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/render/diagram_layout.h"
#include "test/networks.h"

namespace pellucid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model model_of(std::shared_ptr<const Graph> graph) {
  Model model;
  model.graph = std::move(graph);
  model.metadata = guess_metadata(*model.graph);
  return model;
}

std::vector<std::string> titles(const Diagram& diagram) {
  std::vector<std::string> all;
  for (const Diagram::Box& box : diagram.boxes) all.push_back(box.title);
  return all;
}

Diagram drawn(const Model& model, int depth) {
  return module_diagram(model, measure_effort(model, nullptr), depth, Language::english);
}

// A stem and two blocks with shortcuts, each of two modules.
Model residual() {
  Net net;
  ValueId now = net.input("x", {any, 4});
  const auto linear = [&](const std::string& name, const std::string& module) {
    const ValueId weight = net.constant(name + ".weight", noise({4, 4}, 1));
    return net.call(name, "linear.default", {now, weight}, {any, 4}, module);
  };
  now = linear("stem", "stem");
  for (const std::string block : {"blocks.0", "blocks.1"}) {
    const ValueId in = now;
    now = linear(block + "_a", block + ".a");
    now = linear(block + "_b", block + ".b");
    now = net.call(block + "_sum", "add.Tensor", {in, now}, {any, 4}, block);
  }
  return model_of(net.returning({now}));
}

TEST(ModuleDiagram, HasOneBoxForEachModuleOfItsDepth) {
  EXPECT_THAT(titles(drawn(residual(), 1)), ElementsAre("input x", "stem", "blocks", "output"));
  const Diagram two = drawn(residual(), 2);
  EXPECT_THAT(titles(two), ElementsAre("input x", "stem", "blocks.0", "blocks.1", "output"));
  EXPECT_EQ(two.boxes[2].shape, "4");
  EXPECT_EQ(two.boxes[2].size, "32 weights");
  EXPECT_EQ(two.boxes[2].work, "64 FLOP");
  EXPECT_EQ(two.boxes[2].role, Diagram::Role::linear);
  EXPECT_EQ(two.arrows.size(), 4U) << "a chain: the shortcuts are inside";
}

TEST(ModuleDiagram, ShowsShortcutsWhereTheirModulesAreShown) {
  const Diagram three = drawn(residual(), 3);
  EXPECT_THAT(titles(three), ElementsAre("input x", "stem", "blocks.0.a", "blocks.0.b", "blocks.0",
                                         "blocks.1.a", "blocks.1.b", "blocks.1", "output"));
  EXPECT_EQ(layout_of(three).lanes.size(), 2U);
}

TEST(ModuleDiagram, IsAsDeepAsIsEasyToRead) {
  EXPECT_EQ(titles(drawn(residual(), 0)), titles(drawn(residual(), 3)));
}

TEST(ModuleDiagram, OfThousandsOfModulesStaysOnOnePage) {
  Net net;
  ValueId now = net.input("x", {any, 4});
  for (int i = 0; i < 3000; ++i)
    now =
        net.call("v" + std::to_string(i), "relu.default", {now}, {any, 4}, "m" + std::to_string(i));
  const Model model = model_of(net.returning({now}));
  const Diagram diagram = drawn(model, 0);
  EXPECT_LE(diagram.boxes.size(), 40U);
  EXPECT_THAT(diagram.boxes[1].title, HasSubstr("m0 … m"));
}

TEST(ModuleDiagram, TakesDeclaredShapesWhereNothingWasMeasured) {
  const Diagram diagram = module_diagram(residual(), Effort{}, 2, Language::english);
  EXPECT_EQ(diagram.boxes[2].shape, "4");
  EXPECT_EQ(diagram.boxes[2].work, "");
}

}  // namespace
}  // namespace pellucid

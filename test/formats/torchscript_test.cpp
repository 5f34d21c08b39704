// TorchScript files under test/fixtures/torchscript. The oracle is LibTorch's own interpreter on
// the same file.
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include <filesystem>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/model/file.h"
#include "pellucid/model/layers.h"
#include "pellucid/run/executor.h"
#include "test/formats/archive_writer.h"

namespace pellucid {

extern constinit const Format torchscript;

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const LoadSettings& trusting() {
  static const LoadSettings settings = {.allow_nonfinite = false, .trust = true, .sidecar = {}};
  return settings;
}

std::string path_of(const std::string& name) {
  return std::string(PELLUCID_SOURCE_DIR) + "/test/fixtures/torchscript/" + name + ".pt";
}

Model read_script(const std::string& name) {
  return torchscript.read(map_file(path_of(name)), name + ".pt", trusting());
}

std::string refusal(const ModelBytes& bytes, const LoadSettings& settings = trusting()) {
  try {
    torchscript.read(bytes, "m.pt", settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model) << error.what();
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was read";
  return "";
}

std::vector<at::Tensor> answers(const Model& model, const std::vector<at::Tensor>& inputs,
                                bool gradient = false) {
  const Executor executor(model.graph);
  std::vector<Feed> feeds;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    feeds.push_back({model.graph->inputs()[i], inputs[i]});
  std::vector<ValueId> wanted;
  for (const Output& output : model.graph->outputs()) wanted.push_back(output.operand.value());
  RunSettings settings;
  settings.gradient = gradient;
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& value : executor.run(feeds, wanted, settings))
    tensors.push_back(value.toTensor());
  return tensors;
}

torch::jit::Module oracle(const std::string& name) {
  torch::jit::Module module = torch::jit::load(path_of(name));
  module.eval();
  return module;
}

at::Tensor answer_of(torch::jit::Module& module, const at::Tensor& input) {
  return module.forward({input}).toTensor();
}

// Rounding only: both run the same operators.
constexpr double close = 1e-5;

// Outputs and the input's gradient, for inputs that go every way.
void expect_equal(const std::string& name, std::vector<std::int64_t> shape) {
  SCOPED_TRACE(name);
  const Model model = read_script(name);
  torch::jit::Module module = oracle(name);
  at::manual_seed(3);
  for (const double scale : {0.3, 1.0, 4.0, 30.0}) {
    for (const double shift : {-0.5, 0.5}) {
      const at::Tensor input = at::randn(shape) * scale + shift;
      const at::Tensor ours = input.clone().requires_grad_(),
                       theirs = input.clone().requires_grad_();
      const at::Tensor answer = answers(model, {ours}, true)[0];
      const at::Tensor wanted = answer_of(module, theirs);
      EXPECT_TRUE(at::allclose(answer, wanted, close, close)) << scale << " " << shift;
      answer.sin().sum().backward();
      wanted.sin().sum().backward();
      EXPECT_TRUE(at::allclose(ours.grad(), theirs.grad(), 1e-4, 1e-5)) << scale << " " << shift;
    }
  }
}

std::vector<std::optional<std::int64_t>> input_shape(const Model& model) {
  return model.graph->value(model.graph->inputs()[0]).shape;
}

std::set<std::string> operators(const Graph& graph) {
  std::set<std::string> found;
  for (const Node& node : graph.nodes()) found.insert(node.op);
  return found;
}

TEST(TorchScript, AnswersAndGradientsAreThoseOfTheInterpreter) {
  expect_equal("cnn_traced", {1, 3, 16, 16});
  expect_equal("cnn_traced", {3, 3, 16, 16});
  expect_equal("cnn_scripted", {2, 3, 16, 16});
  expect_equal("fixed_batch", {1, 3, 16, 16});
  expect_equal("recurrent", {2, 5, 4});
  expect_equal("lists", {3, 3, 8, 8});
  expect_equal("checked", {2, 3, 10, 10});
}

TEST(TorchScript, WhatAnInputDecidesIsDecidedAsItRuns) {
  expect_equal("branches", {1, 3, 8, 8});
  expect_equal("halving", {1, 6});
  expect_equal("growing", {1, 4});
  EXPECT_THAT(decided_by_data(*read_script("branches").graph), ElementsAre(HasSubstr("cond")));
  EXPECT_THAT(decided_by_data(*read_script("halving").graph), ElementsAre(HasSubstr("loop")));
}

TEST(TorchScript, WhatSizesDecideIsSettledWhenTheFileIsRead) {
  for (const char* name : {"cnn_scripted", "checked", "lists", "recurrent"}) {
    for (const std::string& op : operators(*read_script(name).graph))
      EXPECT_THAT(op, Not(HasSubstr("block::"))) << name;
  }
}

TEST(TorchScript, TheBatchIsSymbolicWhereTheProgramTreatsSamplesAlike) {
  EXPECT_EQ(input_shape(read_script("cnn_traced"))[0], std::nullopt);
  EXPECT_EQ(input_shape(read_script("cnn_scripted"))[0], std::nullopt);
  EXPECT_EQ(input_shape(read_script("recurrent"))[0], std::nullopt);
  EXPECT_EQ(input_shape(read_script("fixed_batch"))[0], 1);
}

TEST(TorchScript, LayersWeightsAndSourcesHaveTheModulesNames) {
  for (const char* name : {"cnn_traced", "cnn_scripted"}) {
    SCOPED_TRACE(name);
    const Model model = read_script(name);
    std::set<std::string> paths, classes, weights;
    for (const Layer& layer : layers(*model.graph)) {
      paths.insert(layer.name);
      classes.insert(layer.module_class);
    }
    for (const char* path :
         {"stem", "blocks.1", "blocks.1.conv", "blocks.1.relu", "blocks.1.relu@1", "head"})
      EXPECT_TRUE(paths.contains(path)) << path;
    EXPECT_TRUE(classes.contains("torch.nn.modules.conv.Conv2d"));
    EXPECT_TRUE(classes.contains("script_networks.Block"));
    for (const Constant& constant : model.graph->constants()) weights.insert(constant.name);
    EXPECT_TRUE(weights.contains("blocks.0.conv.weight"));
    bool located = false;
    for (const Node& node : model.graph->nodes()) {
      EXPECT_FALSE(node.origin.source.starts_with('/')) << node.origin.source;
      located |= node.origin.source.starts_with("script_networks.py:");
    }
    EXPECT_TRUE(located);
    EXPECT_TRUE(operators(*model.graph).contains("aten::conv2d.default"));
  }
}

TEST(TorchScript, TheLeavesOfTheAnswerAreNamed) {
  const Model model = read_script("outputs");
  std::vector<std::string> names;
  for (const Output& output : model.graph->outputs()) names.push_back(output.name);
  EXPECT_THAT(names, ElementsAre("0.out", "0.aux", "1.logits", "1.pooled", "2.0"));
}

TEST(TorchScript, SeveralInputsHaveTheirNamesAndDefaultsAreFilledIn) {
  const Model model = read_script("two_inputs");
  ASSERT_EQ(model.metadata.inputs.size(), 2U);
  EXPECT_EQ(model.metadata.inputs[0].name, "image");
  EXPECT_EQ(model.metadata.inputs[1].name, "vector");
  const at::Tensor image = at::randn({2, 3, 8, 8}), vector = at::randn({2, 4});
  const at::Tensor wanted = oracle("two_inputs").forward({image, vector}).toTensor();
  EXPECT_TRUE(at::allclose(answers(model, {image, vector})[0], wanted, close, close));
}

TEST(TorchScript, TheRecordInTheArchiveIsHonoured) {
  const Model model = read_script("cnn_traced");
  EXPECT_EQ(model.metadata.name, "cnn_traced");
  ASSERT_EQ(model.metadata.labels.size(), 5U);
  EXPECT_THAT(model.metadata.labels[0], ElementsAre("cat", "tomcat"));
  EXPECT_EQ(model.metadata.inputs[0].kind, InputKind::image);
  EXPECT_FALSE(model.metadata.outputs[0].guessed);
}

TEST(TorchScript, WithoutTrustTheErrorSaysWhyAndWhatToDo) {
  const std::string line = refusal(map_file(path_of("cnn_traced")), {});
  EXPECT_THAT(line, HasSubstr("can run code"));
  EXPECT_THAT(line, HasSubstr("--trust"));
  EXPECT_THAT(line, HasSubstr("pellucid.export"));
}

TEST(TorchScript, WhatIsNotReadIsRefusedByName) {
  EXPECT_THAT(refusal(map_file(path_of("counting"))), HasSubstr("writes into its own weights"));
  EXPECT_THAT(refusal(map_file(path_of("outside_list"))), HasSubstr("changes a list"));
}

TEST(TorchScript, ADamagedArchiveIsATypedErrorBeforeTheLoaderSeesIt) {
  const ModelBytes whole = map_file(path_of("cnn_traced"));
  const std::string raw(reinterpret_cast<const char*>(whole.bytes.data()), whole.bytes.size());
  for (const std::size_t keep : {raw.size() / 3, raw.size() - 40, raw.size() - 1}) {
    const ModelBytes cut = testing::model_bytes(raw.substr(0, keep));
    EXPECT_FALSE(torchscript.recognises(cut.bytes));
    refusal(cut);
  }
  for (std::size_t at = 30; at < raw.size(); at += raw.size() / 97) {
    std::string flipped = raw;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    for (const LoadSettings& settings : {trusting(), LoadSettings{}}) {
      try {
        torchscript.read(testing::model_bytes(flipped), "m.pt", settings);
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::model) << at << ": " << error.what();
      }
    }
  }
}

TEST(TorchScript, PickledWeightsAreNoProgramEvenWhenTrusted) {
  const std::vector<testing::Entry> checkpoint = {{.name = "c/data.pkl", .data = "\x80\x02}q."},
                                                  {.name = "c/version", .data = "3\n"}};
  const ModelBytes bytes = testing::model_bytes(testing::zip(checkpoint));
  EXPECT_FALSE(torchscript.recognises(bytes.bytes));
}

}  // namespace
}  // namespace pellucid

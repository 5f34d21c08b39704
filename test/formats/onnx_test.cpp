// The reader of ONNX files on files written here: what sound ones become, and that no spoilt one
// gets through. The operators themselves are held against ONNX's own tests (test/onnx).
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"
#include "pellucid/formats/onnx/origin.h"
#include "pellucid/model/layers.h"
#include "pellucid/run/executor.h"
#include "test/formats/onnx_writer.h"

namespace pellucid {

extern constinit const Format onnx;

namespace {

using namespace pellucid::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

Model read(const std::string& bytes, const LoadSettings& settings = {}) {
  return onnx.read(in_memory(bytes), "m.onnx", settings);
}

std::string refusal(const std::string& bytes, const LoadSettings& settings = {}) {
  try {
    read(bytes, settings);
  } catch (const Error& error) {
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was read";
  return "";
}

at::Tensor answer(const Model& model, const at::Tensor& x) {
  const Graph& graph = *model.graph;
  return Executor(model.graph)
      .run(std::vector<Feed>{{graph.inputs()[0], x}},
           std::vector<ValueId>{graph.outputs()[0].operand.value()}, {})[0]
      .toTensor();
}

// A folder of its own, gone at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("pellucid_onnx_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }

  void write(const std::string& name, std::string_view bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  LoadSettings settings() const {
    LoadSettings made;
    made.beside = [model = (path / "m.onnx").string()](std::string_view name) {
      return map_file_beside(model, name);
    };
    return made;
  }
};

std::string_view bytes_of(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

TEST(Onnx, ASmallModelAnswersAndKeepsItsNames) {
  const Model model = read(SmallModel().bytes());
  const at::Tensor x = at::randn({5, 3}), w = at::tensor({1.0F, -2.0F, 3.0F, 4.0F, -5.0F, 6.0F});
  EXPECT_TRUE(at::allclose(answer(model, x), at::relu(x.matmul(w.reshape({3, 2})))));
  EXPECT_NE(model.graph->find("xw"), no_value);
  EXPECT_EQ(find_layer(*model.graph, "act").value, model.graph->find("y"));
  EXPECT_EQ(model.format, "onnx");
  EXPECT_EQ(model.metadata.producer, "test");
  // A symbolic batch stays one.
  EXPECT_EQ(model.graph->value(model.graph->find("y")).shape.at(0), std::nullopt);
  EXPECT_EQ(model.graph->value(model.graph->find("y")).shape.at(1), 2);
}

TEST(Onnx, ModulePathsAreThoseOfTheNetwork) {
  EXPECT_EQ(from_onnx::path_of("/layer4/layer4.2/conv3/Conv"), "layer4.2.conv3");
  EXPECT_EQ(from_onnx::path_of("/features/features.1/features.1.0/Conv"), "features.1.0");
  EXPECT_EQ(from_onnx::path_of("StatefulPartitionedCall/model/conv1/Conv2D"), "model.conv1");
  EXPECT_EQ(from_onnx::path_of("Conv_12"), "");
}

TEST(Onnx, SizesThatTheFileComputesStaySymbolic) {
  SmallModel small;
  // y = reshape(x, [size(x, 0), -1]) of x [n, 3, 2]
  small.graph = {
      .nodes = {node("Shape", {"x"}, {"sizes"}), node("Gather", {"sizes", "zero"}, {"n"}),
                node("Concat", {"n", "rest"}, {"to"}, "", {axis_attribute(0)}),
                node("Reshape", {"x", "to"}, {"y"})},
      .initializers = {int_tensor("zero", {1}, {0}), int_tensor("rest", {1}, {-1})},
      .inputs = {value("x", {-1, 3, 2})},
      .outputs = {value("y", {-1, 6})}};
  const Model model = read(small.bytes());
  for (const std::int64_t batch : {1, 4}) {
    const at::Tensor x = at::randn({batch, 3, 2});
    EXPECT_TRUE(at::equal(answer(model, x), x.reshape({batch, 6})));
  }
  EXPECT_EQ(model.graph->value(model.graph->find("y")).shape.at(0), std::nullopt);
}

TEST(Onnx, AFunctionOfTheModelIsPutInItsPlace) {
  SmallModel small;
  small.functions = {SmallFunction{.nodes = {node("Relu", {"x"}, {"y"})}}.bytes()};
  small.graph.nodes[1] = node("f", {"xw"}, {"y"}, "own");
  const Model model = read(small.bytes());
  EXPECT_TRUE(at::equal(answer(model, at::ones({1, 3})), at::tensor({0.0F, 8.0F}).reshape({1, 2})));
}

TEST(Onnx, MetadataCarriesLabelsAndADocument) {
  SmallModel small;
  small.properties = {{"names", "{0: 'cat', 1: \"dog\"}"}};
  const Model model = read(small.bytes());
  ASSERT_EQ(model.metadata.labels.size(), 2U);
  EXPECT_EQ(model.metadata.labels[1][0], "dog");
  small.properties = {
      {"pellucid", R"({"format": "pellucid-metadata", "version": 1, "labels": ["a", "b"]})"}};
  EXPECT_EQ(read(small.bytes()).metadata.labels[0][0], "a");
  small.properties = {{"pellucid", "{"}};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("metadata pellucid"));
}

TEST(OnnxFaults, WhatIsUnknownIsAllListed) {
  SmallModel small;
  small.version = 99;
  small.graph.nodes = {node("Frobnicate", {"x"}, {"a"}, "", {}, "first"),
                       node("Gelu", {"a"}, {"y"}, "com.example")};
  EXPECT_THAT(refusal(small.bytes()),
              AllOf(HasSubstr("opset 99"), HasSubstr("Frobnicate (node first)"),
                    HasSubstr("com.example.Gelu")));
}

TEST(OnnxFaults, ATruncatedFileIsRefused) {
  const std::string whole = SmallModel().bytes();
  for (std::size_t size = 1; size < whole.size(); size += 3) {
    try {
      // Cut between two fields it may still be a model, of another opset or without metadata.
      read(whole.substr(0, size));
      EXPECT_GT(size, whole.size() / 2);
    } catch (const Error& error) {
      EXPECT_NE(error.fault(), Fault::internal) << error.what();
    }
  }
}

TEST(OnnxFaults, NoFlippedBitKillsTheReader) {
  const std::string whole = SmallModel().bytes();
  for (std::size_t at = 0; at < whole.size() * 8; at += 5) {
    std::string spoilt = whole;
    spoilt[at / 8] ^= static_cast<char>(1 << (at % 8));
    try {
      const Model model = read(spoilt);
      EXPECT_NE(model.fingerprint, read(whole).fingerprint);
    } catch (const Error& error) {
      EXPECT_NE(error.fault(), Fault::internal) << error.what();
    }
  }
}

TEST(OnnxFaults, SizesThatContradictTheDataAreRefused) {
  SmallModel small;
  small.graph.initializers = {tensor("w", {3, 1 << 30}, {1, 2, 3})};
  EXPECT_THAT(refusal(small.bytes()), AllOf(HasSubstr("12884901888 bytes"), HasSubstr("tensor w")));
  small.graph.initializers = {tensor("w", {std::int64_t{1} << 40, std::int64_t{1} << 40}, {1})};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("overflow"));
  small.graph.initializers = {tensor("w", {-3, 2}, {1})};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("negative"));
  small.graph.initializers = {tensor("w", {3, 2}, {1, 2, 3, 4, 5, 6}, 8)};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("string"));
}

TEST(OnnxFaults, NonFiniteWeightsAreRefusedUnlessAllowed) {
  SmallModel small;
  small.graph.initializers = {tensor("w", {3, 2}, {1, NAN, 3, 4, 5, 6})};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("the weight w has 1 NaN"));
  LoadSettings settings;
  settings.allow_nonfinite = true;
  EXPECT_THAT(read(small.bytes(), settings).warnings, ::testing::SizeIs(1));
}

TEST(OnnxFaults, AGraphThatIsNotInOrderOrDefinesTwiceIsRefused) {
  SmallModel small;
  std::swap(small.graph.nodes[0], small.graph.nodes[1]);
  EXPECT_THAT(refusal(small.bytes()), AllOf(HasSubstr("uses \"xw\""), HasSubstr("operator Relu")));
  small = SmallModel();
  small.graph.nodes.push_back(node("Relu", {"x"}, {"y"}));
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("defined twice"));
  small = SmallModel();
  small.graph.outputs = {value("z", {1})};
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("\"z\" is never defined"));
}

TEST(OnnxFaults, FunctionsThatCallThemselvesAreRefused) {
  SmallModel small;
  small.functions = {SmallFunction{.name = "f", .nodes = {node("g", {"x"}, {"y"}, "own")}}.bytes(),
                     SmallFunction{.name = "g", .nodes = {node("f", {"x"}, {"y"}, "own")}}.bytes()};
  small.graph.nodes[1] = node("f", {"xw"}, {"y"}, "own");
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("calls itself"));
}

TEST(OnnxFaults, FunctionsThatMultiplyAreBounded) {
  SmallModel small;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "f" + std::to_string(i + 1);
    const auto call = [&](const char* from, const char* to) {
      return i == 39 ? node("Relu", {from}, {to}) : node(next, {from}, {to}, "own");
    };
    small.functions.push_back(SmallFunction{
        .name = "f" + std::to_string(i),
        .nodes = {call("x", "z"),
                  call("z", "y")}}.bytes());
  }
  small.graph.nodes[1] = node("f0", {"xw"}, {"y"}, "own");
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("200000 nodes"));
}

TEST(OnnxFaults, ControlFlowAThousandDeepIsRefused) {
  std::string inner =
      SmallGraph{.nodes = {node("Relu", {"xw"}, {"r"})}, .outputs = {value("r", {1})}}.bytes();
  for (int i = 0; i < 1000; ++i) {
    inner = SmallGraph{.nodes = {node("If", {"x"}, {"r"}, "",
                                      {graph_attribute("then_branch", inner),
                                       graph_attribute("else_branch", SmallGraph().bytes())})},
                       .outputs = {value("r", {1})}}
                .bytes();
  }
  SmallModel small;
  small.graph.nodes[1] = node("If", {"x"}, {"y"}, "", {graph_attribute("then_branch", inner)});
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("nested deeper than 32"));
}

TEST(OnnxExternal, WeightsBesideTheModelAreReadAndBelongToItsIdentity) {
  const Folder folder;
  SmallModel small;
  small.graph.initializers = {external_tensor("w", {3, 2}, "data/w.bin", "8", "24")};
  folder.write("data/w.bin", bytes_of({9, 9, 1, -2, 3, 4, -5, 6}));
  const Model first = read(small.bytes(), folder.settings());
  EXPECT_TRUE(at::equal(answer(first, at::ones({1, 3})), at::tensor({0.0F, 8.0F}).reshape({1, 2})));
  folder.write("data/w.bin", bytes_of({9, 9, 1, -2, 3, 4, -5, 7}));
  EXPECT_NE(read(small.bytes(), folder.settings()).fingerprint, first.fingerprint);
  EXPECT_THAT(refusal(small.bytes()), HasSubstr("none may be read"));
}

TEST(OnnxExternal, NothingElsewhereAndNoLinkIsRead) {
  const Folder folder;
  const auto at = [&](const std::string& location, const std::string& offset = "0",
                      const std::string& length = "24") {
    SmallModel small;
    small.graph.initializers = {external_tensor("w", {3, 2}, location, offset, length)};
    return refusal(small.bytes(), folder.settings());
  };
  folder.write("w.bin", bytes_of({1, -2, 3, 4, -5, 6}));
  folder.write("a/x", "");
  for (const char* elsewhere : {"a/../../b", "../w.bin", "/etc/passwd", "", "a/.."})
    EXPECT_THAT(at(elsewhere), HasSubstr("not beside it")) << elsewhere;
  fs::create_symlink("w.bin", folder.path / "soft.bin");
  fs::create_hard_link(folder.path / "w.bin", folder.path / "hard.bin");
  fs::create_directory_symlink("/", folder.path / "root");
  EXPECT_THAT(at("soft.bin"), HasSubstr("link"));
  EXPECT_THAT(at("hard.bin"), HasSubstr("link"));
  EXPECT_THAT(at("root/etc/passwd"), HasSubstr("link"));
  EXPECT_THAT(at("none.bin"), HasSubstr("cannot be opened"));
  fs::remove(folder.path / "hard.bin");
  EXPECT_THAT(at("w.bin", "4"), HasSubstr("which has 24"));
  EXPECT_THAT(at("w.bin", "18446744073709551615"), HasSubstr("which has 24"));
  EXPECT_THAT(at("w.bin", "x"), HasSubstr("no number"));
  EXPECT_THAT(at("w.bin", "0", "20"), HasSubstr("make 24 bytes"));
}

}  // namespace
}  // namespace pellucid

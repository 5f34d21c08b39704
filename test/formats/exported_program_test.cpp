// The reader on real files of torch.export.save, and on archives spoilt in every way that the fault
// table lists.
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/base/fingerprint.h"
#include "pellucid/formats/table.h"
#include "pellucid/run/executor.h"
#include "test/formats/reading.h"

namespace pellucid {

namespace {

using namespace pellucid::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::filesystem::path fixtures() {
  return std::filesystem::path(PELLUCID_SOURCE_DIR) / "test/fixtures/models";
}

Model read_fixture(const std::string& name, const LoadSettings& settings = {}) {
  return exported_program.read(map_file((fixtures() / (name + ".pt2")).string()), name + ".pt2",
                               settings);
}

at::Tensor run(const Model& model, const at::Tensor& input) {
  const std::vector<Feed> feeds = {{model.graph->inputs()[0], input}};
  const std::vector<ValueId> wanted = {model.graph->outputs()[0].operand.value()};
  return Executor(model.graph).run(feeds, wanted, {})[0].toTensor();
}

TEST(ExportedProgram, IsInTheTableOfFormats) {
  EXPECT_THAT(std::vector(formats().begin(), formats().end()),
              ::testing::Contains(&exported_program));
}

TEST(ExportedProgram, EveryFixtureAnswersAsTorchRecorded) {
  int compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(fixtures())) {
    const std::string name = file.path().stem().string();
    if (file.path().extension() != ".pt2" || name == "custom_operator" || name == "nan_weights")
      continue;
    SCOPED_TRACE(name);
    const Model model = read_fixture(name);
    ASSERT_TRUE(model.metadata.sample);
    std::vector<Feed> feeds;
    for (const SampleTensor& input : model.metadata.sample->inputs)
      feeds.push_back({model.graph->find(input.name), input.data});
    for (const Output& output : model.graph->outputs()) {
      for (const SampleTensor& expected : model.metadata.sample->outputs) {
        if (expected.name != output.name || !output.operand.is_value()) continue;
        const std::vector<ValueId> wanted = {output.operand.value()};
        const at::Tensor answer = Executor(model.graph).run(feeds, wanted, {})[0].toTensor();
        // Rounding only: the rewrites replace batch norm by a scale and shift.
        EXPECT_TRUE(at::allclose(answer.to(at::kDouble), expected.data.to(at::kDouble), 1e-5, 1e-6))
            << output.name;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 40);
}

TEST(ExportedProgram, ReadsTheFilesOfAllReleases) {
  int read_files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(fixtures().parent_path() / "versions")) {
    if (file.path().extension() != ".pt2") continue;
    SCOPED_TRACE(file.path().filename());
    const Model model =
        exported_program.read(map_file(file.path().string()), file.path().string(), {});
    ASSERT_TRUE(model.metadata.sample);
    const at::Tensor answer = run(model, model.metadata.sample->inputs[0].data);
    // Rounding only, as above.
    EXPECT_TRUE(at::allclose(answer, model.metadata.sample->outputs[0].data, 1e-5, 1e-6));
    ++read_files;
  }
  EXPECT_GE(read_files, 5);
}

TEST(ExportedProgram, KeepsModulePathClassAndSourceOfNodes) {
  const Model model = read_fixture("cnn_module");
  bool seen = false;
  for (const Node& node : model.graph->nodes()) {
    if (!node.op.starts_with("aten::conv2d")) continue;
    seen = true;
    EXPECT_FALSE(node.origin.module_path.empty());
    EXPECT_EQ(node.origin.module_class, "torch.nn.modules.conv.Conv2d");
    EXPECT_THAT(node.origin.source,
                AllOf(HasSubstr("networks.py:"), Not(HasSubstr("site-packages")),
                      Not(::testing::StartsWith("/"))));
  }
  EXPECT_TRUE(seen);
}

TEST(ExportedProgram, ReadsMetadataLabelsAndSample) {
  const Model model = read_fixture("cnn_module");
  EXPECT_EQ(model.metadata.name, "cnn_module");
  EXPECT_EQ(model.metadata.labels.size(), 10u);
  EXPECT_EQ(model.metadata.labels[3], (std::vector<std::string>{"cat", "tabby cat", "house-cat"}));
  EXPECT_EQ(model.metadata.outputs[0].kind, OutputKind::logits);
  EXPECT_FALSE(model.metadata.outputs[0].guessed);
  ASSERT_TRUE(model.metadata.inputs[0].preprocessing);
  EXPECT_EQ(model.metadata.inputs[0].preprocessing->mean[0], 0.485);
  EXPECT_EQ(model.metadata.sample->photos.size(), 1u);
  EXPECT_THAT(model.metadata.producer, HasSubstr("torch 2."));
  EXPECT_EQ(model.format, "exported_program");
  const ModelBytes bytes = map_file((fixtures() / "cnn_module.pt2").string());
  EXPECT_EQ(model.fingerprint, sha256(bytes.bytes));
}

TEST(ExportedProgram, TheSidecarOverridesAndItsTypingErrorsAreNamed) {
  const Model model = read_fixture(
      "cnn_module", {.allow_nonfinite = false,
                     .trust = false,
                     .sidecar = R"({"name": "mine", "outputs": [{"kind": "probabilities"}]})"});
  EXPECT_EQ(model.metadata.name, "mine");
  EXPECT_EQ(model.metadata.outputs[0].kind, OutputKind::probabilities);
  EXPECT_EQ(model.metadata.labels.size(), 10u);
  LoadSettings settings;
  settings.sidecar = R"({"lables": []})";
  EXPECT_THAT(refusal(SmallProgram().bytes(), settings),
              AllOf(HasSubstr("lables"), HasSubstr("sidecar"), HasSubstr("labels")));
}

TEST(ExportedProgram, GuessesKindsAndSaysSo) {
  const Model model = read_fixture("unlabelled");
  EXPECT_EQ(model.metadata.outputs[0].kind, OutputKind::logits);
  EXPECT_TRUE(model.metadata.outputs[0].guessed);
}

TEST(ExportedProgram, NamesOutputsByTheReturnedTree) {
  const Model model = read_fixture("dict_outputs");
  ASSERT_EQ(model.graph->outputs().size(), 3u);
  EXPECT_EQ(model.graph->outputs()[0].name, "logits");
  EXPECT_EQ(model.graph->outputs()[1].name, "aux.probabilities");
}

TEST(ExportedProgram, ReadsASmallProgram) {
  const Model model = read(SmallProgram().bytes());
  const at::Tensor x = at::ones({2, 3});
  EXPECT_TRUE(
      at::equal(run(model, x), at::tensor({2., 0., 4., 0., 6., 0.}, at::kFloat).reshape({2, 3})));
  EXPECT_EQ(model.metadata.producer, "torch 2.9.0");
}

TEST(ExportedProgram, ReadsStridedAndOffsetWeightsEqual) {
  SmallProgram program;
  std::vector<float> storage(32);
  for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<float>(i) - 9;
  program.weight = raw(storage);
  program.meta() = tensor_meta(7, {2, 3}, {1, 5}, 7);
  const Model model = read(program.bytes());
  const at::Tensor expected =
      at::from_blob(storage.data(), {32}, at::kFloat).as_strided({2, 3}, {1, 5}, 7);
  EXPECT_TRUE(at::equal(constant(model, "w"), expected));
  EXPECT_EQ(constant(model, "w").strides(), expected.strides());
}

TEST(ExportedProgram, WeightsAreTheArchivesOwnMemory) {
  const ModelBytes bytes = SmallProgram().bytes();
  const Model model = read(bytes);
  const auto* const data = static_cast<const std::byte*>(constant(model, "w").const_data_ptr());
  EXPECT_GE(data, bytes.bytes.data());
  EXPECT_LT(data, bytes.bytes.data() + bytes.bytes.size());
}

TEST(ExportedProgram, WeightsOutliveTheFileThatTheCallerHeld) {
  Model model;
  {
    const ModelBytes bytes = SmallProgram().bytes();
    model = read(bytes);
  }
  EXPECT_EQ(constant(model, "w").sum().item<float>(), -3);
}

TEST(ExportedProgram, MisalignedWeightsAreCopied) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries[0].aligned = false;
  const Model model = read(model_bytes(zip(entries)));
  EXPECT_EQ(constant(model, "w").sum().item<float>(), -3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(constant(model, "w").const_data_ptr()) % 4, 0u);
}

TEST(MapFile, SaysWhatIsWrong) {
  EXPECT_THROW(map_file("no/such/file.pt2"), Error);
  EXPECT_THROW(map_file("/"), Error);
}

}  // namespace
}  // namespace pellucid

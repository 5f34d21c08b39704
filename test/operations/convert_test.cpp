// convert writes what is read again: the same graph, the same numbers, the same metadata.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/run/executor.h"
#include "small_model.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

// The file that convert made, whole.
std::vector<std::byte> converted(const Catalogue& catalogue = whole_catalogue(),
                                 ModelSource source = small_source()) {
  std::vector<std::byte> file;
  LoadedModel model(std::move(source), catalogue.formats);
  Surroundings around;
  around.catalogue = &catalogue;
  around.model = &model;
  around.artefact = [&](Artefact&& artefact) {
    EXPECT_TRUE(artefact.bytes.empty()) << "a large model would be in memory twice";
    artefact.write([&](std::span<const std::byte> piece) {
      file.insert(file.end(), piece.begin(), piece.end());
    });
  };
  perform(*catalogue.find_operation("convert"), {}, around);
  return file;
}

Model read_again(const std::vector<std::byte>& file) {
  const auto owner = std::make_shared<std::vector<std::byte>>(file);
  for (const Format* format : formats()) {
    if (format->recognises(*owner)) return format->read({owner, *owner}, "again.pt2", {});
  }
  throw model_error("no format reads it");
}

at::Tensor answer(const Graph& graph, const at::Tensor& input) {
  const auto shared = std::shared_ptr<const Graph>(&graph, [](const Graph*) {});
  const Feed feed{graph.inputs()[0], input};
  const ValueId wanted = graph.outputs()[0].operand.value();
  return Executor(shared).run({&feed, 1}, {&wanted, 1}, {}).front().toTensor();
}

TEST(Convert, WritesAModelThatAnswersTheSame) {
  const Model again = read_again(converted());
  const at::Tensor input = at::tensor({1.0F, -2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).reshape({2, 3});
  EXPECT_TRUE(answer(*again.graph, input).equal(answer(*small_graph(), input)));
}

TEST(Convert, KeepsWhatTheFileTellsBesideItsGraph) {
  const Model again = read_again(converted());
  EXPECT_EQ(again.metadata.name, "small");
  EXPECT_EQ(again.metadata.labels.at(2).at(0), "cat");
  EXPECT_EQ(again.metadata.outputs.at(0).kind, OutputKind::logits);
  EXPECT_EQ(again.metadata.outputs.at(0).name, "y");
  EXPECT_EQ(again.metadata.inputs.at(0).name, "x");
  EXPECT_FALSE(again.graph->value(again.graph->inputs()[0]).shape.at(0)) << "the batch stays open";
  const Node& node = again.graph->nodes()[0];
  EXPECT_EQ(node.origin.module_path, "fc");
  EXPECT_EQ(node.origin.module_class, "torch.nn.modules.linear.Linear");
  EXPECT_EQ(node.origin.source, "small.py:1");
}

TEST(Convert, NamesTheFileItWasMadeOf) {
  const auto source = read_again(converted()).metadata.converted_from;
  ASSERT_TRUE(source);
  EXPECT_EQ(source->format, "small");
  EXPECT_EQ(source->file, "model.small");
  EXPECT_EQ(source->sha256, std::string(64, 'a'));
}

TEST(Convert, RecordsASampleWhereThereIsNoneAndSaysWhoseItIs) {
  const Model again = read_again(converted());
  ASSERT_TRUE(again.metadata.sample);
  EXPECT_EQ(again.metadata.sample->recorded_by, "pellucid convert");
  const at::Tensor& input = again.metadata.sample->inputs.at(0).data;
  EXPECT_TRUE(answer(*small_graph(), input).equal(again.metadata.sample->outputs.at(0).data));
}

TEST(Convert, WritesTheSameBytesEachTime) { EXPECT_EQ(converted(), converted()); }

}  // namespace
}  // namespace pellucid

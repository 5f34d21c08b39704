// JSON ↔ Metadata: what is read, what is guessed, and that each mistake names its key.
#include "pellucid/model/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Metadata one_image() {
  Metadata metadata;
  metadata.inputs.push_back(
      {.name = "x", .kind = InputKind::tensor, .preprocessing = {}, .features = {}});
  metadata.outputs.push_back({.name = "", .kind = OutputKind::other, .guessed = true});
  return metadata;
}

std::optional<std::vector<std::byte>> no_entries(const std::string&) { return std::nullopt; }

std::string refusal(const char* text) {
  Metadata metadata = one_image();
  try {
    apply_metadata(Json::parse(text), no_entries, metadata);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
  ADD_FAILURE() << "it was taken: " << text;
  return "";
}

TEST(Metadata, ReadsADocument) {
  Metadata metadata = one_image();
  const Json document = Json::parse(R"({"format": "pellucid-metadata", "version": 1, "name": "net",
      "producer": {"name": "pellucid.export", "version": "0.1.0", "torch": "2.13.0"},
      "inputs": [{"name": "x", "kind": "image", "preprocessing": {"mean": [0.5, 0.5, 0.5]}}],
      "outputs": [{"name": "", "kind": "logits"}], "labels": ["dog", ["cat", "tabby"], "飞机"]})");
  EXPECT_TRUE(apply_metadata(document, no_entries, metadata).empty());
  EXPECT_EQ(metadata.name, "net");
  EXPECT_EQ(metadata.producer, "pellucid.export 0.1.0, torch 2.13.0");
  EXPECT_EQ(metadata.inputs[0].kind, InputKind::image);
  EXPECT_EQ(metadata.inputs[0].preprocessing->mean[1], 0.5);
  EXPECT_EQ(metadata.outputs[0].kind, OutputKind::logits);
  EXPECT_FALSE(metadata.outputs[0].guessed);
  EXPECT_THAT(metadata.labels,
              ElementsAre(ElementsAre("dog"), ElementsAre("cat", "tabby"), ElementsAre("飞机")));
}

TEST(Metadata, ComesBackFromItsOwnJson) {
  Metadata metadata = one_image();
  metadata.name = "net";
  metadata.labels = {{"dog"}, {"cat", "tabby"}};
  metadata.inputs[0].features = {"age", "height"};
  Json document = to_json(metadata);
  EXPECT_EQ(document["outputs"][0]["guessed"], true);
  Metadata again = one_image();
  apply_metadata(document, no_entries, again);
  EXPECT_EQ(again.labels, metadata.labels);
  EXPECT_EQ(again.inputs[0].features, metadata.inputs[0].features);
}

TEST(Metadata, EachMistakeNamesItsKey) {
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(refusal(R"({"version": 2})"), AllOf(HasSubstr("version"), HasSubstr("1 is known")));
  EXPECT_THAT(refusal(R"({"inputs": [{"name": "y"}]})"),
              AllOf(HasSubstr("inputs[0].name"), HasSubstr("\"x\"")));
  EXPECT_THAT(refusal(R"({"inputs": [{"kind": "sound"}]})"),
              AllOf(HasSubstr("inputs[0].kind"), HasSubstr("image, tensor")));
  EXPECT_THAT(refusal(R"({"outputs": [{"name": "", "kind": 3}]})"), HasSubstr("outputs[0].kind"));
  EXPECT_THAT(refusal(R"({"labels": ["a", 3]})"), HasSubstr("labels[1]"));
  EXPECT_THAT(refusal(R"({"labels": "a"})"), HasSubstr("labels"));
  EXPECT_THAT(refusal(R"({"inputs": [{"preprocessing": {"std": [0, 0, 0]}}]})"),
              HasSubstr("inputs[0].preprocessing"));
  EXPECT_THAT(refusal(R"({"lables": []})"), AllOf(HasSubstr("lables"), HasSubstr("labels")));
  EXPECT_THAT(refusal(R"({"inputs": [{"knid": "image"}]})"), HasSubstr("inputs[0].knid"));
}

TEST(Metadata, ReadsASampleAndChecksItsSize) {
  const std::vector<float> values = {1, 2, 3, 4};
  const EntrySource entries =
      [&](const std::string& path) -> std::optional<std::vector<std::byte>> {
    if (path == "photo.png") return std::vector<std::byte>(3);
    if (path != "in.bin") return std::nullopt;
    std::vector<std::byte> bytes(16);
    std::memcpy(bytes.data(), values.data(), 16);
    return bytes;
  };
  const auto document = [](const char* path, const char* shape) {
    return Json::parse(
        std::string(
            R"({"sample": {"outputs": [], "inputs": [{"name": "x", "dtype": "float32", "path": ")") +
        path + R"(", "shape": )" + shape + R"(, "photo": {"path": "photo.png"}}]}})");
  };
  Metadata metadata = one_image();
  apply_metadata(document("in.bin", "[2, 2]"), entries, metadata);
  EXPECT_EQ(metadata.sample->inputs[0].data.sizes(), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(metadata.sample->inputs[0].data.const_data_ptr<float>()[3], 4);
  EXPECT_EQ(metadata.sample->photos[0].second.size(), 3u);
  EXPECT_THROW(apply_metadata(document("none.bin", "[2, 2]"), entries, metadata), Error);
  EXPECT_THROW(apply_metadata(document("in.bin", "[2, 3]"), entries, metadata), Error);
  EXPECT_THROW(apply_metadata(document("in.bin", "[4611686018427387904, 8]"), entries, metadata),
               Error);
  EXPECT_THROW(apply_metadata(document("in.bin", "[-1]"), entries, metadata), Error);
}

TEST(Metadata, SaysWhenLabelsAndClassesDiffer) {
  const EntrySource entries = [](const std::string&) {
    return std::optional(std::vector<std::byte>(12));
  };
  Metadata metadata = one_image();
  const Json document = Json::parse(R"({"labels": ["a", "b"], "sample": {"inputs": [],
      "outputs": [{"name": "", "dtype": "float32", "path": "o", "shape": [1, 3]}]}})");
  EXPECT_THAT(apply_metadata(document, entries, metadata), ElementsAre("2 labels for 3 classes"));
}

TEST(Metadata, NamesDtypesAsPythonDoes) {
  EXPECT_EQ(dtype_of("bfloat16"), at::kBFloat16);
  EXPECT_EQ(dtype_name(at::kLong), "int64");
  EXPECT_EQ(dtype_of("float"), std::nullopt);
}

}  // namespace
}  // namespace pellucid

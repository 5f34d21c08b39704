// The reader's parts that a whole archive reaches only in part: JSON, texts of origin, output
// trees, zip64.
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/arguments.h"
#include "pellucid/formats/pt2/origin.h"
#include "pellucid/formats/pt2/output_names.h"
#include "pellucid/formats/pt2/targets.h"
#include "pellucid/formats/reading/finite.h"
#include "pellucid/formats/reading/json_tree.h"
#include "test/formats/archive_writer.h"

namespace pellucid::pt2 {
namespace {

using namespace pellucid::testing;
using ::testing::ElementsAre;

TEST(JsonTree, ReadsWhatJsonHas) {
  const std::string text =
      R"( {"a": [1, -2.5e1, true, null], "b": {"c": "x\n\u00e9\ud83d\ude00飞"}, "n": NaN, "e": [] } )";
  const JsonTree tree(text, "test");
  const auto a = tree.root().at("a").array();
  EXPECT_EQ(a[0].integer(), 1);
  EXPECT_EQ(a[1].real(), -25);
  EXPECT_TRUE(a[2].boolean());
  EXPECT_TRUE(a[3].is_null());
  EXPECT_EQ(tree.root().at("b").at("c").text(), "x\né😀飞");
  EXPECT_TRUE(std::isnan(tree.root().at("n").real()));
  EXPECT_TRUE(tree.root().at("e").array().empty());
}

TEST(JsonTree, RefusesWhatIsNoJson) {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\" 1}", "{\"a\":1,}", "01", "1.", "-", "\"a", "\"\\x\"",
        "\"\\ud800\"", "tru", "[1] 2", "\"\n\"", "\"\xff\"", "\"\xc0\x80\"", "+1"}) {
    EXPECT_THROW(JsonTree(text, "test"), Error) << text;
  }
}

TEST(JsonTree, SaysWhatWasExpectedUnderWhichKey) {
  const JsonTree tree(R"({"size": "three", "large": 99999999999999999999})", "test");
  EXPECT_THROW(
      {
        try {
          tree.root().at("size").integer();
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), ::testing::HasSubstr("size"));
          throw;
        }
      },
      Error);
  EXPECT_THROW(tree.root().at("large").integer(), Error);
  EXPECT_THROW(tree.root().at("none"), Error);
}

TEST(Origin, IsTheInnermostModuleAndTheUsersOwnFrame) {
  const Origin origin = origin_of(
      "L__self__,,resnet.ResNet;L__self__layer1.1.relu@1,layer1.1.relu,torch.nn.modules.activation."
      "ReLU",
      "File \"/home/me/.venv/lib/python3.11/site-packages/torchvision/models/resnet.py\", line "
      "285, in forward\n    x\n"
      "  File \"/home/me/.venv/lib/python3.11/site-packages/torch/nn/modules/container.py\", line "
      "253, in forward\n    y\n"
      "  File \"/home/me/.venv/lib/python3.11/site-packages/torchvision/models/resnet.py\", line "
      "152, in forward\n    out = self.relu(out)\n"
      "  File \"<eval_with_key>.5\", line 9, in forward\n    z\n"
      "  File \"/home/me/.venv/lib/python3.11/site-packages/torch/nn/modules/activation.py\", line "
      "143, in forward\n    w");
  EXPECT_EQ(origin.module_path, "layer1.1.relu@1");
  EXPECT_EQ(origin.module_class, "torch.nn.modules.activation.ReLU");
  EXPECT_EQ(origin.source, "torchvision/models/resnet.py:152");
}

TEST(Origin, SpellsModulePathsAsPythonDoes) {
  EXPECT_EQ(module_path("L['self'].layer1[0].conv"), "layer1.0.conv");
  EXPECT_EQ(module_path("getattr(getattr(L['self'].blocks, '0').attn, 'qkv')"),
            "blocks.0.attn.qkv");
  EXPECT_EQ(module_path("L['self']._modules['blocks']._modules['0']"), "blocks.0");
  EXPECT_EQ(module_path("features.3"), "features.3");
  EXPECT_EQ(module_path(""), "");
}

TEST(Origin, NeverTellsAnAbsolutePath) {
  EXPECT_EQ(source_file("/home/me/secret/net.py"), "net.py");
  EXPECT_EQ(source_file("C:\\Users\\me\\net.py"), "net.py");
  EXPECT_EQ(source_file("models/net.py"), "models/net.py");
}

TEST(OutputNames, FollowTheTreeOfTheAnswer) {
  const std::string leaf = R"({"type": null, "context": null, "children_spec": []})";
  const std::string dict =
      R"([1, {"type": "builtins.dict", "context": "[\"out\", \"aux\"]", "children_spec": [)" +
      leaf + R"(, {"type": "builtins.list", "context": "null", "children_spec": [)" + leaf + ", " +
      leaf + "]}]}]";
  EXPECT_THAT(output_names(dict, nullptr, 3), ElementsAre("out", "aux.0", "aux.1"));
  EXPECT_THAT(output_names("[1, " + leaf + "]", nullptr, 1), ElementsAre(""));
  const std::string tuple =
      R"([1, {"type": "builtins.tuple", "context": "null", "children_spec": [)" + leaf + "]}]";
  EXPECT_THAT(output_names(tuple, nullptr, 1), ElementsAre(""));
  EXPECT_THAT(output_names("nonsense", nullptr, 2), ElementsAre("0", "1"));
  EXPECT_THAT(output_names(dict, nullptr, 2), ElementsAre("0", "1"));
}

TEST(Targets, AreOperatorsOfTheGraph) {
  EXPECT_EQ(parse_target("torch.ops.aten.conv2d.default")->op, "aten::conv2d.default");
  EXPECT_EQ(parse_target("_operator.floordiv")->op, "python::floordiv");
  EXPECT_EQ(parse_target("torch.sym_max")->op, "python::sym_max");
  EXPECT_EQ(parse_target("torch.ops.higher_order.cond")->op, "block::cond");
  EXPECT_FALSE(parse_target("os.system"));
  EXPECT_FALSE(parse_target("torch.ops.aten"));
}

TEST(Arguments, AreOperands) {
  const auto operand = [](const std::string& text) {
    const JsonTree tree(text, "test");
    return operand_of(tree.root(),
                      [](std::string_view name) { return static_cast<ValueId>(name.size()); });
  };
  EXPECT_EQ(operand(R"({"as_ints": [1, 2]})").constant().toIntVector(),
            (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(operand(R"({"as_sym_ints": [{"as_int": 4}]})").constant().toIntVector(),
            (std::vector<std::int64_t>{4}));
  const Operand mixed = operand(R"({"as_sym_ints": [{"as_int": 4}, {"as_name": "abc"}]})");
  EXPECT_EQ(mixed.list()[0].constant().toInt(), 4);
  EXPECT_EQ(mixed.list()[1].value(), 3);
  const Operand optional =
      operand(R"({"as_optional_tensors": [{"as_none": true}, {"as_tensor": {"name": "ab"}}]})");
  EXPECT_TRUE(optional.list()[0].constant().isNone());
  EXPECT_EQ(optional.list()[1].value(), 2);
  EXPECT_EQ(operand(R"({"as_float": "Infinity"})").constant().toDouble(),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(operand(R"({"as_scalar_type": 6})").constant().toInt(), static_cast<int>(at::kHalf));
  EXPECT_EQ(operand(R"({"as_memory_format": 2})").constant().toInt(),
            static_cast<int>(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(operand(R"({"as_device": {"type": "cuda", "index": 0}})").constant().toDevice().str(),
            "cpu");
  EXPECT_THROW(operand(R"({"as_custom_obj": {"name": "o", "class_fqn": "c"}})"), Error);
  EXPECT_THROW(operand(R"({"as_int": 1, "as_float": 2})"), Error);
  EXPECT_THROW(operand(R"({"as_nonsense": 1})"), Error);
}

TEST(Finite, AgreesWithTorchForEveryBitPatternOfSmallTypes) {
  for (const auto type : {at::kHalf, at::kBFloat16}) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto word = static_cast<std::uint16_t>(bits);
      const unsigned exponent = type == at::kHalf ? (bits >> 10) & 31 : (bits >> 7) & 255;
      const bool special = exponent == (type == at::kHalf ? 31u : 255u);
      ASSERT_EQ(has_nonfinite(std::as_bytes(std::span(&word, 1)), type), special) << bits;
    }
  }
  for (const auto type : {at::kFloat8_e4m3fn, at::kFloat8_e5m2, at::kFloat8_e4m3fnuz,
                          at::kFloat8_e5m2fnuz, at::kFloat8_e8m0fnu}) {
    for (int bits = 0; bits < 256; ++bits) {
      auto byte = static_cast<std::uint8_t>(bits);
      const at::Tensor tensor = at::tensor({static_cast<int>(byte)}, at::kByte).view(type);
      ASSERT_EQ(has_nonfinite(std::as_bytes(std::span(&byte, 1)), type),
                count_nonfinite(tensor).any())
          << type << bits;
    }
  }
}

TEST(Zip, ReadsCompressedEntriesWithinBounds) {
  // "aaaaaaaaaa" deflated by zlib at its best, without header.
  const std::string packed("\x4b\x84\x03\x00", 4);
  std::string file = zip({{"m/a", packed, 8, 0, 10, -1, "", false, true}});
  // The writer sums the packed bytes; the directory and header carry the sum of the unpacked ones.
  const std::string plain(10, 'a');
  const std::uint32_t wrong = crc32(0, bytes_of(packed)), right = crc32(0, bytes_of(plain));
  std::string from, to;
  put(from, wrong, 4), put(to, right, 4);
  for (std::size_t at = 0; (at = file.find(from, at)) != file.npos; at += 4)
    file.replace(at, 4, to);
  const ZipArchive archive(bytes_of(file));
  Content content;
  EXPECT_EQ(archive.text(archive.get("m/a"), content), plain);
}

}  // namespace
}  // namespace pellucid::pt2

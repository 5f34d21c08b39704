// Archives spoilt in every way that a hostile or broken file can be; rows are those of the fault
// table.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "test/formats/reading.h"

namespace pellucid {
namespace {

using namespace pellucid::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Row 1: truncated or bit-flipped archives.
TEST(Faults, ATruncatedArchiveNamesTheRecordItEndsIn) {
  const std::string whole = zip(SmallProgram().entries());
  for (std::size_t size = 4; size < whole.size(); size += 37) {
    EXPECT_THAT(refusal(model_bytes(whole.substr(0, size))),
                HasSubstr(size < 60 ? "truncated" : "record m/"))
        << size;
  }
}

TEST(Faults, AFlippedBitInAnyRecordNamesIt) {
  const std::string whole = zip(SmallProgram().entries());
  for (const Entry& entry : SmallProgram().entries()) {
    std::string spoilt = whole;
    spoilt[spoilt.find(entry.data) + entry.data.size() / 2] ^= 4;
    EXPECT_THAT(refusal(model_bytes(spoilt)),
                AllOf(HasSubstr("checksum"), HasSubstr("record " + entry.name)));
  }
}

TEST(Faults, NoFlippedBitAnywhereGetsPastTheReaderUnseenOrKillsIt) {
  const std::string whole = zip(SmallProgram().entries());
  const Model sound = read(model_bytes(whole));
  int unnoticed = 0;
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string spoilt = whole;
    spoilt[at] ^= static_cast<char>(1 << (at % 8));
    try {
      const Model model = read(model_bytes(spoilt));
      EXPECT_NE(model.fingerprint, sound.fingerprint);
      EXPECT_TRUE(at::equal(constant(model, "w"), constant(sound, "w")))
          << at;  // dates, versions, padding
      ++unnoticed;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(unnoticed, 0);
}

// Row 2: sizes far beyond the file.
TEST(Faults, ARecordThatClaimsMoreThanTheFileHasIsRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries[0].claimed_size = 0x7fffffff;
  EXPECT_THAT(refusal(entries),
              AllOf(HasSubstr("2147483647 bytes"), HasSubstr("record m/data/weights/weight_0")));
}

TEST(Faults, AWeightThatNeedsMoreThanItsRecordIsRefused) {
  SmallProgram program;
  program.meta() = tensor_meta(7, {1 << 14, 1 << 15}, {1 << 15, 1});
  EXPECT_THAT(refusal(program),
              AllOf(HasSubstr("2147483648 bytes"), HasSubstr("weight w"), HasSubstr("weight_0")));
  program.meta() = tensor_meta(7, {2, 3}, {3, 1}, 1);
  EXPECT_THAT(refusal(program), HasSubstr("28 bytes"));
  program.meta() = tensor_meta(7, {1 << 20, 1 << 10}, {0, 0});
  EXPECT_THAT(refusal(program), HasSubstr("most of them the same"));
}

// Row 3: bombs, overlaps, duplicates.
TEST(Faults, DuplicateEntriesAreRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries.push_back(entries[0]);
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("same name"), HasSubstr("weight_0")));
}

TEST(Faults, OverlappingEntriesAreRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  // The second entry lies, whole, inside the first one's data.
  const std::string inner =
      zip({{"m/inner", "abc", 0, 0, ~std::uint64_t{0}, -1, "", false, true}}).substr(0, 67);
  entries.insert(entries.begin(), {"m/outer", inner});
  entries.push_back({"m/inner", "abc", 0, 0, ~std::uint64_t{0}, 64, "", false, true});
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("overlap"), HasSubstr("m/inner")));
}

TEST(Faults, ACompressedEntryBeyondTheRatioIsRefusedBeforeItIsUnpacked) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries.push_back({"m/bomb", std::string(1000, '\0'), 8, 0, 0x7fffffff, -1, "", false, true});
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("beyond the bound"), HasSubstr("m/bomb")));
}

// Row 4: names.
TEST(Faults, NamesThatLeaveTheArchiveAreRefused) {
  for (const std::string& name :
       {std::string("m/../x"), std::string("/etc/x"), std::string("m/a\0b", 5),
        std::string("..\\x"), std::string(".."), std::string("C:x")}) {
    std::vector<Entry> entries = SmallProgram().entries();
    entries.push_back({name, "x"});
    EXPECT_THAT(refusal(entries), HasSubstr("an entry's name")) << name;
  }
}

TEST(Faults, HeadersThatDisagreeAndEncryptionAreRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries[0].local_name = "m/data/weights/weight_1";
  EXPECT_THAT(refusal(entries), HasSubstr("names disagree"));
  entries = SmallProgram().entries();
  entries[0].flags = 1;
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("encrypted"), HasSubstr("weight_0")));
}

// Row 7: pickles and code.
TEST(Faults, PickledWeightsAreRefusedByName) {
  SmallProgram program;
  program.weights["config"]["w"]["use_pickle"] = true;
  EXPECT_THAT(refusal(program),
              AllOf(HasSubstr("pickle"), HasSubstr("weight w"), HasSubstr("weight_0")));
}

TEST(Faults, CompiledCodeIsIgnoredWhereItIsNotNeededAndRefusedByNameWhereItIs) {
  SmallProgram program;
  program.others = {{"m/data/aotinductor/model/x.so",
                     "\x7f"
                     "ELF"},
                    {"m/data/sample_inputs/model.pt", "\x80\x02"}};
  EXPECT_EQ(read(program.bytes()).graph->nodes().size(), 2u);
  EXPECT_THAT(refusal(std::vector<Entry>{{"m/data/aotinductor/model/x.so",
                                          "\x7f"
                                          "ELF"}}),
              AllOf(HasSubstr("compiled"), HasSubstr("x.so")));
}

// Row 8: all that is unknown is listed at once.
TEST(Faults, UnknownOperatorsAndDtypesAreAllListed) {
  SmallProgram program;
  program.nodes()[0]["target"] = "torch.ops.mine.fast_add.default";
  program.nodes()[1]["target"] = "torch.ops.yours.slow_relu.default";
  program.nodes()[1]["inputs"].push_back(named("dtype", {{"as_scalar_type", 99}}));
  program.graph()["tensor_values"]["add"]["dtype"] = 77;
  program.meta()["dtype"] = 55;
  EXPECT_THAT(refusal(program), AllOf(HasSubstr("mine.fast_add"), HasSubstr("yours.slow_relu"),
                                      HasSubstr("dtype number 99"), HasSubstr("dtype number 77"),
                                      HasSubstr("dtype number 55")));
}

TEST(Faults, OperatorsThatTouchFilesOrRawMemoryAreRefused) {
  for (const char* target :
       {"torch.ops.aten.from_file.default", "torch.ops.inductor.resize_storage_bytes_.default",
        "torch.ops.profiler._record_function_enter.default"}) {
    SmallProgram program;
    program.nodes()[1]["target"] = target;
    EXPECT_THAT(refusal(program), HasSubstr(target));
  }
}

TEST(Faults, AnotherMajorSchemaVersionIsRefusedAndAnotherMinorIsRead) {
  SmallProgram program;
  program.program["schema_version"]["minor"] = 999;
  EXPECT_NO_THROW(read(program.bytes()));
  program.program["schema_version"]["major"] = 9;
  EXPECT_THAT(refusal(program), AllOf(HasSubstr("schema version 9"), HasSubstr("torch 2.9")));
}

// Row 9: weights that are not finite.
TEST(Faults, NotFiniteWeightsAreRefusedUnlessAllowed) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    SmallProgram program;
    program.weight = raw<float>({1, 2, bad, 4, 5, 6});
    EXPECT_THAT(refusal(program), AllOf(HasSubstr("weight w"), HasSubstr("weight_0"),
                                        HasSubstr("--allow-nonfinite")));
    LoadSettings settings;
    settings.allow_nonfinite = true;
    EXPECT_THAT(read(program.bytes(), settings).warnings,
                ::testing::Contains(HasSubstr("weight w")));
  }
}

TEST(Faults, WhatAViewDoesNotShowMayBeNotFinite) {
  SmallProgram program;
  program.weight = raw<float>({1, 2, 3, 4, 5, 6, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_TRUE(read(program.bytes()).warnings.empty());
}

TEST(Faults, NegativeInfinityInABufferIsAMask) {
  SmallProgram program;
  program.weight = raw<float>({0, -std::numeric_limits<float>::infinity(), 0, 0, 0, 0});
  program.weights["config"]["w"]["is_param"] = false;
  EXPECT_THAT(read(program.bytes()).warnings, ::testing::ElementsAre(HasSubstr("attention masks")));
}

// Row 10: sizes whose product overflows.
TEST(Faults, OverflowingSizesAreRefused) {
  SmallProgram program;
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  for (const Json& meta :
       {tensor_meta(7, {huge, 4}, {4, 1}), tensor_meta(7, {2, 3}, {huge, huge}),
        tensor_meta(7, {2, 3}, {3, 1}, huge), tensor_meta(7, {0, huge, huge}, {1, 1, 1})}) {
    program.meta() = meta;
    EXPECT_THAT(refusal(program), AllOf(HasSubstr("overflow"), HasSubstr("weight w")));
  }
  program.meta() = tensor_meta(7, {-2, 3}, {3, 1});
  EXPECT_THAT(refusal(program), HasSubstr("negative"));
}

// Row 11: cycles and depth.
TEST(Faults, ACyclicGraphIsRefused) {
  SmallProgram program;
  program.nodes()[0]["inputs"][0]["arg"] = tensor_argument("relu");
  EXPECT_THAT(refusal(program), AllOf(HasSubstr("relu"), HasSubstr("node add")));
}

TEST(Faults, DeeplyNestedJsonIsRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries[3].data = std::string(200'000, '[');
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("nested"), HasSubstr("m/models/model.json")));
}

TEST(Faults, ManyKeysInTheMetadataDoNotTakeMinutes) {
  SmallProgram program;
  std::string json = "{";
  for (int i = 0; i < 200'000; ++i) json += "\"k" + std::to_string(i) + "\":0,";
  program.others = {{"m/extra/pellucid.json", json + "\"k\":0}"}};
  EXPECT_THAT(refusal(program), HasSubstr("200001 keys"));
}

TEST(Faults, BigEndianWeightsAreRefused) {
  std::vector<Entry> entries = SmallProgram().entries();
  entries[5].data = "big";
  EXPECT_THAT(refusal(entries), AllOf(HasSubstr("little-endian"), HasSubstr("byteorder")));
}

TEST(ForeignFiles, AreNamedWithTheWayOut) {
  const auto file = [](std::string text) { return model_bytes(std::move(text)); };
  EXPECT_THAT(refusal(file(std::string("\x80\x02}q", 4))),
              AllOf(HasSubstr("pickle"), HasSubstr("pellucid.export")));
  EXPECT_THAT(refusal(file(std::string("\x02\0\0\0\0\0\0\0{}", 10))), HasSubstr("safetensors"));
  EXPECT_THAT(refusal(file("\x89PNG")), HasSubstr("picture"));
  EXPECT_THAT(refusal(file("hello")), HasSubstr("unknown kind"));
  EXPECT_THAT(refusal(std::vector<Entry>{{"m/code/__torch__.py", ""}, {"m/constants.pkl", ""}}),
              HasSubstr("TorchScript"));
  EXPECT_THAT(refusal(std::vector<Entry>{{"m/data.pkl", ""}}), HasSubstr("checkpoint"));
  EXPECT_THAT(refusal(std::vector<Entry>{{"serialized_exported_program.json", "{}"}}),
              HasSubstr("older torch"));
  EXPECT_THAT(refusal(std::vector<Entry>{{"notes.txt", ""}}), HasSubstr("zip archive"));
  SmallProgram pickled;
  std::vector<Entry> entries = pickled.entries();
  entries[1] = {"m/data/weights/model.pt", "PK"};
  EXPECT_THAT(refusal(entries),
              AllOf(HasSubstr("pickle"), HasSubstr("model.pt"), HasSubstr("2.9")));
}

TEST(ForeignFiles, AreNotRecognised) {
  EXPECT_FALSE(exported_program.recognises(bytes_of("hello")));
  EXPECT_FALSE(exported_program.recognises(bytes_of(zip({{"m/code/__torch__.py", ""}}))));
  EXPECT_TRUE(exported_program.recognises(bytes_of(zip(SmallProgram().entries()))));
}

}  // namespace
}  // namespace pellucid

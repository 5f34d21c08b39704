// .npy files that NumPy wrote, files of our own, and files that lie.
#include "pellucid/input/npy.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gt.h>
#include <gmock/gmock.h>

#include "goldens.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using namespace pellucid::testing;

at::Tensor numpys(const std::string& name) {
  return read_npy(file("test/input/data/" + name + ".npy"), name);
}

std::vector<std::byte> written_by_hand(std::string_view dictionary, std::size_t data_bytes,
                                       char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(dictionary.size()), '\0'};
  if (version > 1) text += {'\0', '\0'};
  text += dictionary;
  text.append(data_bytes, '\1');
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::string refusal(std::string_view dictionary, std::size_t data_bytes) {
  return error_of([&] { read_npy(written_by_hand(dictionary, data_bytes), "a file"); });
}

TEST(Npy, ReadsWhatNumpyWrote) {
  // As make_goldens.py makes it: 0..23 over 7, in float32.
  const at::Tensor expected = at::arange(24, at::kFloat).reshape({2, 3, 4}).div(7);
  EXPECT_TRUE(at::equal(numpys("c_order"), expected));
  EXPECT_TRUE(at::equal(numpys("fortran"), expected));
  EXPECT_TRUE(numpys("fortran").is_contiguous());
  EXPECT_TRUE(at::equal(numpys("half"), expected.to(at::kHalf)));
  EXPECT_TRUE(at::equal(numpys("bytes"), expected.to(at::kByte)));
  EXPECT_TRUE(at::equal(numpys("longs"), expected.to(at::kLong)));
  EXPECT_TRUE(at::equal(numpys("bool"), expected.gt(1)));
  EXPECT_EQ(numpys("scalar").dim(), 0);
  EXPECT_EQ(numpys("scalar").item<double>(), 2.5);
  EXPECT_EQ(numpys("empty").sizes(), (at::IntArrayRef{0, 3}));
}

TEST(Npy, WritesNumpysOwnBytes) {
  for (const char* name : {"c_order", "half", "bytes", "longs", "bool", "scalar", "empty"}) {
    EXPECT_EQ(write_npy(numpys(name)), file("test/input/data/" + std::string(name) + ".npy"))
        << name;
  }
  EXPECT_EQ(read_npy(write_npy(at::arange(3, at::kBFloat16)), "").scalar_type(), at::kFloat);
  error_of([] { write_npy(at::empty({2}, at::kComplexFloat)); }, Fault::internal);
}

TEST(Npy, ReadsVersionsTwoAndThree) {
  constexpr std::string_view dictionary =
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n";
  for (const char version : {1, 2, 3}) {
    EXPECT_EQ(read_npy(written_by_hand(dictionary, 4, version), "").sizes(),
              (at::IntArrayRef{2, 2}));
  }
  error_of([&] { read_npy(written_by_hand(dictionary, 4, 9), ""); });
}

TEST(Npy, RefusesSizesThatDoNotFitBeforeAllocating) {
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (500000000, 4), }", 100),
              HasSubstr("8000000000 bytes"));
  EXPECT_THAT(
      refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2), }",
              100),
      HasSubstr("overflows"));
  EXPECT_THAT(
      refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807, 9), }",
              0),
      HasSubstr("overflows"));
  EXPECT_THAT(
      refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 4),
      HasSubstr("overflows"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 5),
              HasSubstr("the file has 5"));
}

TEST(Npy, NamesTypesThatAreNotRead) {
  EXPECT_THAT(refusal("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 4),
              HasSubstr("pickled"));
  EXPECT_THAT(refusal("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4),
              HasSubstr(">f4"));
  EXPECT_THAT(refusal("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8),
              HasSubstr("<c8"));
  EXPECT_THAT(refusal("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4),
              HasSubstr("records"));
}

TEST(Npy, RefusesBrokenHeaders) {
  for (const char* dictionary : {"", "{", "{}", "{'descr'", "{'descr': '<f4'}",
                                 "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                                 "{'shape': (1 2)}", "{'code': 1}"}) {
    EXPECT_THAT(refusal(dictionary, 4), HasSubstr("header")) << dictionary;
  }
  const std::vector<std::byte> whole = file("test/input/data/c_order.npy");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    error_of([&] { read_npy(std::span(whole).first(length), "a file"); });
  }
}

}  // namespace
}  // namespace pellucid

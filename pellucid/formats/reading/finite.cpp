// A float is NaN or infinite exactly when all bits of its exponent are set, which needs no float
// arithmetic. The 8-bit types of fewer special values are told by their one or two bit patterns.
#include "pellucid/formats/reading/finite.h"

#include <ATen/ops/isnan.h>
#include <ATen/ops/isneginf.h>
#include <ATen/ops/isposinf.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/view_as_real.h>

#include <algorithm>
#include <cstring>

namespace pellucid {
namespace {

template <class Word>
bool any_masked(std::span<const std::byte> bytes, Word mask, Word pattern) {
  constexpr std::size_t block = 4096;  // words between two looks at the result
  const std::size_t count = bytes.size() / sizeof(Word);
  const std::byte* from = bytes.data();
  for (std::size_t i = 0; i < count; i += block) {
    const std::size_t end = std::min(block, count - i);
    Word found = 0;
    for (std::size_t k = 0; k < end; ++k) {
      Word word;
      std::memcpy(&word, from + (i + k) * sizeof(Word), sizeof word);
      found |= static_cast<Word>((word & mask) == pattern);
    }
    if (found != 0) return true;
  }
  return false;
}

}  // namespace

bool has_nonfinite(std::span<const std::byte> bytes, at::ScalarType type) {
  const auto exponent = [&]<class Word>(Word mask) { return any_masked<Word>(bytes, mask, mask); };
  const auto one = [&](std::uint8_t mask, std::uint8_t pattern) {
    return any_masked<std::uint8_t>(bytes, mask, pattern);
  };
  switch (type) {
    case at::kFloat:
    case at::kComplexFloat:
      return exponent(std::uint32_t{0x7f800000});
    case at::kDouble:
    case at::kComplexDouble:
      return exponent(std::uint64_t{0x7ff0000000000000});
    case at::kHalf:
    case at::kComplexHalf:
      return exponent(std::uint16_t{0x7c00});
    case at::kBFloat16:
      return exponent(std::uint16_t{0x7f80});
    case at::kFloat8_e5m2:
      return one(0x7c, 0x7c);
    case at::kFloat8_e4m3fn:
      return one(0x7f, 0x7f);
    case at::kFloat8_e5m2fnuz:
    case at::kFloat8_e4m3fnuz:
      return one(0xff, 0x80);
    case at::kFloat8_e8m0fnu:
      return one(0xff, 0xff);
    default:
      return false;
  }
}

NonFinite count_nonfinite(const at::Tensor& tensor) {
  at::Tensor plain = tensor.is_complex() ? at::view_as_real(tensor.to(at::kComplexDouble))
                                         : tensor.to(at::kDouble);
  return {.nan = at::isnan(plain).sum().item<std::int64_t>(),
          .positive = at::isposinf(plain).sum().item<std::int64_t>(),
          .negative = at::isneginf(plain).sum().item<std::int64_t>()};
}

}  // namespace pellucid

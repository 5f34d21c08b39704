// torch/_export/serde/schema.py has these enumerations; their numbers differ from c10's.
#include "pellucid/formats/pt2/enums.h"

namespace pellucid::pt2 {
namespace {

constexpr std::int64_t largest_number = 40;

template <class Enumeration>
std::optional<std::int64_t> number_in(std::optional<Enumeration> (*meaning)(std::int64_t),
                                      Enumeration wanted) {
  for (std::int64_t number = 1; number <= largest_number; ++number) {
    if (meaning(number) == wanted) return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<at::ScalarType> scalar_type(std::int64_t number) {
  switch (number) {
    case 1:
      return at::kByte;
    case 2:
      return at::kChar;
    case 3:
      return at::kShort;
    case 4:
      return at::kInt;
    case 5:
      return at::kLong;
    case 6:
      return at::kHalf;
    case 7:
      return at::kFloat;
    case 8:
      return at::kDouble;
    case 9:
      return at::kComplexHalf;
    case 10:
      return at::kComplexFloat;
    case 11:
      return at::kComplexDouble;
    case 12:
      return at::kBool;
    case 13:
      return at::kBFloat16;
    case 28:
      return at::kUInt16;
    case 29:
      return at::kFloat8_e4m3fn;
    case 30:
      return at::kFloat8_e5m2;
    case 31:
      return at::kFloat8_e4m3fnuz;
    case 32:
      return at::kFloat8_e5m2fnuz;
    case 33:
      return at::kFloat8_e8m0fnu;
    case 34:
      return at::kUInt32;
    case 35:
      return at::kUInt64;
    default:
      return std::nullopt;
  }
}

std::optional<at::Layout> layout(std::int64_t number) {
  switch (number) {
    case 1:
      return at::Layout::Sparse;
    case 2:
      return at::Layout::SparseCsr;
    case 3:
      return at::Layout::SparseCsc;
    case 4:
      return at::Layout::SparseBsr;
    case 5:
      return at::Layout::SparseBsc;
    case 6:
      return at::Layout::Mkldnn;
    case strided_layout:
      return at::Layout::Strided;
    default:
      return std::nullopt;
  }
}

std::optional<at::MemoryFormat> memory_format(std::int64_t number) {
  switch (number) {
    case 1:
      return at::MemoryFormat::Contiguous;
    case 2:
      return at::MemoryFormat::ChannelsLast;
    case 3:
      return at::MemoryFormat::ChannelsLast3d;
    case 4:
      return at::MemoryFormat::Preserve;
    default:
      return std::nullopt;
  }
}

std::optional<std::int64_t> number_of(at::ScalarType type) { return number_in(scalar_type, type); }
std::optional<std::int64_t> number_of(at::Layout wanted) { return number_in(layout, wanted); }
std::optional<std::int64_t> number_of(at::MemoryFormat format) {
  return number_in(memory_format, format);
}

}  // namespace pellucid::pt2

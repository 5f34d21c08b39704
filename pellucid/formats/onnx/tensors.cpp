// Data lie raw (little-endian), in a list of numbers, or in a file beside the model. What the sizes
// ask for is compared with what is there before anything is allocated.
#include "pellucid/formats/onnx/tensors.h"

#include <ATen/ops/empty.h>

#include <array>
#include <charconv>
#include <cstring>

#include "pellucid/base/error.h"
#include "pellucid/formats/reading/stored_tensor.h"

namespace pellucid::from_onnx {
namespace {

struct Type {
  std::string_view name;
  std::optional<at::ScalarType> type;
  int bits = 0;           // in the file
  bool is_signed = true;  // of packed ones
};

const std::array<Type, 27>& types() {
  static const std::array<Type, 27> all = {{
      {"undefined", {}},
      {"float", at::kFloat, 32},
      {"uint8", at::kByte, 8},
      {"int8", at::kChar, 8},
      {"uint16", at::kUInt16, 16},
      {"int16", at::kShort, 16},
      {"int32", at::kInt, 32},
      {"int64", at::kLong, 64},
      {"string", {}},
      {"bool", at::kBool, 8},
      {"float16", at::kHalf, 16},
      {"double", at::kDouble, 64},
      {"uint32", at::kUInt32, 32},
      {"uint64", at::kUInt64, 64},
      {"complex64", at::kComplexFloat, 64},
      {"complex128", at::kComplexDouble, 128},
      {"bfloat16", at::kBFloat16, 16},
      {"float8e4m3fn", at::kFloat8_e4m3fn, 8},
      {"float8e4m3fnuz", at::kFloat8_e4m3fnuz, 8},
      {"float8e5m2", at::kFloat8_e5m2, 8},
      {"float8e5m2fnuz", at::kFloat8_e5m2fnuz, 8},
      {"uint4", at::kByte, 4, false},
      {"int4", at::kChar, 4},
      {"float4e2m1", {}, 4},
      {"float8e8m0", at::kFloat8_e8m0fnu, 8},
      {"uint2", at::kByte, 2, false},
      {"int2", at::kChar, 2},
  }};
  return all;
}

const Type* find(std::int64_t number) {
  return number > 0 && number < static_cast<std::int64_t>(types().size())
             ? &types()[static_cast<std::size_t>(number)]
             : nullptr;
}

std::string short_name(std::string_view name) { return std::string(name.substr(0, 200)); }

std::uint64_t number_in(std::string_view text, const char* what) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw model_error("its " + std::string(what) + " \"" + short_name(text) + "\" is no number");
  return number;
}

// Several numbers to a byte, the first in the lowest bits.
at::Tensor unpacked(std::span<const std::byte> bytes, const Type& type,
                    const std::vector<std::int64_t>& sizes, std::int64_t count) {
  at::Tensor made = at::empty(sizes, at::TensorOptions().dtype(*type.type));
  auto* const to = static_cast<std::uint8_t*>(made.mutable_data_ptr());
  const int per_byte = 8 / type.bits, mask = (1 << type.bits) - 1, sign = 1 << (type.bits - 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const int shift = static_cast<int>(i % per_byte) * type.bits;
    int number =
        (std::to_integer<int>(bytes[static_cast<std::size_t>(i / per_byte)]) >> shift) & mask;
    if (type.is_signed && (number & sign) != 0) number -= mask + 1;
    to[i] = static_cast<std::uint8_t>(number);
  }
  return made;
}

template <class To, class From>
at::Tensor listed(const std::vector<From>& numbers, std::size_t count, at::ScalarType type,
                  const std::vector<std::int64_t>& sizes) {
  if (numbers.size() != count) {
    throw model_error("its sizes make " + std::to_string(count) + " numbers, the file has " +
                      std::to_string(numbers.size()));
  }
  at::Tensor made = at::empty(sizes, at::TensorOptions().dtype(type));
  auto* to = static_cast<std::byte*>(made.mutable_data_ptr());
  for (const From number : numbers) {
    const To stored = static_cast<To>(number);
    std::memcpy(to, &stored, sizeof stored);
    to += sizeof stored;
  }
  return made;
}

// The typed list that TensorProto has for the type.
at::Tensor from_list(const TensorRecord& record, const Type& type, std::size_t count) {
  const at::ScalarType dtype = *type.type;
  switch (dtype) {
    case at::kFloat:
      return listed<float>(record.floats, count, dtype, record.dims);
    case at::kComplexFloat: {
      std::vector<c10::complex<float>> pairs;
      for (std::size_t i = 0; i + 1 < record.floats.size(); i += 2)
        pairs.emplace_back(record.floats[i], record.floats[i + 1]);
      return listed<c10::complex<float>>(pairs, count, dtype, record.dims);
    }
    case at::kDouble:
      return listed<double>(record.doubles, count, dtype, record.dims);
    case at::kComplexDouble: {
      std::vector<c10::complex<double>> pairs;
      for (std::size_t i = 0; i + 1 < record.doubles.size(); i += 2)
        pairs.emplace_back(record.doubles[i], record.doubles[i + 1]);
      return listed<c10::complex<double>>(pairs, count, dtype, record.dims);
    }
    case at::kLong:
      return listed<std::int64_t>(record.int64s, count, dtype, record.dims);
    case at::kUInt64:
      return listed<std::uint64_t>(record.uint64s, count, dtype, record.dims);
    case at::kUInt32:
      return listed<std::uint32_t>(record.uint64s, count, dtype, record.dims);
    case at::kInt:
      return listed<std::int32_t>(record.int32s, count, dtype, record.dims);
    case at::kShort:
    case at::kUInt16:
    case at::kHalf:
    case at::kBFloat16:
      return listed<std::uint16_t>(record.int32s, count, dtype, record.dims);
    case at::kBool: {
      std::vector<std::uint8_t> bits;
      for (const std::int32_t number : record.int32s) bits.push_back(number != 0);
      return listed<std::uint8_t>(bits, count, dtype, record.dims);
    }
    default:
      break;
  }
  if (type.bits == 8) return listed<std::uint8_t>(record.int32s, count, dtype, record.dims);
  std::vector<std::byte> packed;
  for (const std::int32_t number : record.int32s) packed.push_back(static_cast<std::byte>(number));
  if (packed.size() * static_cast<std::size_t>(8 / type.bits) < count)
    throw model_error("its sizes make " + std::to_string(count) + " numbers, the file has fewer");
  return unpacked(packed, type, record.dims, static_cast<std::int64_t>(count));
}

}  // namespace

std::optional<at::ScalarType> scalar_type(std::int64_t data_type) {
  const Type* type = find(data_type);
  return type == nullptr ? std::nullopt : type->type;
}

std::string type_name(std::int64_t data_type) {
  const Type* type = find(data_type);
  return type == nullptr ? "type " + std::to_string(data_type) : std::string(type->name);
}

at::Tensor TensorSource::read(const TensorRecord& record) {
  try {
    const Type* type = find(record.data_type);
    if (type == nullptr || !type->type)
      throw model_error("numbers of the type " + type_name(record.data_type) + " are not read");
    if (record.dims.size() > 64) throw model_error("it has more than 64 dimensions");
    // bytes_reached() takes care of sizes that overflow.
    TensorLayout layout{*type->type, record.dims, std::vector<std::int64_t>(record.dims.size()), 0};
    std::int64_t count = 1, largest = 1;
    for (std::size_t i = record.dims.size(); i-- > 0;) {
      if (record.dims[i] < 0) throw model_error("it has a negative size");
      layout.strides[i] = largest;
      if (__builtin_mul_overflow(count, record.dims[i], &count) ||
          __builtin_mul_overflow(largest, std::max<std::int64_t>(record.dims[i], 1), &largest))
        throw model_error("its sizes overflow");
    }
    bytes_reached(layout);
    std::int64_t bits = 0;
    if (__builtin_mul_overflow(largest, std::int64_t{type->bits}, &bits))
      throw model_error("its sizes overflow");
    if (!record.raw && !record.is_external)
      return from_list(record, *type, static_cast<std::size_t>(count));

    const std::uint64_t needed =
        count == 0 ? 0 : static_cast<std::uint64_t>(bits / 8 + (bits % 8 != 0));
    std::shared_ptr<const void> owner = file_.owner;
    std::span<const std::byte> bytes;
    if (record.is_external)
      bytes = external(record, needed, owner);
    else
      bytes = std::as_bytes(std::span(*record.raw));
    if (bytes.size() != needed) {
      throw model_error("its sizes make " + std::to_string(needed) + " bytes, the file has " +
                        std::to_string(bytes.size()));
    }
    if (type->bits < 8) return unpacked(bytes, *type, record.dims, count);
    return tensor_over(owner, bytes, layout);
  } catch (Error& error) {
    throw error.at("tensor " + short_name(record.name));
  }
}

std::span<const std::byte> TensorSource::external(const TensorRecord& record, std::uint64_t bytes,
                                                  std::shared_ptr<const void>& owner) {
  std::string_view location;
  std::uint64_t offset = 0, length = bytes;
  for (const auto& [key, value] : record.external) {
    if (key == "location")
      location = value;
    else if (key == "offset")
      offset = number_in(value, "offset");
    else if (key == "length")
      length = number_in(value, "length");
  }
  auto found = further_.find(location);
  if (found == further_.end()) {
    if (!settings_.beside) {
      throw model_error("its data are in another file, \"" + short_name(location) +
                        "\", and none may be read")
          .hint("put the weights into the model's own file: onnx.save(model, PATH)");
    }
    if (further_.size() >= 4096) throw model_error("the model names more than 4096 files");
    found = further_.emplace(std::string(location), settings_.beside(location)).first;
  }
  const std::span<const std::byte> all = found->second.bytes;
  if (offset > all.size() || length > all.size() - offset) {
    throw model_error("its data are bytes " + std::to_string(offset) + " to " +
                      std::to_string(offset) + " + " + std::to_string(length) + " of \"" +
                      short_name(location) + "\", which has " + std::to_string(all.size()));
  }
  owner = found->second.owner;
  return all.subspan(offset, length);
}

std::vector<ModelBytes> TensorSource::further() const {
  std::vector<ModelBytes> files;
  for (const auto& [name, bytes] : further_) files.push_back(bytes);
  return files;
}

}  // namespace pellucid::from_onnx

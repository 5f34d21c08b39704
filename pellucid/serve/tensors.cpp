// Invariant: nothing is allocated for a shape before the values for it are known to be there.
#include "pellucid/serve/tensors.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

struct Datatype {
  std::string_view name;
  at::ScalarType type;
  double least, most;  // 0 and 0: any number of JSON
};

constexpr double most_float = std::numeric_limits<float>::max();

constexpr Datatype datatypes[] = {
    {"BOOL", at::kBool, 0, 1},
    {"UINT8", at::kByte, 0, 255},
    {"INT8", at::kChar, -128, 127},
    {"INT16", at::kShort, -32768, 32767},
    {"INT32", at::kInt, -2147483648.0, 2147483647.0},
    {"INT64", at::kLong, -9223372036854775808.0, 9223372036854774784.0},
    {"FP16", at::kHalf, -65504, 65504},
    {"FP32", at::kFloat, -most_float, most_float},
    {"FP64", at::kDouble, 0, 0},
};

const Datatype& entry_of(at::ScalarType type) {
  const auto found = std::ranges::find(datatypes, type, &Datatype::type);
  if (found != std::end(datatypes)) return *found;
  throw usage_error("numbers can't be given for this type of input")
      .hint("the types are BOOL, UINT8, INT8, INT16, INT32, INT64, FP16, FP32 and FP64");
}

// Doubles hold every value of the smaller types; int64 goes its own way.
template <class Number>
void append(const Json& data, const Datatype& type, std::vector<Number>& values, std::size_t most) {
  if (data.is_array()) {
    for (const Json& item : data) append(item, type, values, most);
    return;
  }
  const bool number = data.is_number() || (data.is_boolean() && type.type == at::kBool);
  if (!number) throw usage_error("\"data\" holds something that is no number");
  if (values.size() == most) throw usage_error("\"data\" has more values than its shape");
  const double value = data.is_boolean() ? (data.get<bool>() ? 1 : 0) : data.get<double>();
  const bool whole = at::isFloatingType(type.type) || value == std::floor(value);
  if (type.least < type.most && (value < type.least || value > type.most || !whole)) {
    throw usage_error("a value does not fit " + std::string(type.name));
  }
  if constexpr (std::is_same_v<Number, std::int64_t>) {
    values.push_back(data.get<std::int64_t>());
  } else {
    values.push_back(value);
  }
}

template <class Number>
at::Tensor numbers(const Json& data, const Datatype& type, std::span<const std::int64_t> shape) {
  const auto count = static_cast<std::size_t>(count_of(shape));
  std::vector<Number> values;
  append(data, type, values, count);
  if (values.size() != count) {
    throw usage_error("\"data\" has " + std::to_string(values.size()) + " values, its shape " +
                      std::to_string(count));
  }
  constexpr auto own = std::is_same_v<Number, std::int64_t> ? at::kLong : at::kDouble;
  at::Tensor tensor = at::empty(at::IntArrayRef(shape.data(), shape.size()), own);
  std::memcpy(tensor.data_ptr(), values.data(), values.size() * sizeof(Number));
  return tensor.to(type.type);
}

void nesting(const Json& data, std::vector<std::int64_t>& shape, std::size_t depth) {
  if (!data.is_array()) {
    if (depth != shape.size()) throw usage_error("lists of unequal depth are no array");
    return;
  }
  const auto size = static_cast<std::int64_t>(data.size());
  if (depth == shape.size()) {
    shape.push_back(size);
  } else if (shape[depth] != size) {
    throw usage_error("lists of unequal length are no array");
  }
  for (const Json& item : data) nesting(item, shape, depth + 1);
}

template <class Value>
Json value_of(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  } else {
    return Json(value);
  }
}

template <class Value>
Json values_from(const Value*& next, at::IntArrayRef shape) {
  if (shape.empty()) return value_of(*next++);
  Json list = Json::array();
  auto& items = list.get_ref<Json::array_t&>();
  items.reserve(static_cast<std::size_t>(shape.front()));
  for (std::int64_t i = 0; i < shape.front(); ++i)
    items.push_back(values_from(next, shape.slice(1)));
  return list;
}

Json values_in(const at::Tensor& tensor, at::IntArrayRef shape) {
  const auto walk = [&]<class Value>(at::ScalarType type, const Value*) {
    const at::Tensor plain = tensor.to(type).contiguous();
    const auto* next = static_cast<const Value*>(plain.data_ptr());
    return values_from(next, shape);
  };
  if (tensor.scalar_type() == at::kBool) return walk(at::kBool, static_cast<bool*>(nullptr));
  if (at::isFloatingType(tensor.scalar_type()))
    return walk(at::kDouble, static_cast<double*>(nullptr));
  return walk(at::kLong, static_cast<std::int64_t*>(nullptr));
}

}  // namespace

std::optional<at::ScalarType> type_of(std::string_view datatype) {
  const auto found = std::ranges::find(datatypes, datatype, &Datatype::name);
  if (found == std::end(datatypes)) return std::nullopt;
  return found->type;
}

std::string_view datatype_of(at::ScalarType type) {
  const auto found = std::ranges::find(datatypes, type, &Datatype::type);
  if (found != std::end(datatypes)) return found->name;
  return type == at::kBFloat16 ? "BF16" : "";
}

std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) throw usage_error("a shape has no negative sizes");
    if (__builtin_mul_overflow(count, size, &count)) throw usage_error("the shape is too large");
  }
  return count;
}

at::Tensor tensor_of(const Json& data, at::ScalarType type, std::span<const std::int64_t> shape) {
  if (!data.is_array() && !data.is_number() && !data.is_boolean())
    throw usage_error("\"data\" must be a list of numbers");
  const Datatype& entry = entry_of(type);
  return type == at::kLong ? numbers<std::int64_t>(data, entry, shape)
                           : numbers<double>(data, entry, shape);
}

at::Tensor tensor_of(const Json& data, at::ScalarType type) {
  std::vector<std::int64_t> shape;
  for (const Json* first = &data; first->is_array(); first = &first->front()) {
    shape.push_back(static_cast<std::int64_t>(first->size()));
    if (first->empty()) break;
  }
  nesting(data, shape, 0);
  return tensor_of(data, type, shape);
}

at::Tensor tensor_of(std::string_view bytes, at::ScalarType type,
                     std::span<const std::int64_t> shape) {
  const std::int64_t count = count_of(shape);
  std::int64_t expected = 0;
  const bool fits = !__builtin_mul_overflow(
      count, static_cast<std::int64_t>(c10::elementSize(entry_of(type).type)), &expected);
  if (!fits || expected != static_cast<std::int64_t>(bytes.size())) {
    throw usage_error("the binary data has " + std::to_string(bytes.size()) +
                      " bytes, which is not what its shape and datatype take");
  }
  at::Tensor tensor = at::empty(at::IntArrayRef(shape.data(), shape.size()), type);
  if (type == at::kBool) {
    // Any other byte would be no truth value at all.
    for (std::size_t i = 0; i < bytes.size(); ++i)
      static_cast<bool*>(tensor.data_ptr())[i] = bytes[i] != 0;
  } else if (!bytes.empty()) {
    std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  }
  return tensor;
}

Json flat_values(const at::Tensor& tensor) { return values_in(tensor, {tensor.numel()}); }

Json nested_values(const at::Tensor& tensor) { return values_in(tensor, tensor.sizes()); }

std::string raw_bytes(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.contiguous();
  return {static_cast<const char*>(plain.data_ptr()), plain.nbytes()};
}

}  // namespace pellucid

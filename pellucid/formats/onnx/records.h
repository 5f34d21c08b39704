// An ONNX file's messages as plain records: views into the file's bytes, nothing copied but
// numbers.
//
// Field numbers are those of onnx.proto (github.com/onnx/onnx), IR versions 3 to 13. Fields that no
// reader needs (documentation, training, annotations) are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pellucid::from_onnx {

using Properties = std::vector<std::pair<std::string_view, std::string_view>>;

struct TensorRecord {
  std::string_view name;
  std::int64_t data_type = 0;  // TensorProto.DataType
  std::vector<std::int64_t> dims;
  std::optional<std::string_view> raw;
  std::vector<float> floats;
  std::vector<std::int32_t> int32s;
  std::vector<std::int64_t> int64s;
  std::vector<double> doubles;
  std::vector<std::uint64_t> uint64s;
  std::size_t strings = 0;  // how many
  bool is_external = false;
  Properties external;  // "location", "offset", "length", "checksum"
};

struct GraphRecord;

struct AttributeRecord {
  std::string_view name, refers_to;  // the latter: an attribute of the function around it
  std::int64_t type = 0;             // AttributeProto.AttributeType; 0: told by what is there
  std::optional<std::int64_t> integer;
  std::optional<float> real;
  std::optional<std::string_view> text;
  std::vector<std::int64_t> integers;
  std::vector<float> reals;
  std::vector<std::string_view> texts;
  std::shared_ptr<const TensorRecord> tensor;
  std::shared_ptr<const GraphRecord> graph;
  std::string_view other;  // what else it holds, that nothing here reads: "sparse tensor", ...
};

struct NodeRecord {
  std::string_view name, type, domain, overload;
  std::vector<std::string_view> inputs, outputs;  // "" stands for one that is left out
  std::vector<AttributeRecord> attributes;
  Properties properties;
};

struct ValueRecord {
  std::string_view name;
  std::string_view kind = "untyped";  // "tensor", "sequence", "optional", "map", "sparse tensor"
  std::int64_t data_type = 0;
  bool has_shape = false;
  struct Size {
    std::optional<std::int64_t> number;
    std::string_view symbol;
  };
  std::vector<Size> sizes;
};

struct GraphRecord {
  std::string_view name;
  std::vector<NodeRecord> nodes;
  std::vector<TensorRecord> initializers;
  std::size_t sparse_initializers = 0;
  std::vector<ValueRecord> inputs, outputs, values;
};

using Opsets = std::map<std::string_view, std::int64_t>;

struct FunctionRecord {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<AttributeRecord> defaults;
  std::vector<NodeRecord> nodes;
  Opsets opsets;
};

struct ModelRecord {
  std::int64_t ir_version = 0;
  Opsets opsets;
  std::string_view producer, producer_version;
  std::optional<GraphRecord> graph;
  std::vector<FunctionRecord> functions;
  Properties properties;
};

// True when the bytes begin as ONNX models do. Nothing is parsed beyond the first fields.
bool looks_like_onnx(std::span<const std::byte> bytes);

// Throws Error (Fault::model) saying in which message the bytes end or stop making sense, when
// graphs are nested deeper than 32, and when there are more messages than any model has.
ModelRecord read_model_record(std::span<const std::byte> bytes);

// A single tensor, as ONNX's test data are stored.
TensorRecord read_tensor_record(std::string_view bytes);

}  // namespace pellucid::from_onnx

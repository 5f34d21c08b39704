// TensorProto → at::Tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/formats/format.h"
#include "pellucid/formats/onnx/records.h"

namespace pellucid::from_onnx {

// ATen's type for a TensorProto.DataType. Types of four and two bits are held in whole bytes.
// nullopt: strings, and types that ATen does not know.
std::optional<at::ScalarType> scalar_type(std::int64_t data_type);
// "float", "uint4", ... as ONNX calls it; "type 99" for an unknown number.
std::string type_name(std::int64_t data_type);

// Where tensors' bytes come from.
class TensorSource {
 public:
  TensorSource(const ModelBytes& file, const LoadSettings& settings)
      : file_(file), settings_(settings) {}

  // Over the file's own memory where that can be. Throws Error (Fault::model) naming the tensor: a
  // type that is not read, sizes that overflow or contradict the data, external data that is not
  // beside the model or too short.
  at::Tensor read(const TensorRecord& record);

  // The files that tensors were read from beside the model, in order of their names.
  std::vector<ModelBytes> further() const;

 private:
  std::span<const std::byte> external(const TensorRecord& record, std::uint64_t bytes,
                                      std::shared_ptr<const void>& owner);

  const ModelBytes& file_;
  const LoadSettings& settings_;
  std::map<std::string, ModelBytes, std::less<>> further_;
};

}  // namespace pellucid::from_onnx

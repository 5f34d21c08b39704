// A call on tensors without data: what ATen says of its results.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "pellucid/formats/onnx/body.h"

namespace pellucid::from_onnx {

// A constant may not be larger than this: a few bytes of file can ask for any size.
inline constexpr std::int64_t most_constant_elements = std::int64_t{1} << 26;

class SeenCall {
 public:
  // Throws Error (Fault::model) when there is no such operator.
  SeenCall(std::string_view op, const Args& args);

  // The results in the two forms; empty where ATen does not tell.
  std::array<std::vector<at::Tensor>, 2> forms(std::size_t results, bool is_list) const;
  // The results themselves, of a call whose operands are all known. Throws Error (Fault::model)
  // where the operator fails.
  std::vector<at::Tensor> compute(std::size_t results, bool is_list) const;

 private:
  enum class Mode { first, second, real };
  std::optional<std::vector<at::Tensor>> run(Mode mode, std::size_t results, bool is_list) const;
  std::optional<Operand> operand(const Arg& arg, Mode mode) const;
  bool is_symbolic(const Arg& arg) const;

  c10::OperatorHandle handle_;
  const Args& args_;
};

}  // namespace pellucid::from_onnx

// Python's arithmetic on symbolic sizes, with Python's meaning of //, % and /.
#pragma once

#include <ATen/core/ivalue.h>

#include <span>
#include <string_view>

namespace pellucid {

// `op` is "python::mul" or "mul". Throws Error (Fault::model) on a wrong number of operands or a
// division by zero.
c10::IValue evaluate_python(std::string_view op, std::span<const c10::IValue> operands);

}  // namespace pellucid

// Literals as an operator's schema wants them.
#pragma once

#include <ATen/core/function_schema.h>

#include "pellucid/graph/graph.h"

namespace pellucid {

// The operand converted for an argument of that type: numbers to floats, lists to typed lists, a
// number for a tensor to a wrapped 0-dim tensor. Operands that hold values come back with their
// literals converted. Throws Error (Fault::model) saying what was expected; the caller adds the
// node.
Operand fit(const Operand& operand, const c10::Argument& argument);

// A list IValue with the element type of a schema's list argument ("Tensor[]", "int[]",
// "Tensor?[]", ...).
c10::IValue typed_list(std::vector<c10::IValue> items, const c10::TypePtr& element);

// The number as a 0-dim tensor that takes no part in type promotion.
at::Tensor wrapped_number(const c10::IValue& number);

// The type of an argument with the outer Optional removed.
c10::TypePtr plain_type(const c10::Argument& argument);

}  // namespace pellucid

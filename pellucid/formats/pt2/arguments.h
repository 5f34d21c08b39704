// The arguments of an exported program's nodes as operands.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "pellucid/formats/reading/json_tree.h"
#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// The one member of a union ({"as_tensor": {...}}), its key telling the kind.
// Throws Error (Fault::model) when it is not an object of one member.
const JsonItem& kind_of(const JsonItem& argument);

// The value that an argument of a single value names; "" for a literal.
std::string_view value_name(const JsonItem& argument);

// Calls visit(name) for every value that the argument names, those of lists included, subgraphs
// not.
void for_each_name(const JsonItem& argument, const std::function<void(std::string_view)>& visit);

// The operand of an argument that is no subgraph. `use` finds a value by its name.
// Throws Error (Fault::model): an unknown kind, dtype, layout or memory format; a custom object.
Operand operand_of(const JsonItem& argument, const std::function<ValueId(std::string_view)>& use);

// What keeps the argument from being read, as one line; "" when nothing does.
std::string problem_of(const JsonItem& argument);

}  // namespace pellucid::pt2

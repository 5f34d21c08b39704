// What a TorchScript value stands for while its program is walked: a literal, a value of the graph
// that is being built, or a container of these.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pellucid/graph/graph.h"

namespace pellucid::script {

class Scope;

// A value of the graph. What it was for each example input stands beside it: what the examples
// agree on and content cannot change (a size, a rank, a type) is known while the graph is built.
struct Symbol {
  Scope* scope = nullptr;  // where `id` is a value
  ValueId id = no_value;
  std::string name = {};
  bool is_tensor = true;
  bool depends = true;            // on an input, or on chance; otherwise the example is its value
  bool sized_by_content = false;  // a tensor whose sizes, a number whose value depend on content
  std::vector<c10::IValue> examples = {};  // one per example input
};
using SymbolRef = std::shared_ptr<const Symbol>;

struct List;
struct Tuple;
struct Dict;
struct Instance;

// Containers are shared, as TorchScript's own are.
using Item = std::variant<c10::IValue, SymbolRef, std::shared_ptr<List>, std::shared_ptr<Tuple>,
                          std::shared_ptr<Dict>, std::shared_ptr<Instance>>;

struct List {
  std::vector<Item> items;
  const Scope* scope = nullptr;  // where it was made: nobody inside a branch may change it
};
struct Tuple {
  std::vector<Item> items;
  std::vector<std::string> names;  // of a named tuple
};
struct Dict {
  std::vector<std::pair<c10::IValue, Item>> items;  // in the order of insertion
  const Scope* scope = nullptr;
};
// A module of the file, or an object that the program makes.
struct Instance {
  c10::ClassTypePtr type;
  c10::intrusive_ptr<c10::ivalue::Object> object;  // nullptr: made by the program
  std::string path;                                // of a module: "layer4.2.conv3"
  std::map<std::string, Item> attributes;          // those that the program set
};

// nullptr where the item is something else.
const c10::IValue* literal(const Item& item);
const Symbol* symbol(const Item& item);
List* list(const Item& item);
Tuple* tuple(const Item& item);
Dict* dict(const Item& item);
Instance* instance(const Item& item);

bool is_none(const Item& item);
bool is_tensor(const Item& item);  // a symbol that is a tensor
// A literal number or truth value, or a symbol that is one.
bool is_number(const Item& item);

// True when no symbol and no instance is in it.
bool is_known(const Item& item);
bool holds_tensor(const Item& item);

// Calls visit(const Symbol&) for the symbols in the item, lists and tuples included.
template <class Visit>
void for_each_symbol(const Item& item, Visit&& visit) {
  if (const Symbol* known = symbol(item)) visit(*known);
  if (const List* known = list(item))
    for (const Item& one : known->items) for_each_symbol(one, visit);
  if (const Tuple* known = tuple(item))
    for (const Item& one : known->items) for_each_symbol(one, visit);
}

// Of a literal, its containers as containers of items.
Item item_of(const c10::IValue& value, const Scope* scope);
// Of what is known, as PyTorch's own value of that type.
c10::IValue value_of(const Item& item, const c10::TypePtr& type);

// For messages: "a tensor", "a list", ...
std::string kind_of(const Item& item);

}  // namespace pellucid::script

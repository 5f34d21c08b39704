// Items: which kind one is, and the way from and to PyTorch's own values.
#include "pellucid/formats/torchscript/item.h"

#include <ATen/core/class_type.h>
#include <ATen/core/jit_type.h>

#include <algorithm>

#include "pellucid/base/error.h"
#include "pellucid/graph/operand.h"

namespace pellucid::script {
namespace {

template <class Pointer>
auto* held(const Item& item) {
  const Pointer* pointer = std::get_if<Pointer>(&item);
  return pointer == nullptr ? nullptr : pointer->get();
}

c10::TypePtr plain(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::OptionalType
             ? type->castRaw<c10::OptionalType>()->getElementType()
             : type;
}

}  // namespace

const c10::IValue* literal(const Item& item) { return std::get_if<c10::IValue>(&item); }
const Symbol* symbol(const Item& item) { return held<SymbolRef>(item); }
List* list(const Item& item) { return held<std::shared_ptr<List>>(item); }
Tuple* tuple(const Item& item) { return held<std::shared_ptr<Tuple>>(item); }
Dict* dict(const Item& item) { return held<std::shared_ptr<Dict>>(item); }
Instance* instance(const Item& item) { return held<std::shared_ptr<Instance>>(item); }

bool is_none(const Item& item) {
  const c10::IValue* value = literal(item);
  return value != nullptr && value->isNone();
}

bool is_tensor(const Item& item) {
  const Symbol* known = symbol(item);
  return known != nullptr && known->is_tensor;
}

bool is_number(const Item& item) {
  if (const Symbol* known = symbol(item)) return !known->is_tensor;
  const c10::IValue* value = literal(item);
  return value != nullptr && (value->isInt() || value->isDouble() || value->isBool());
}

bool is_known(const Item& item) {
  const auto all = [](const std::vector<Item>& items) {
    return std::all_of(items.begin(), items.end(), [](const Item& one) { return is_known(one); });
  };
  if (const List* known = list(item)) return all(known->items);
  if (const Tuple* known = tuple(item)) return all(known->items);
  if (const Dict* known = dict(item))
    return std::all_of(known->items.begin(), known->items.end(),
                       [](const auto& entry) { return is_known(entry.second); });
  return literal(item) != nullptr;
}

bool holds_tensor(const Item& item) {
  const auto any = [](const std::vector<Item>& items) {
    return std::any_of(items.begin(), items.end(),
                       [](const Item& one) { return holds_tensor(one); });
  };
  if (const List* known = list(item)) return any(known->items);
  if (const Tuple* known = tuple(item)) return any(known->items);
  return is_tensor(item);
}

Item item_of(const c10::IValue& value, const Scope* scope) {
  if (value.isList()) {
    auto made = std::make_shared<List>();
    made->scope = scope;
    for (const c10::IValue& item : value.toListRef()) made->items.push_back(item_of(item, scope));
    return made;
  }
  if (value.isTuple()) {
    auto made = std::make_shared<Tuple>();
    for (const c10::IValue& item : value.toTupleRef().elements())
      made->items.push_back(item_of(item, scope));
    const auto type = value.toTupleRef().type();
    if (type != nullptr && type->schema() != nullptr) {
      for (const c10::Argument& field : type->schema()->arguments())
        made->names.push_back(field.name());
    }
    return made;
  }
  if (value.isGenericDict()) {
    auto made = std::make_shared<Dict>();
    made->scope = scope;
    for (const auto& entry : value.toGenericDict())
      made->items.emplace_back(entry.key(), item_of(entry.value(), scope));
    return made;
  }
  return value;
}

c10::IValue value_of(const Item& item, const c10::TypePtr& given) {
  const c10::TypePtr type = plain(given);
  if (const c10::IValue* value = literal(item)) {
    if (type->kind() == c10::TypeKind::FloatType && value->isInt())
      return static_cast<double>(value->toInt());
    return *value;
  }
  if (const List* known = list(item)) {
    if (type->kind() != c10::TypeKind::ListType) throw internal_error("a list for " + type->str());
    const c10::TypePtr element = type->castRaw<c10::ListType>()->getElementType();
    std::vector<c10::IValue> items;
    for (const Item& one : known->items) items.push_back(value_of(one, element));
    return typed_list(std::move(items), element);
  }
  if (const Tuple* known = tuple(item)) {
    const auto* types = type->castRaw<c10::TupleType>();
    std::vector<c10::IValue> items;
    for (std::size_t i = 0; i < known->items.size(); ++i) {
      items.push_back(value_of(known->items[i], types != nullptr && i < types->elements().size()
                                                    ? types->elements()[i]
                                                    : c10::AnyType::get()));
    }
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (const Dict* known = dict(item); known != nullptr && type->kind() == c10::TypeKind::DictType) {
    const auto* types = type->castRaw<c10::DictType>();
    c10::impl::GenericDict made(types->getKeyType(), types->getValueType());
    for (const auto& [key, value] : known->items)
      made.insert(key, value_of(value, types->getValueType()));
    return made;
  }
  throw internal_error(kind_of(item) + " is no literal");
}

std::string kind_of(const Item& item) {
  if (const c10::IValue* value = literal(item)) return "a literal " + value->tagKind();
  if (const Symbol* known = symbol(item)) return known->is_tensor ? "a tensor" : "a number";
  if (list(item) != nullptr) return "a list";
  if (tuple(item) != nullptr) return "a tuple";
  if (dict(item) != nullptr) return "a dictionary";
  return "an object of " + instance(item)->type->repr_str();
}

}  // namespace pellucid::script

// Lists, tuples, dictionaries and questions of identity and type, on items.
#include <algorithm>

#include "pellucid/formats/torchscript/interpreter.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

using Answer = std::vector<Item>;

std::optional<std::int64_t> whole(const Item& item) {
  const c10::IValue* value = literal(item);
  if (value == nullptr || !value->isInt()) return std::nullopt;
  return value->toInt();
}

// The place of an index, from the end where it is negative. Throws Error beyond the list.
std::size_t place(std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) throw model_error("an index beyond the list");
  return static_cast<std::size_t>(at);
}

std::vector<Item> slice(const std::vector<Item>& items, const std::vector<Item>& inputs) {
  const auto size = static_cast<std::int64_t>(items.size());
  const auto given = [&](std::size_t i) {
    return i < inputs.size() ? whole(inputs[i]) : std::nullopt;
  };
  const std::int64_t step = given(3).value_or(1);
  if (step <= 0) throw Unsupported{model_error("a slice with a step of " + std::to_string(step))};
  const auto bound = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  std::vector<Item> made;
  const std::int64_t end = bound(std::min(given(2).value_or(size), size));
  for (std::int64_t i = bound(given(1).value_or(0)); i < end; i += std::min(step, size + 1))
    made.push_back(items[static_cast<std::size_t>(i)]);
  return made;
}

std::shared_ptr<List> list_of(std::vector<Item> items, const Recorder& recorder) {
  auto made = std::make_shared<List>();
  made->items = std::move(items);
  made->scope = &const_cast<Recorder&>(recorder).scope();
  return made;
}

// A list that a branch or a loop of the graph would change as often as it runs.
void forbid_outside(const Scope* made_in, Recorder& recorder) {
  if (made_in != &recorder.scope())
    throw Unsupported{
        model_error("a branch or loop that an input decides changes a list from outside of it")};
}

std::optional<Answer> changed(const std::string& name, const std::vector<Item>& inputs, List& known,
                              Recorder& recorder) {
  const auto allow = [&] { forbid_outside(known.scope, recorder); };
  std::vector<Item>& items = known.items;
  if (name == "aten::append") {
    allow();
    items.push_back(inputs[1]);
    return Answer{inputs[0]};
  }
  if (name == "aten::extend" && list(inputs[1]) != nullptr) {
    allow();
    const std::vector<Item> more = list(inputs[1])->items;
    items.insert(items.end(), more.begin(), more.end());
    return Answer{};
  }
  if (name == "aten::insert" && whole(inputs[1])) {
    allow();
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t at = *whole(inputs[1]) < 0 ? *whole(inputs[1]) + size : *whole(inputs[1]);
    items.insert(items.begin() + std::clamp<std::int64_t>(at, 0, size), inputs[2]);
    return Answer{};
  }
  if (name == "aten::pop" || name == "aten::Delete") {
    const auto index = inputs.size() > 1 ? whole(inputs[1]) : std::optional<std::int64_t>(-1);
    if (!index) return std::nullopt;
    allow();
    const std::size_t at = place(*index, items.size());
    Item taken = items[at];
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
    return name == "aten::pop" ? Answer{taken} : Answer{};
  }
  if (name == "aten::_set_item" && whole(inputs[1])) {
    allow();
    items[place(*whole(inputs[1]), items.size())] = inputs[2];
    return Answer{inputs[0]};
  }
  if (name == "aten::reverse" || name == "aten::clear") {
    allow();
    if (name == "aten::clear") items.clear();
    std::reverse(items.begin(), items.end());
    return Answer{};
  }
  return std::nullopt;
}

// Lists of sizes, some of them symbolic, compared as Python does.
std::optional<Item> equal(const List& a, const List& b, Recorder& recorder, const Origin& origin) {
  if (a.items.size() != b.items.size()) return c10::IValue(false);
  Item all = c10::IValue(true);
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!is_number(a.items[i]) || !is_number(b.items[i])) return std::nullopt;
    const Item same = recorder.number("eq", {a.items[i], b.items[i]}, origin);
    if (const c10::IValue* known = literal(same); known != nullptr && !known->toBool()) return same;
    all = recorder.number("and_", {all, same}, origin);
  }
  return all;
}

std::optional<Answer> of_list(const std::string& name, const std::vector<Item>& inputs, List& known,
                              Recorder& recorder) {
  if (auto done = changed(name, inputs, known, recorder)) return done;
  if (name == "aten::len")
    return Answer{c10::IValue(static_cast<std::int64_t>(known.items.size()))};
  if (name == "aten::__getitem__" && whole(inputs[1]))
    return Answer{known.items[place(*whole(inputs[1]), known.items.size())]};
  if (name == "aten::slice") return Answer{list_of(slice(known.items, inputs), recorder)};
  if (name == "aten::copy" || name == "aten::list") return Answer{list_of(known.items, recorder)};
  if ((name == "aten::add" || name == "aten::add_") && inputs.size() == 2 &&
      list(inputs[1]) != nullptr) {
    std::vector<Item> both = known.items;
    const auto& more = list(inputs[1])->items;
    both.insert(both.end(), more.begin(), more.end());
    if (name == "aten::add") return Answer{list_of(std::move(both), recorder)};
    forbid_outside(known.scope, recorder);
    known.items = std::move(both);
    return Answer{inputs[0]};
  }
  if (name == "aten::mul" && inputs.size() == 2 && whole(inputs[1])) {
    std::vector<Item> many;
    if (*whole(inputs[1]) > 1'000'000) throw model_error("a list of more than a million");
    for (std::int64_t i = 0; i < *whole(inputs[1]); ++i)
      many.insert(many.end(), known.items.begin(), known.items.end());
    return Answer{list_of(std::move(many), recorder)};
  }
  if (name == "aten::Bool") return Answer{c10::IValue(!known.items.empty())};
  return std::nullopt;
}

std::optional<Answer> of_dict(const std::string& name, const std::vector<Item>& inputs, Dict& known,
                              Recorder& recorder) {
  const auto find = [&](const c10::IValue& key) {
    return std::find_if(known.items.begin(), known.items.end(),
                        [&](const auto& entry) { return entry.first == key; });
  };
  const c10::IValue* key = inputs.size() > 1 ? literal(inputs[1]) : nullptr;
  if (name == "aten::len")
    return Answer{c10::IValue(static_cast<std::int64_t>(known.items.size()))};
  if (name == "aten::keys" || name == "aten::values" || name == "aten::items") {
    std::vector<Item> made;
    for (const auto& [entry, value] : known.items) {
      if (name == "aten::items") {
        auto pair = std::make_shared<Tuple>();
        pair->items = {entry, value};
        made.emplace_back(std::move(pair));
      } else {
        made.push_back(name == "aten::keys" ? Item{entry} : value);
      }
    }
    return Answer{list_of(std::move(made), recorder)};
  }
  if (key == nullptr) return std::nullopt;
  if (name == "aten::__contains__") return Answer{c10::IValue(find(*key) != known.items.end())};
  if (name == "aten::__getitem__" || name == "aten::get" || name == "prim::DictIndex") {
    const auto found = find(*key);
    if (found != known.items.end()) return Answer{found->second};
    if (name == "aten::get") return Answer{inputs.size() > 2 ? inputs[2] : Item{c10::IValue()}};
    throw model_error("a key that the dictionary does not have");
  }
  if (name == "aten::_set_item" || name == "aten::Delete" || name == "aten::pop") {
    forbid_outside(known.scope, recorder);
    const auto found = find(*key);
    if (name == "aten::_set_item") {
      if (found == known.items.end())
        known.items.emplace_back(*key, inputs[2]);
      else
        found->second = inputs[2];
      return Answer{};
    }
    if (found == known.items.end()) throw model_error("a key that the dictionary does not have");
    const Item taken = found->second;
    known.items.erase(found);
    return name == "aten::pop" ? Answer{taken} : Answer{};
  }
  return std::nullopt;
}

// The type that an item has, as far as isinstance() can ask.
c10::TypePtr type_of(const Item& item, const c10::TypePtr& declared) {
  if (is_none(item)) return c10::NoneType::get();
  if (is_tensor(item)) return c10::TensorType::get();
  if (const Instance* known = instance(item)) return known->type;
  if (const c10::IValue* value = literal(item)) return value->type();
  if (const auto optional = declared->cast<c10::OptionalType>()) return optional->getElementType();
  if (const auto either = declared->cast<c10::UnionType>()) {
    const auto kind = list(item) != nullptr    ? c10::TypeKind::ListType
                      : tuple(item) != nullptr ? c10::TypeKind::TupleType
                                               : c10::TypeKind::DictType;
    for (const c10::TypePtr& one : either->containedTypes())
      if (one->kind() == kind) return one;
  }
  return declared;
}

}  // namespace

std::optional<Answer> container_call(const jit::Node& node, std::vector<Item>& inputs,
                                     Recorder& recorder, const Origin& origin) {
  const std::string name = node.kind().toQualString();
  if (name == "aten::warn" || name == "prim::profile") return Answer{};
  if (name == "prim::isinstance") {
    const c10::TypePtr type = type_of(inputs[0], node.input(0)->type());
    const auto& asked = node.tys(c10::attr::types);
    return Answer{c10::IValue(std::any_of(
        asked.begin(), asked.end(), [&](const c10::TypePtr& t) { return type->isSubtypeOf(*t); }))};
  }
  if (name == "aten::__is__" || name == "aten::__isnot__") {
    const auto said = [&](bool same) {
      return Answer{c10::IValue(same == (name == "aten::__is__"))};
    };
    if (is_none(inputs[0]) || is_none(inputs[1]))
      return said(is_none(inputs[0]) && is_none(inputs[1]));
    const Symbol *one = symbol(inputs[0]), *other = symbol(inputs[1]);
    if (!is_tensor(inputs[0]) || !is_tensor(inputs[1]) || one->examples.empty() ||
        other->examples.empty())
      return std::nullopt;
    return said(one->examples[0].toTensor().is_same(other->examples[0].toTensor()));
  }
  if (inputs.empty()) return std::nullopt;
  if (List* known = list(inputs[0])) {
    if (auto done = of_list(name, inputs, *known, recorder)) return done;
  }
  if (Dict* known = dict(inputs[0])) {
    if (auto done = of_dict(name, inputs, *known, recorder)) return done;
  }
  if (const Tuple* known = tuple(inputs[0])) {
    if (name == "aten::len")
      return Answer{c10::IValue(static_cast<std::int64_t>(known->items.size()))};
    if (name == "aten::__getitem__" && whole(inputs[1]))
      return Answer{known->items[place(*whole(inputs[1]), known->items.size())]};
  }
  if ((name == "aten::eq" || name == "aten::ne") && list(inputs[0]) != nullptr &&
      list(inputs[1]) != nullptr && !(is_known(inputs[0]) && is_known(inputs[1]))) {
    const auto same = equal(*list(inputs[0]), *list(inputs[1]), recorder, origin);
    if (!same) return std::nullopt;
    return Answer{name == "aten::eq" ? *same : recorder.number("not_", {*same}, origin)};
  }
  // The largest of several sizes.
  if ((name == "prim::max" || name == "prim::min") && inputs.size() == 1 &&
      list(inputs[0]) != nullptr && !is_known(inputs[0])) {
    const auto& items = list(inputs[0])->items;
    Item best = items.at(0);
    for (std::size_t i = 1; i < items.size(); ++i)
      best = recorder.number(name == "prim::max" ? "max" : "min", {best, items[i]}, origin);
    return Answer{best};
  }
  return std::nullopt;
}

}  // namespace pellucid::script

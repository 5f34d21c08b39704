// The walk itself: functions, modules, attributes, and the structure of the program (prim::).
#include "pellucid/formats/torchscript/interpreter.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <stdexcept>

#include "pellucid/formats/pt2/origin.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

constexpr std::size_t deepest_call = 400, most_steps = 20'000'000;

bool is_torch(std::string_view file) {
  return file.starts_with("torch/") || file.starts_with("code/__torch__") ||
         file.starts_with('<') || file.empty();
}

// A trace keeps the Python stack ("path(line): function" lines, innermost first), a script the
// place in the file.
std::string source_of(const jit::Node& node) {
  jit::SourceRange range = node.sourceRange();
  if (!range.source()) return {};
  // The archive's code was made of the user's.
  if (const auto users = range.source()->findSourceRangeThatGenerated(range)) range = *users;
  if (!range.source()) return {};
  const std::string text = range.source()->text_str().str();
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    const std::size_t close = line.find("): "), open = line.rfind('(', close);
    if (close == line.npos || open == line.npos) break;
    const std::string file = pt2::source_file(line.substr(0, open));
    if (!is_torch(file)) return file + ":" + std::string(line.substr(open + 1, close - open - 1));
    begin = end + 1;
  }
  if (const auto place = range.file_line_col()) {
    const auto& [file, line, column] = *place;
    const std::string known = pt2::source_file(file);
    if (!is_torch(known) && known.ends_with(".py")) return known + ":" + std::to_string(line);
  }
  return {};
}

}  // namespace

std::string class_name(const c10::ClassType& type) {
  if (!type.name()) return {};
  std::string name;
  for (const std::string& atom : type.name()->atoms()) {
    if (atom == "__torch__" || atom.starts_with("___torch_mangle_")) continue;
    name += (name.empty() ? "" : ".") + atom;
  }
  return name;
}

Interpreter::Interpreter(Recorder& recorder, const jit::Module& module)
    : recorder_(recorder), module_(module) {
  for (const auto& [name, child] : jit::named_module_list(module.named_modules()))
    paths_.try_emplace(child._ivalue().get(), name);
  for (const auto& [name, value] : jit::named_attribute_list(module.named_attributes())) {
    if (value.isTensor() && value.toTensor().defined())
      names_.try_emplace(value.toTensor().unsafeGetTensorImpl(), name);
  }
}

Item Interpreter::run(std::vector<Item> arguments) {
  arguments.insert(arguments.begin(), module_of(module_._ivalue(), ""));
  places_.push_back({"", class_name(*module_.type()), nullptr});
  return call(module_.get_method("forward").function(), std::move(arguments), nullptr);
}

Item Interpreter::module_of(const c10::intrusive_ptr<c10::ivalue::Object>& object,
                            const std::string& path) {
  std::shared_ptr<Instance>& known = modules_[object.get()];
  if (known == nullptr) {
    const auto named = paths_.find(object.get());
    known = std::make_shared<Instance>();
    known->type = object->type();
    known->object = object;
    known->path = named == paths_.end() ? path : named->second;
  }
  return known;
}

Item Interpreter::attribute(Instance& object, const std::string& name) {
  if (const auto set = object.attributes.find(name); set != object.attributes.end())
    return set->second;
  c10::IValue value;
  bool is_parameter = false;
  if (const auto constant = object.type->findConstantSlot(name)) {
    value = object.type->getConstant(*constant);
  } else if (object.object != nullptr) {
    const std::size_t slot = object.type->getAttributeSlot(name);
    value = object.object->getSlot(slot);
    is_parameter = object.type->is_parameter(slot);
  } else {
    throw Unsupported{model_error("the object has no \"" + name + "\" yet")};
  }
  const std::string path = object.path.empty() ? name : object.path + "." + name;
  if (value.isObject()) return module_of(value.toObject(), path);
  if (value.isTensor() && value.toTensor().defined()) {
    const auto named = names_.find(value.toTensor().unsafeGetTensorImpl());
    return recorder_.constant(value.toTensor(), named == names_.end() ? path : named->second,
                              is_parameter ? ConstantKind::parameter : ConstantKind::buffer);
  }
  // Containers keep what the program appends to them.
  Item item = item_of(value, &recorder_.root());
  object.attributes[name] = item;
  return item;
}

Item Interpreter::call(jit::Function& function, std::vector<Item> arguments,
                       const jit::Node* site) {
  if (places_.size() > deepest_call)
    throw Unsupported{model_error("calls are nested deeper than " + std::to_string(deepest_call))};
  function.ensure_defined();
  const auto graph = jit::toGraphFunction(function).graph();
  if (graph->inputs().size() != arguments.size())
    throw Unsupported{model_error(function.name() + " wants " +
                                  std::to_string(graph->inputs().size()) + " arguments")};
  // A module's method is at its module; a function where it is called.
  Place place = places_.back();
  place.call = site;
  if (Instance* self = arguments.empty() ? nullptr : instance(arguments[0]);
      self != nullptr && self->type->is_module() &&
      self->type->findMethod(function.name()) != nullptr) {
    if (self->path != place.path.substr(0, place.path.find('@'))) {
      const int use = uses_[self->path]++;
      place.path = self->path + (use == 0 ? "" : "@" + std::to_string(use));
    }
    place.module_class = class_name(*self->type);
  }
  places_.push_back(std::move(place));
  Values values;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    values[graph->inputs()[i]] = std::move(arguments[i]);
  run_block(*graph->block(), values);
  Item answer = graph->outputs().empty() ? Item{c10::IValue()} : get(graph->outputs()[0], values);
  places_.pop_back();
  return answer;
}

void Interpreter::run_block(const jit::Block& block, Values& values) {
  for (const jit::Node* node : block.nodes()) {
    if (++steps_ > most_steps)
      throw Unsupported{model_error("the program does not come to an end")};
    try {
      run_node(*node, values);
    } catch (Unsupported& refused) {
      if (refused.error.where().empty()) refused.error = at_node(refused.error, *node);
      throw;
    } catch (Error& error) {
      throw error.where().empty() ? at_node(error, *node) : error;
    } catch (const c10::Error& error) {
      throw at_node(model_error(std::string(node->kind().toQualString()) +
                                " failed: " + first_line(error.what_without_backtrace())),
                    *node);
    } catch (const std::logic_error& error) {  // an operator that has other operands than it should
      throw at_node(model_error(std::string(node->kind().toQualString()) +
                                " failed: " + first_line(error.what())),
                    *node);
    }
  }
}

Item Interpreter::get(const jit::Value* value, const Values& values) const {
  const auto found = values.find(value);
  if (found == values.end())
    throw Unsupported{model_error("the value %" + value->debugName() + " is never made")};
  return found->second;
}

std::vector<Item> Interpreter::inputs_of(const jit::Node& node, const Values& values) const {
  std::vector<Item> inputs;
  for (const jit::Value* input : node.inputs()) {
    // A function has no value: its type says which one it is.
    const bool function = input->type()->kind() == c10::TypeKind::FunctionType;
    inputs.push_back(function ? Item{c10::IValue()} : get(input, values));
  }
  return inputs;
}

void Interpreter::set(const jit::Value* value, Item item, Values& values) {
  values[value] = std::move(item);
}

Origin Interpreter::origin_of(const jit::Node& node) const {
  Origin origin{places_.back().path, places_.back().module_class, source_of(node)};
  for (auto place = places_.rbegin(); place != places_.rend() && origin.source.empty(); ++place) {
    if (place->call != nullptr) origin.source = source_of(*place->call);
  }
  return origin;
}

Error Interpreter::at_node(Error error, const jit::Node& node) const {
  const Origin origin = origin_of(node);
  std::string place = node.kind().toQualString();
  if (!origin.module_path.empty()) place += ", module " + origin.module_path;
  if (!origin.source.empty()) place += ", " + origin.source;
  return error.at(place);
}

void Interpreter::run_node(const jit::Node& node, Values& values) {
  if (node.kind() == c10::prim::Constant) {
    if (node.outputs()[0]->type()->kind() == c10::TypeKind::FunctionType) return;
    const auto value = jit::toIValue(node.output());
    if (!value) throw Unsupported{model_error("a constant of " + node.output()->type()->str())};
    if (value->isTensor() && value->toTensor().defined())
      set(node.output(),
          recorder_.constant(value->toTensor(), recorder_.fresh("literal"), ConstantKind::literal),
          values);
    else
      set(node.output(), item_of(*value, &recorder_.scope()), values);
    return;
  }
  if (node.kind() == c10::prim::If) return run_if(node, values);
  if (node.kind() == c10::prim::Loop) return run_loop(node, values);
  if (node.kind() == c10::prim::CallFunction || node.kind() == c10::prim::CallMethod) {
    std::vector<Item> inputs = inputs_of(node, values);
    jit::Function* callee = nullptr;
    if (node.kind() == c10::prim::CallFunction) {
      callee = node.input(0)->type()->expectRef<c10::FunctionType>().function();
      inputs.erase(inputs.begin());
    } else if (Instance* self = instance(inputs[0])) {
      callee = self->type->findMethod(node.s(c10::attr::name));
    }
    if (callee == nullptr) throw Unsupported{model_error("a method of " + kind_of(inputs[0]))};
    set(node.output(), call(*callee, std::move(inputs), &node), values);
    return;
  }
  run_structure(node, values);
}

void Interpreter::run_structure(const jit::Node& node, Values& values) {
  std::vector<Item> inputs = inputs_of(node, values);
  const auto one = [&](Item item) { set(node.output(), std::move(item), values); };
  const auto all = [&](const std::vector<Item>& items) {
    if (items.size() != node.outputs().size())
      throw model_error("a container of " + std::to_string(items.size()) + " is taken apart into " +
                        std::to_string(node.outputs().size()));
    for (std::size_t i = 0; i < items.size(); ++i) set(node.outputs()[i], items[i], values);
  };
  switch (node.kind()) {
    case c10::prim::GetAttr: {
      Instance* object = instance(inputs[0]);
      if (object == nullptr)
        throw Unsupported{model_error("an attribute of " + kind_of(inputs[0]))};
      return one(attribute(*object, node.s(c10::attr::name)));
    }
    case c10::prim::SetAttr: {
      Instance* object = instance(inputs[0]);
      if (object == nullptr)
        throw Unsupported{model_error("an attribute of " + kind_of(inputs[0]))};
      if (&recorder_.scope() != &recorder_.root())
        throw Unsupported{model_error("an attribute is set in a branch that an input decides")};
      object->attributes[node.s(c10::attr::name)] = inputs[1];
      return;
    }
    case c10::prim::CreateObject: {
      auto made = std::make_shared<Instance>();
      made->type = node.output()->type()->cast<c10::ClassType>();
      return one(std::move(made));
    }
    case c10::prim::ListConstruct: {
      auto made = std::make_shared<List>();
      made->items = std::move(inputs);
      made->scope = &recorder_.scope();
      return one(std::move(made));
    }
    case c10::prim::TupleConstruct: {
      auto made = std::make_shared<Tuple>();
      made->items = std::move(inputs);
      const auto type = node.output()->type()->cast<c10::TupleType>();
      if (type != nullptr && type->schema() != nullptr)
        for (const c10::Argument& field : type->schema()->arguments())
          made->names.push_back(field.name());
      return one(std::move(made));
    }
    case c10::prim::DictConstruct: {
      auto made = std::make_shared<Dict>();
      made->scope = &recorder_.scope();
      for (std::size_t i = 0; i + 1 < inputs.size(); i += 2) {
        const c10::IValue* key = literal(inputs[i]);
        if (key == nullptr) throw Unsupported{model_error("a key that depends on an input")};
        made->items.emplace_back(*key, inputs[i + 1]);
      }
      return one(std::move(made));
    }
    case c10::prim::ListUnpack:
    case c10::prim::TupleUnpack:
      if (const List* known = list(inputs[0])) return all(known->items);
      if (const Tuple* known = tuple(inputs[0])) return all(known->items);
      break;
    case c10::prim::TupleIndex: {
      const Tuple* known = tuple(inputs[0]);
      const c10::IValue* index = literal(inputs[1]);
      if (known == nullptr || index == nullptr) break;
      const auto size = static_cast<std::int64_t>(known->items.size());
      const std::int64_t at = index->toInt() < 0 ? index->toInt() + size : index->toInt();
      if (at < 0 || at >= size) throw model_error("an index beyond the tuple");
      return one(known->items[static_cast<std::size_t>(at)]);
    }
    case c10::prim::TupleSlice: {
      const Tuple* known = tuple(inputs[0]);
      if (known == nullptr) break;
      auto made = std::make_shared<Tuple>();
      for (std::int64_t i = node.i(c10::attr::beg); i < node.i(c10::attr::end); ++i)
        made->items.push_back(known->items.at(static_cast<std::size_t>(i)));
      return one(std::move(made));
    }
    case c10::prim::unchecked_cast:
    case c10::prim::unchecked_unwrap_optional:
    case c10::prim::NumToTensor:  // operators take a number for a tensor
      return one(inputs[0]);
    case c10::prim::Uninitialized:
      return one(c10::IValue());
    case c10::prim::Print:
      return;
    case c10::prim::RaiseException: {
      const c10::IValue* text = literal(inputs[0]);
      throw model_error("the model raises: " +
                        (text != nullptr && text->isString() ? text->toStringRef() : "an error"));
    }
    default: {
      const bool changed = changes_number(node, inputs);
      all(run_builtin(node, std::move(inputs)));
      if (changed && node.outputs().size() == 1)
        set(node.input(0), get(node.output(), values), values);
      return;
    }
  }
  throw Unsupported{model_error(kind_of(inputs[0]) + " is taken apart")};
}

}  // namespace pellucid::script

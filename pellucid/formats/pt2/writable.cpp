// What PT2 asks of a graph beyond what the builder does, each by a rewrite of the whole.
#include "pellucid/formats/pt2/writable.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/graph/blocks.h"
#include "pellucid/graph/builder.h"

namespace pellucid::pt2 {
namespace {

// Words that Python keeps for itself, and those that torch's generated code uses.
constexpr std::array<std::string_view, 46> taken_words = {
    "False",   "None",     "True",     "and",       "as",       "assert", "async",  "await",
    "break",   "class",    "continue", "def",       "del",      "elif",   "else",   "except",
    "finally", "for",      "from",     "global",    "if",       "import", "in",     "is",
    "lambda",  "nonlocal", "not",      "or",        "pass",     "raise",  "return", "try",
    "while",   "with",     "yield",    "self",      "torch",    "device", "inf",    "nan",
    "math",    "operator", "pytree",   "fx_pytree", "NoneType", "as_none"};

// What torch.nn.Module has already: no weight can be called so.
constexpr std::array<std::string_view, 41> module_words = {"add_module",
                                                           "apply",
                                                           "bfloat16",
                                                           "buffers",
                                                           "children",
                                                           "compile",
                                                           "cpu",
                                                           "cuda",
                                                           "double",
                                                           "dump_patches",
                                                           "eval",
                                                           "extra_repr",
                                                           "float",
                                                           "forward",
                                                           "get_buffer",
                                                           "get_parameter",
                                                           "get_submodule",
                                                           "half",
                                                           "ipu",
                                                           "load_state_dict",
                                                           "modules",
                                                           "mtia",
                                                           "named_buffers",
                                                           "named_children",
                                                           "named_modules",
                                                           "parameters",
                                                           "register_buffer",
                                                           "register_module",
                                                           "register_parameter",
                                                           "requires_grad_",
                                                           "set_submodule",
                                                           "share_memory",
                                                           "state_dict",
                                                           "to",
                                                           "to_empty",
                                                           "train",
                                                           "training",
                                                           "type",
                                                           "xpu",
                                                           "zero_grad",
                                                           "named_parameters"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Names {
 public:
  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 1; !taken_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
    return name;
  }

 private:
  std::set<std::string> taken_;
};

Error unwritable(const Node& node, const std::string& what) {
  return model_error(what).at("node " + node.name).hint("a .pt2 file can't hold that");
}

void check_weight(const Constant& constant) {
  const at::Tensor& data = constant.data;
  const char* why = !data.defined()                    ? "not there"
                    : data.layout() != at::kStrided    ? "no strided tensor"
                    : data.is_quantized()              ? "quantised"
                    : data.is_nested()                 ? "a nested tensor"
                    : data.device().type() != at::kCPU ? "not in the CPU's memory"
                    : data.unsafeGetTensorImpl()->has_symbolic_sizes_strides() ? "of symbolic size"
                                                                               : nullptr;
  if (why == nullptr) return;
  throw model_error("the weight " + constant.name.substr(0, 200) + " is " + why)
      .hint("a .pt2 file holds plain tensors: export the model without it");
}

void check_node(const Graph& graph, const Node& node) {
  if (node.kind == NodeKind::kernel) throw unwritable(node, node.op + " is no operator of PyTorch");
  if (node.kind == NodeKind::block && node.op != "block::cond" && node.op != "block::while_loop")
    throw unwritable(node, node.op + " has no counterpart");
  if (node.kind != NodeKind::aten) return;
  const bool by_mask =
      node.op.starts_with("aten::index.") &&
      std::ranges::any_of(
          node.operands[1].is_list() ? node.operands[1].list() : std::vector<Operand>{},
          [&](const Operand& index) {
            return index.is_value() && graph.value(index.value()).dtype == at::kBool;
          });
  const bool by_data =
      node.handle->hasTag(at::Tag::data_dependent_output) ||
      (node.handle->hasTag(at::Tag::dynamic_output_shape) && !node.op.starts_with("aten::index."));
  if (by_data || by_mask)
    throw unwritable(node, node.op + ": what it returns depends on the data in size or number");
}

class Rewriting {
 public:
  explicit Rewriting(const Graph& graph) : parts_(take_apart(graph)) {
    for (const Node& node : graph.nodes()) check_node(graph, node);
    for (const Constant& constant : graph.constants()) check_weight(constant);
  }

  GraphParts run() && {
    for (Node& node : parts_.nodes) {
      name_results(node);
      if (node.kind == NodeKind::block) own_nothing(node);
      for (Operand& operand : node.operands) lift(operand, node);
    }
    return std::move(parts_);
  }

 private:
  ValueId add(Value value) {
    parts_.values.push_back(std::move(value));
    return static_cast<ValueId>(parts_.values.size() - 1);
  }

  bool returns_tensor(const Node& node, std::size_t result) const {
    if (node.kind == NodeKind::python) return false;
    if (node.kind == NodeKind::block) {
      const Operand& output = node.bodies.back()->outputs()[result].operand;
      return output.is_value() && node.bodies.back()->value(output.value()).is_tensor;
    }
    const c10::TypePtr type = node.handle->schema().returns()[result].type();
    return type->isSubtypeOf(*c10::TensorType::get()) ||
           type->isSubtypeOf(*c10::ListType::ofTensors());
  }

  void name_results(Node& node) {
    std::size_t place = 0;
    for (std::size_t i = 0; i < node.results.size(); ++i) {
      for (ValueId& id : node.results[i].values) {
        const bool tensor = returns_tensor(node, node.kind == NodeKind::block ? place : i);
        if (id == no_value && tensor)
          id = add({node.name + "_unused_" + std::to_string(place), true, {}, {}});
        ++place;
      }
    }
  }

  // What its bodies hold becomes operands, the same for both.
  void own_nothing(Node& node) {
    std::vector<GraphParts> bodies;
    bool any = false;
    for (const auto& body : node.bodies) {
      bodies.push_back(Rewriting(*body).run());
      any = any || !bodies.back().constants.empty();
    }
    if (any && node.op != "block::cond")
      throw unwritable(node, "its body holds weights of its own");
    std::vector<Operand> handed;
    if (node.op == "block::cond") handed = handed_to(*node.bodies[0], node, 1);
    for (std::size_t b = 0; any && b < bodies.size(); ++b) {
      for (Constant& constant : std::exchange(bodies[b].constants, {})) {
        Value value = bodies[b].values[static_cast<std::size_t>(constant.value)];
        bodies[b].inputs.push_back(constant.value);
        const ValueId in_other = static_cast<ValueId>(bodies[1 - b].values.size());
        value.name += "_of_" + node.name;
        bodies[1 - b].values.push_back(value);
        bodies[1 - b].inputs.push_back(in_other);
        constant.value = add(std::move(value));
        handed.push_back({constant.value});
        parts_.constants.push_back(std::move(constant));
      }
    }
    if (node.op == "block::cond") node.operands = {node.operands[0], {std::move(handed)}};
    for (std::size_t b = 0; b < bodies.size(); ++b) {
      name_values(bodies[b]);
      node.bodies[b] = assemble(std::move(bodies[b]));
    }
  }

  // A literal tensor becomes a constant; a number that stands for one stays a number.
  void lift(Operand& operand, const Node& node) {
    if (operand.is_list()) {
      for (Operand& item : std::get<2>(operand.is)) lift(item, node);
    } else if (!operand.is_value() && operand.constant().isTensor()) {
      const at::Tensor& data = operand.constant().toTensor();
      if (!data.defined() || data.unsafeGetTensorImpl()->is_wrapped_number()) return;
      Value value{node.name + "_literal", true, data.scalar_type(), {}};
      for (const std::int64_t size : data.sizes()) value.shape.emplace_back(size);
      Constant constant{no_value, value.name, ConstantKind::literal, data};
      check_weight(constant);
      constant.value = add(std::move(value));
      operand = {constant.value};
      parts_.constants.push_back(std::move(constant));
    }
  }

 public:
  static void name_values(GraphParts& parts) {
    Names names;
    // The inputs' names are what people write: they are the first to be served.
    for (const ValueId id : parts.inputs) rename(parts, id, names);
    std::vector<bool> done(parts.values.size(), false);
    for (const ValueId id : parts.inputs) done[static_cast<std::size_t>(id)] = true;
    for (std::size_t id = 0; id < parts.values.size(); ++id) {
      if (!done[id]) rename(parts, static_cast<ValueId>(id), names);
    }
  }

  // Attributes of modules: no name may be a module and a tensor.
  static void name_weights(GraphParts& parts) {
    std::set<std::string> modules;
    for (const Constant& constant : parts.constants) {
      const std::string path = attribute_path(constant.name);
      for (std::size_t dot = path.find('.'); dot != std::string::npos;
           dot = path.find('.', dot + 1))
        modules.insert(path.substr(0, dot));
    }
    Names names;
    for (Constant& constant : parts.constants) {
      std::string path = names.unique(attribute_path(constant.name));
      while (modules.contains(path)) path = names.unique(path + "_tensor");
      constant.name = std::move(path);
    }
  }

 private:
  static void rename(GraphParts& parts, ValueId id, Names& names) {
    Value& value = parts.values[static_cast<std::size_t>(id)];
    value.name = names.unique(python_name(value.name));
  }

  // "layer1.0.weight": parts of a path may be numbers.
  static std::string attribute_path(std::string_view name) {
    std::string path;
    for (std::size_t from = 0; from <= name.size();) {
      const std::size_t dot = std::min(name.find('.', from), name.size());
      const std::string_view part = name.substr(from, dot - from);
      const bool number = !part.empty() && std::ranges::all_of(part, is_digit);
      path += (from == 0 ? "" : ".") + (number ? std::string(part) : python_name(part));
      if (std::ranges::find(module_words, part) != module_words.end()) path += '_';
      from = dot + 1;
    }
    return path;
  }

  GraphParts parts_;
};

}  // namespace

std::string python_name(std::string_view name) {
  std::string plain;
  for (const char c : name) plain += is_letter(c) || is_digit(c) ? c : '_';
  if (plain.empty() || is_digit(plain.front())) plain.insert(0, "v_");
  if (std::ranges::find(taken_words, plain) != taken_words.end()) plain += '_';
  return plain;
}

std::shared_ptr<const Graph> writable(const Graph& graph) {
  GraphParts parts = Rewriting(graph).run();
  Rewriting::name_values(parts);
  Rewriting::name_weights(parts);
  return assemble(std::move(parts));
}

}  // namespace pellucid::pt2

// One node at a time: operands onto a stack, the boxed call, results into the frame.
#include "pellucid/run/evaluator.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "pellucid/base/error.h"
#include "pellucid/graph/operand.h"
#include "pellucid/run/python_operators.h"

namespace pellucid {
namespace {

c10::IValue resolve(const Operand& operand, const Frame& frame) {
  return operand.is_value() ? frame[static_cast<std::size_t>(operand.value())] : operand.constant();
}

c10::IValue gather(const Operand& operand, const c10::Argument& argument, const Frame& frame) {
  if (operand.is_list()) {
    std::vector<c10::IValue> items;
    items.reserve(operand.list().size());
    for (const Operand& item : operand.list()) items.push_back(resolve(item, frame));
    return typed_list(std::move(items),
                      plain_type(argument)->castRaw<c10::ListType>()->getElementType());
  }
  c10::IValue value = resolve(operand, frame);
  // A symbolic number may stand where the schema has a tensor or a float.
  if (operand.is_value() && !value.isTensor() && !value.isNone()) {
    const auto kind = plain_type(argument)->kind();
    if (kind == c10::TypeKind::TensorType) return wrapped_number(value);
    if (kind == c10::TypeKind::FloatType && value.isInt())
      return static_cast<double>(value.toInt());
  }
  return value;
}

void store(const Result& result, c10::IValue&& value, Frame& frame) {
  if (!result.is_list) {
    if (result.values.at(0) != no_value)
      frame[static_cast<std::size_t>(result.values[0])] = std::move(value);
    return;
  }
  const c10::ArrayRef<c10::IValue> items = value.toListRef();
  if (items.size() != result.values.size()) {
    throw model_error("returned " + std::to_string(items.size()) + " values where the file has " +
                      std::to_string(result.values.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (result.values[i] != no_value) frame[static_cast<std::size_t>(result.values[i])] = items[i];
  }
}

void call_operator(const Node& node, Frame& frame) {
  const std::vector<c10::Argument>& arguments = node.handle->schema().arguments();
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i)
    stack.push_back(gather(node.operands[i], arguments[i], frame));
  node.handle->callBoxed(stack);
  for (std::size_t i = 0; i < node.results.size(); ++i)
    store(node.results[i], std::move(stack[i]), frame);
}

bool truth(const c10::IValue& value) {
  return value.isTensor() ? value.toTensor().item().toBool() : value.toBool();
}

// Runs a body on the operands from `first` on and stores its outputs as the node's results.
void run_body(const Node& node, const Graph& body, std::size_t first, Frame& frame,
              const RunSettings& settings) {
  Frame inner(body.values().size());
  for (const Constant& constant : body.constants())
    inner[static_cast<std::size_t>(constant.value)] = constant.data;
  const std::vector<Operand> given = handed_to(body, node, first);
  for (std::size_t i = 0; i < given.size(); ++i)
    inner[static_cast<std::size_t>(body.inputs()[i])] = resolve(given[i], frame);
  RunSettings unobserved = settings;
  unobserved.observer = nullptr;
  for (const Node& inner_node : body.nodes()) evaluate(body, inner_node, inner, unobserved);

  std::size_t next = 0;
  for (const Result& result : node.results) {
    for (const ValueId id : result.values) {
      if (next >= body.outputs().size()) throw model_error("its body returns too few values");
      c10::IValue value = resolve(body.outputs()[next++].operand, inner);
      if (id != no_value) frame[static_cast<std::size_t>(id)] = std::move(value);
    }
  }
}

// Autocast as the model's author switched it on, for one node.
class AutocastGuard {
 public:
  explicit AutocastGuard(const Autocast& mode)
      : device_(mode.device),
        was_enabled_(at::autocast::is_autocast_enabled(device_)),
        old_dtype_(at::autocast::get_autocast_dtype(device_)) {
    at::autocast::set_autocast_enabled(device_, mode.enabled);
    if (mode.dtype) at::autocast::set_autocast_dtype(device_, *mode.dtype);
    at::autocast::increment_nesting();
  }
  ~AutocastGuard() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, was_enabled_);
    at::autocast::set_autocast_dtype(device_, old_dtype_);
  }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_dtype_;
};

// Other blocks became the nodes of their bodies (graph/aliases.h: inline_blocks).
void run_block(const Node& node, Frame& frame, const RunSettings& settings) {
  if (node.op != "block::cond") throw internal_error(node.op + " was not inlined");
  // The gradient follows the branch that is taken.
  const bool taken = truth(resolve(node.operands.at(0), frame));
  run_body(node, *node.bodies.at(taken ? 0 : 1), 1, frame, settings);
}

std::string place_of(const Node& node) {
  std::string place = "node " + node.name;
  if (!node.origin.module_path.empty()) place += ", module " + node.origin.module_path;
  if (!node.origin.source.empty()) place += ", " + node.origin.source;
  return place;
}

}  // namespace

void evaluate(const Graph& graph, const Node& node, Frame& frame, const RunSettings& settings) {
  if (settings.cancellation != nullptr) settings.cancellation->check();
  try {
    std::optional<AutocastGuard> autocast;
    if (node.autocast) autocast.emplace(*node.autocast);
    switch (node.kind) {
      case NodeKind::aten:
        call_operator(node, frame);
        break;
      case NodeKind::python: {
        std::vector<c10::IValue> operands;
        for (const Operand& operand : node.operands) operands.push_back(resolve(operand, frame));
        store(node.results.at(0), evaluate_python(node.op, operands), frame);
        break;
      }
      case NodeKind::block:
        run_block(node, frame, settings);
        break;
      case NodeKind::kernel: {
        std::vector<c10::IValue> operands;
        for (const Operand& operand : node.operands) operands.push_back(resolve(operand, frame));
        store(node.results.at(0), node.kernel->run(operands), frame);
        break;
      }
    }
  } catch (Error& error) {
    if (error.fault() == Fault::cancelled) throw;
    throw error.at(place_of(node));
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(Fault::too_large, "out of memory: " + first_line(error.what_without_backtrace()))
        .at(place_of(node));
  } catch (const c10::Error& error) {
    throw model_error(node.op + " failed: " + first_line(error.what_without_backtrace()))
        .at(place_of(node));
  } catch (const std::bad_alloc&) {
    throw Error(Fault::too_large, "out of memory").at(place_of(node));
  } catch (const std::exception& error) {
    throw model_error(node.op + " failed: " + first_line(error.what())).at(place_of(node));
  }
}

}  // namespace pellucid

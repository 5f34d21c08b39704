// One node at a time: operands onto a stack, the boxed call, results into the frame.
#include "pellucid/run/evaluator.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <limits>

#include "pellucid/base/error.h"
#include "pellucid/graph/blocks.h"
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

std::vector<c10::IValue> run_body(const Graph& body, std::vector<c10::IValue> given,
                                  const RunSettings& settings) {
  Frame frame(body.values().size());
  for (const Constant& constant : body.constants())
    frame[static_cast<std::size_t>(constant.value)] = constant.data;
  for (std::size_t i = 0; i < given.size(); ++i)
    frame[static_cast<std::size_t>(body.inputs()[i])] = std::move(given[i]);
  RunSettings unobserved = settings;
  unobserved.observer = nullptr;
  for (const Node& node : body.nodes()) evaluate(body, node, frame, unobserved);
  std::vector<c10::IValue> answers;
  for (const Output& output : body.outputs()) answers.push_back(resolve(output.operand, frame));
  return answers;
}

std::vector<c10::IValue> resolved(std::span<const Operand> operands, const Frame& frame) {
  std::vector<c10::IValue> values;
  for (const Operand& operand : operands) values.push_back(resolve(operand, frame));
  return values;
}

// A block's answers are its results, one after another.
void store_all(const Node& node, std::vector<c10::IValue> answers, Frame& frame) {
  std::size_t next = 0;
  for (const Result& result : node.results) {
    for (const ValueId id : result.values) {
      c10::IValue& answer = answers.at(next++);
      if (id != no_value) frame[static_cast<std::size_t>(id)] = std::move(answer);
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

void check_cancelled(const RunSettings& settings) {
  if (settings.cancellation != nullptr) settings.cancellation->check();
}

std::vector<c10::IValue> run_cond(const Node& node, const Frame& frame,
                                  const RunSettings& settings) {
  const Graph& taken = *node.bodies[truth(resolve(node.operands[0], frame)) ? 0 : 1];
  return run_body(taken, resolved(handed_to(taken, node, 1), frame), settings);
}

std::vector<c10::IValue> run_while_loop(const Node& node, const Frame& frame,
                                        const RunSettings& settings) {
  const Graph &condition = *node.bodies[0], &round = *node.bodies[1];
  std::vector<c10::IValue> values = resolved(handed_to(round, node, 0), frame);
  while (truth(run_body(condition, values, settings)[0])) {
    check_cancelled(settings);
    std::ranges::move(run_body(round, values, settings), values.begin());
  }
  values.resize(round.outputs().size());
  return values;
}

// What the rounds kept, stacked; of no round at all there is only what the file says of its sizes.
at::Tensor stacked(const std::vector<at::Tensor>& rounds, const Graph& body,
                   const Operand& output) {
  if (!rounds.empty()) return at::stack(rounds);
  std::vector<std::int64_t> sizes = {0};
  at::ScalarType dtype = at::kFloat;
  if (output.is_value()) {
    const Value& value = body.value(output.value());
    for (const auto& size : value.shape) sizes.push_back(size.value_or(0));
    dtype = value.dtype.value_or(dtype);
  }
  return at::empty(sizes, dtype);
}

std::vector<c10::IValue> run_loop(const Node& node, const Frame& frame,
                                  const RunSettings& settings) {
  const Graph& body = *node.bodies[0];
  const std::size_t carried = carried_by(node);
  const c10::IValue most = resolve(node.operands[0], frame),
                    given = resolve(node.operands[1], frame);
  std::int64_t rounds = std::numeric_limits<std::int64_t>::max();
  if (most.isTensor())
    rounds = most.toTensor().item().toLong();
  else if (!most.isNone())
    rounds = most.toInt();
  bool goes_on = given.isNone() || truth(given);
  std::vector<c10::IValue> values = resolved(std::span(node.operands).subspan(3), frame);
  std::vector<std::vector<at::Tensor>> kept(body.outputs().size() - 1 - carried);
  for (std::int64_t round = 0; round < rounds && goes_on; ++round) {
    check_cancelled(settings);
    std::vector<c10::IValue> handed = {round, goes_on};
    handed.insert(handed.end(), values.begin(), values.end());
    std::vector<c10::IValue> answers = run_body(body, std::move(handed), settings);
    goes_on = truth(answers[0]);
    for (std::size_t i = 0; i < carried; ++i) values[i] = std::move(answers[i + 1]);
    for (std::size_t i = 0; i < kept.size(); ++i)
      kept[i].push_back(answers[i + 1 + carried].toTensor());
  }
  values.resize(carried);
  for (std::size_t i = 0; i < kept.size(); ++i)
    values.emplace_back(stacked(kept[i], body, body.outputs()[i + 1 + carried].operand));
  return values;
}

void run_block(const Node& node, Frame& frame, const RunSettings& settings) {
  const auto run = node.op == "block::cond"         ? run_cond
                   : node.op == "block::loop"       ? run_loop
                   : node.op == "block::while_loop" ? run_while_loop
                                                    : nullptr;
  if (run == nullptr) throw internal_error(node.op + " was not inlined");
  store_all(node, run(node, frame, settings), frame);
}

std::string place_of(const Node& node) {
  std::string place = "node " + node.name;
  if (!node.origin.module_path.empty()) place += ", module " + node.origin.module_path;
  if (!node.origin.source.empty()) place += ", " + node.origin.source;
  return place;
}

}  // namespace

void evaluate(const Graph& graph, const Node& node, Frame& frame, const RunSettings& settings) {
  check_cancelled(settings);
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

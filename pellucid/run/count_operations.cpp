// PyTorch's profiler hook (RecordFunction) sees every operator call, nested ones, too. Outer calls
// only tell what the products inside are for.
#include "pellucid/run/count_operations.h"

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace pellucid {

struct OperationCount::Tally {
  std::vector<std::string_view> purposes;  // of the calls around this one that have one
  bool inside = false;                     // a call that is counted as a whole
  std::map<std::string, double> operations;
};

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the hook takes no data.
thread_local OperationCount::Tally* counting = nullptr;

using Sizes = std::vector<std::int64_t>;

double product(const Sizes& sizes, std::size_t from = 0) {
  double count = 1;
  for (std::size_t i = from; i < sizes.size(); ++i) count *= static_cast<double>(sizes[i]);
  return count;
}
double last(const Sizes& sizes) { return sizes.empty() ? 1 : static_cast<double>(sizes.back()); }

// What a call around the products says they are for; empty: nothing.
std::string_view purpose_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> purposes = {{
      {"aten::linear", "linear"},
      {"aten::addmm", "linear"},
      {"aten::scaled_dot_product_attention", "attention"},
      {"aten::lstm", "recurrent"},
      {"aten::gru", "recurrent"},
      {"aten::rnn_tanh", "recurrent"},
      {"aten::rnn_relu", "recurrent"},
      {"aten::lstm_cell", "recurrent"},
      {"aten::gru_cell", "recurrent"},
  }};
  for (const auto& [of, purpose] : purposes)
    if (name == of) return purpose;
  return {};
}

enum class Work { convolution, product, fused_attention, recurrent };

struct Known {
  std::string_view name;
  Work work;
  std::size_t left;  // the operand that is multiplied first
};
constexpr std::array<Known, 13> known = {{
    {"aten::convolution", Work::convolution, 0},
    {"aten::_convolution", Work::convolution, 0},
    {"aten::convolution_overrideable", Work::convolution, 0},
    {"aten::mm", Work::product, 0},
    {"aten::mv", Work::product, 0},
    {"aten::dot", Work::product, 0},
    {"aten::bmm", Work::product, 0},
    {"aten::addmm", Work::product, 1},
    {"aten::_addmm_activation", Work::product, 1},
    {"aten::addmv", Work::product, 1},
    {"aten::baddbmm", Work::product, 1},
    {"aten::_scaled_dot_product_flash_attention_for_cpu", Work::fused_attention, 0},
    {"aten::mkldnn_rnn_layer", Work::recurrent, 0},
}};

struct Call final : at::ObserverContext {
  const Known* work = nullptr;
  bool has_purpose = false;
  bool transposed = false;
  std::vector<Sizes> operands;
};

Sizes sizes_of(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() ? value.toTensor().sizes().vec() : Sizes{};
}

// The operands' sizes, and what else the count needs: only now are they there.
std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  OperationCount::Tally* const tally = counting;
  if (tally == nullptr || tally->inside) return nullptr;
  const std::string_view name = function.name();
  auto call = std::make_unique<Call>();
  const std::string_view purpose = purpose_of(name);
  if (!purpose.empty()) tally->purposes.push_back(purpose);
  call->has_purpose = !purpose.empty();
  for (const Known& each : known) {
    if (each.name == name) call->work = &each;
  }
  if (call->work == nullptr) return call->has_purpose ? std::move(call) : nullptr;
  tally->inside = true;
  const auto inputs = function.inputs();
  // A call from the dispatcher's stack shows the whole of it: the operands are its last ones.
  const std::size_t count = std::min(function.num_inputs(), inputs.size());
  for (const c10::IValue& operand : inputs.slice(inputs.size() - count))
    call->operands.push_back(sizes_of(operand));
  constexpr std::size_t place = 6;  // (input, weight, bias, stride, padding, dilation, transposed)
  if (call->work->work == Work::convolution && count > place) {
    const c10::IValue& transposed = inputs[inputs.size() - count + place];
    call->transposed = transposed.isBool() && transposed.toBool();
  }
  return call;
}

double operations_of(const Call& call, const Sizes& result) {
  const auto operand = [&](std::size_t i) {
    return i < call.operands.size() ? call.operands[i] : Sizes{};
  };
  const Sizes left = operand(call.work->left);
  switch (call.work->work) {
    case Work::convolution: {
      // Each place of the smaller grid meets the whole kernel once.
      const Sizes weight = operand(1);
      const Sizes& places = call.transposed ? left : result;
      const std::size_t space = weight.size() - 2;
      if (places.size() < space) return 0;
      const double batch = left.size() > space + 1 ? static_cast<double>(left[0]) : 1;
      return 2 * batch * product(places, places.size() - space) * product(weight);
    }
    case Work::product:
      return 2 * product(result) * last(left);
    case Work::fused_attention: {
      const Sizes key = operand(1), value = operand(2);
      if (key.size() < 2) return 0;
      const double pairs = product(left) / last(left) * static_cast<double>(key[key.size() - 2]);
      return 2 * pairs * (last(left) + last(value));
    }
    case Work::recurrent:
      // Each step of each sequence meets the weights of its input and of its state.
      return 2 * product(left) / last(left) * (product(operand(1)) + product(operand(2)));
  }
  return 0;
}

std::string_view kind_of(const Call& call, const OperationCount::Tally& tally) {
  switch (call.work->work) {
    case Work::convolution:
      return "convolution";
    case Work::fused_attention:
      return "attention";
    case Work::recurrent:
      return "recurrent";
    case Work::product:
      break;
  }
  return tally.purposes.empty() ? "matrix product" : tally.purposes.front();
}

void end(const at::RecordFunction& function, at::ObserverContext* context) {
  OperationCount::Tally* const tally = counting;
  if (tally == nullptr || context == nullptr) return;
  const auto& call = static_cast<const Call&>(*context);
  if (call.work != nullptr) {
    const auto& outputs = function.outputs();  // of a call from the stack: all of that, too
    const std::size_t count = function.num_outputs();
    const Sizes result =
        count == 0 || outputs.size() < count ? Sizes{} : sizes_of(outputs[outputs.size() - count]);
    tally->operations[std::string(kind_of(call, *tally))] += operations_of(call, result);
    tally->inside = false;
  }
  if (call.has_purpose) tally->purposes.pop_back();
}

}  // namespace

OperationCount::OperationCount() : outer_(counting), tally_(std::make_unique<Tally>()) {
  counting = tally_.get();
  callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
}

OperationCount::~OperationCount() {
  at::removeCallback(callback_);
  counting = outer_;
}

std::map<std::string, double> OperationCount::take() {
  return std::exchange(tally_->operations, {});
}

}  // namespace pellucid

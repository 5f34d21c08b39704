// What is asked of content: whether an input's reaches a value, whether it decides over sizes, and
// who writes into whose storage.
#include <algorithm>
#include <array>

#include "pellucid/formats/torchscript/recorder.h"

namespace pellucid::script {
namespace {

// Operators whose result's sizes depend on what is in their operands.
constexpr std::array<std::string_view, 14> sizes_by_content = {"aten::nonzero",
                                                               "aten::nonzero_numpy",
                                                               "aten::argwhere",
                                                               "aten::masked_select",
                                                               "aten::unique_dim",
                                                               "aten::_unique",
                                                               "aten::_unique2",
                                                               "aten::unique_consecutive",
                                                               "aten::bincount",
                                                               "aten::where",
                                                               "aten::repeat_interleave",
                                                               "aten::to_sparse",
                                                               "aten::_pack_padded_sequence",
                                                               "aten::unique_dim_consecutive"};

bool indexes_by_mask(const std::vector<Item>& operands) {
  bool masked = false;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    for_each_symbol(operands[i], [&](const Symbol& known) {
      if (!known.is_tensor || !known.examples[0].isTensor()) return;
      const at::Tensor& tensor = known.examples[0].toTensor();
      masked |= tensor.defined() &&
                (tensor.scalar_type() == at::kBool || tensor.scalar_type() == at::kByte);
    });
  }
  return masked;
}

}  // namespace

const void* storage_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl()
                                                  : nullptr;
}

bool Recorder::is_exact(const Symbol& known) const {
  if (known.depends) return false;
  return !known.examples[0].isTensor() ||
         !written_storages_.contains(storage_of(known.examples[0].toTensor()));
}

Recorder::Taint Recorder::taint_of(const c10::OperatorHandle& handle,
                                   const std::vector<Item>& operands) const {
  Taint taint;
  for (const Item& item : operands) {
    for_each_symbol(item, [&](const Symbol& known) {
      taint.depends |= !is_exact(known);
      taint.sized_by_content |= known.sized_by_content;
    });
  }
  // The graph knows of an operator whether it is random as it is called; here the tag is enough.
  taint.depends |= handle.hasTag(at::Tag::nondeterministic_seeded);
  const std::string& name = handle.schema().name();
  // where() of three operands, and repeats that are a number, have the sizes of what they are
  // given.
  const bool by_sizes = (name == "aten::where" && operands.size() > 1) ||
                        handle.schema().overload_name() == "self_int";
  const bool by_content = (std::find(sizes_by_content.begin(), sizes_by_content.end(), name) !=
                               sizes_by_content.end() &&
                           !by_sizes) ||
                          (name == "aten::index" && indexes_by_mask(operands));
  taint.sized_by_content |= by_content && taint.depends;
  return taint;
}

void Recorder::forbid_writes_to_weights(const c10::OperatorHandle& handle,
                                        const std::vector<Item>& operands) const {
  const auto& arguments = handle.schema().arguments();
  for (std::size_t i = 0; i < arguments.size() && i < operands.size(); ++i) {
    if (arguments[i].alias_info() == nullptr || !arguments[i].alias_info()->isWrite()) continue;
    for_each_symbol(operands[i], [&](const Symbol& known) {
      if (known.examples[0].isTensor() &&
          constant_storages_.contains(storage_of(known.examples[0].toTensor())))
        throw Unsupported{
            model_error("the program writes into its own weights")
                .hint("export the model in evaluation mode: python -m pellucid.export")};
    });
  }
}

void Recorder::taint_what_is_written(const c10::OperatorHandle& handle,
                                     const std::vector<Item>& operands) {
  const auto& arguments = handle.schema().arguments();
  for (std::size_t i = 0; i < arguments.size() && i < operands.size(); ++i) {
    if (arguments[i].alias_info() == nullptr || !arguments[i].alias_info()->isWrite()) continue;
    for_each_symbol(operands[i], [&](const Symbol& known) {
      for (const c10::IValue& example : known.examples) {
        const void* storage = example.isTensor() ? storage_of(example.toTensor()) : nullptr;
        if (storage != nullptr)
          written_storages_.try_emplace(storage, example.toTensor().storage().getWeakStorageImpl());
      }
    });
  }
}

}  // namespace pellucid::script

// Nothing is copied unless it lies misaligned: torch's vector instructions want their alignment.
#include "pellucid/formats/reading/stored_tensor.h"

#include <ATen/core/TensorBase.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/TensorImpl.h>

#include <algorithm>
#include <cstring>

#include "pellucid/base/error.h"
#include "pellucid/formats/reading/finite.h"

namespace pellucid {
namespace {

// A view may show an element many times (stride 0); this is how much larger than its record it may
// then be.
constexpr std::uint64_t most_repeated = std::uint64_t{256} << 20;

std::string short_name(std::string_view name) { return std::string(name.substr(0, 200)); }

}  // namespace

std::uint64_t bytes_reached(const TensorLayout& layout) {
  const auto overflow = [] { return model_error("the sizes of a stored tensor overflow"); };
  // Even of an empty tensor: torch multiplies the sizes, too.
  std::int64_t count = 1;
  for (const std::int64_t size : layout.sizes) {
    if (__builtin_mul_overflow(count, std::max<std::int64_t>(size, 1), &count)) throw overflow();
  }
  const auto item = static_cast<std::int64_t>(c10::elementSize(layout.dtype));
  std::int64_t shown = 0, last = layout.offset, reached = 0;
  if (__builtin_mul_overflow(count, item, &shown)) throw overflow();
  for (std::size_t i = 0; i < layout.sizes.size(); ++i) {
    std::int64_t step = 0;
    if (__builtin_mul_overflow(std::max<std::int64_t>(layout.sizes[i] - 1, 0), layout.strides[i],
                               &step) ||
        __builtin_add_overflow(last, step, &last)) {
      throw overflow();
    }
  }
  const bool empty = std::find(layout.sizes.begin(), layout.sizes.end(), 0) != layout.sizes.end();
  if (empty) return 0;
  if (__builtin_add_overflow(last, 1, &last) || __builtin_mul_overflow(last, item, &reached))
    throw overflow();
  if (shown > reached && static_cast<std::uint64_t>(shown) > most_repeated) {
    throw model_error("a stored tensor claims " + std::to_string(shown) +
                      " bytes, most of them the same ones");
  }
  return static_cast<std::uint64_t>(reached);
}

at::Tensor tensor_over(std::shared_ptr<const void> owner, std::span<const std::byte> bytes,
                       const TensorLayout& layout) {
  const std::uint64_t reached = bytes_reached(layout);
  if (reached > bytes.size()) {
    throw model_error("a tensor needs " + std::to_string(reached) + " bytes, its record has " +
                      std::to_string(bytes.size()));
  }
  const std::size_t item = c10::elementSize(layout.dtype);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) %
          std::min<std::size_t>(item, alignof(std::max_align_t)) !=
      0) {
    auto copy = std::make_shared<std::vector<std::max_align_t>>(
        bytes.size() / sizeof(std::max_align_t) + 1);
    std::memcpy(copy->data(), bytes.data(), bytes.size());
    bytes = {reinterpret_cast<const std::byte*>(copy->data()), bytes.size()};
    owner = std::move(copy);
  }
  // torch takes plain pointers; the memory is private to this process, so an operator in place
  // can't reach the file.
  void* const data = const_cast<std::byte*>(bytes.data());
  auto* const keep = new std::shared_ptr<const void>(std::move(owner));
  c10::DataPtr pointer(
      data, keep, [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); },
      c10::Device(c10::kCPU));
  auto storage = c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), bytes.size(), std::move(pointer), nullptr, false);
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(c10::Storage(std::move(storage)),
                                                         c10::DispatchKeySet(c10::DispatchKey::CPU),
                                                         c10::scalarTypeToTypeMeta(layout.dtype));
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(layout.sizes, layout.strides, layout.offset);
  return tensor;
}

std::optional<std::string> verify_finite(std::string_view fqn, const at::Tensor& data,
                                         bool is_parameter, bool allow_nonfinite) {
  if (data.is_contiguous() &&
      !has_nonfinite({static_cast<const std::byte*>(data.const_data_ptr()), data.nbytes()},
                     data.scalar_type()))
    return std::nullopt;
  const NonFinite count = count_nonfinite(data);
  if (!count.any()) return std::nullopt;
  const std::string what = "the weight " + short_name(fqn) + " has " + std::to_string(count.nan) +
                           " NaN and " + std::to_string(count.positive + count.negative) +
                           " infinite values";
  const bool mask = !is_parameter && count.nan == 0 && count.positive == 0;
  if (!mask && !allow_nonfinite) {
    throw model_error(what).hint(
        "retrain or repair the model, or allow them with --allow-nonfinite");
  }
  return what + (mask ? " (-inf, as attention masks have)" : "");
}

}  // namespace pellucid

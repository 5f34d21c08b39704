// ATen pads both sides alike; other pads are added before.
#include "pellucid/formats/onnx/operators/windows.h"

namespace pellucid::from_onnx {

Window window(Call& call, const Ref& x, std::vector<std::int64_t> kernel) {
  const std::size_t dims = kernel.size();
  Window made;
  made.kernel = std::move(kernel);
  made.stride = call.integers("strides").value_or(std::vector<std::int64_t>(dims, 1));
  made.dilation = call.integers("dilations").value_or(std::vector<std::int64_t>(dims, 1));
  if (made.stride.size() != dims || made.dilation.size() != dims)
    throw call.refuse("has not as many strides or dilations as dimensions");
  if (call.rank(x) != static_cast<std::int64_t>(dims) + 2)
    throw call.refuse("has a window of other dimensions than its input");
  for (std::size_t i = 0; i < dims; ++i) {
    constexpr std::int64_t most = 1 << 24;
    for (const std::int64_t each : {made.kernel[i], made.stride[i], made.dilation[i]}) {
      if (each < 1 || each > most) throw call.refuse("has a window of an impossible size");
    }
  }
  const std::string how = call.text("auto_pad", "NOTSET");
  if (how == "NOTSET" || how.empty()) {
    const auto pads = call.integers("pads").value_or(std::vector<std::int64_t>(2 * dims, 0));
    if (pads.size() != 2 * dims) throw call.refuse("has not two pads per dimension");
    made.before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(dims));
    made.after.assign(pads.begin() + static_cast<std::ptrdiff_t>(dims), pads.end());
    return made;
  }
  for (std::size_t i = 0; i < dims; ++i) {
    std::int64_t total = 0;
    if (how != "VALID") {
      const std::int64_t reach = (made.kernel[i] - 1) * made.dilation[i] + 1;
      const auto size = known_size(x, static_cast<std::int64_t>(i) + 2);
      if (size)
        total = std::max<std::int64_t>(
            ((*size + made.stride[i] - 1) / made.stride[i] - 1) * made.stride[i] + reach - *size,
            0);
      else if (made.stride[i] == 1)
        total = reach - 1;
      else
        throw call.refuse("pads by the size of an input that is not fixed");
    }
    made.before.push_back(how == "SAME_LOWER" ? total - total / 2 : total / 2);
    made.after.push_back(total - made.before.back());
  }
  return made;
}

Ref padded(Call& call, const Ref& x, const Window& window, double value) {
  std::vector<std::int64_t> pads;
  for (std::size_t i = window.before.size(); i-- > 0;) {
    pads.push_back(window.before[i]);
    pads.push_back(window.after[i]);
  }
  return call.aten("aten::constant_pad_nd", {x, pads, value}, "padded");
}

}  // namespace pellucid::from_onnx

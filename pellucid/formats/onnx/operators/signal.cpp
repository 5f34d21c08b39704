// Windows and Fourier transforms.
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>

#include <numbers>

#include "pellucid/formats/onnx/operators/tables.h"
#include "pellucid/formats/onnx/program.h"

namespace pellucid::from_onnx {
namespace {

constexpr std::int64_t longest_window = 1 << 20;

// a0 - a1 cos(2πn/N) + a2 cos(4πn/N)
Refs cosine_window(Call& call, double a0, double a1, double a2) {
  const std::int64_t size = call.constants(call.in(0), "size").at(0);
  if (size < 0 || size > longest_window) throw call.refuse("has an impossible size");
  const bool periodic = call.integer("periodic", 1) != 0;
  const auto type = scalar_type(call.integer("output_datatype", 1));
  if (!type) throw call.refuse("wants a type that is not read");
  const double period = static_cast<double>(periodic ? size : size - 1);
  const at::Tensor angle = at::arange(size, at::TensorOptions().dtype(at::kDouble)) *
                           (2 * std::numbers::pi / std::max(period, 1.0));
  return {constant_term((a0 - a1 * at::cos(angle) + a2 * at::cos(2 * angle)).to(*type))};
}

Refs hann(Call& call) { return cosine_window(call, 0.5, 0.5, 0.0); }
Refs hamming(Call& call) { return cosine_window(call, 25.0 / 46, 21.0 / 46, 0.0); }
Refs blackman(Call& call) { return cosine_window(call, 0.42, 0.5, 0.08); }

// [..., 1 or 2] of real and imaginary parts as complex or real numbers.
Ref joined(Call& call, const Ref& x) {
  const auto parts = known_size(x, call.rank(x) - 1);
  if (parts == 1) return call.aten("aten::squeeze.dim", {x, -1}, "real");
  if (parts != 2) throw call.refuse("wants real or complex numbers");
  return call.aten("aten::view_as_complex", {call.aten("aten::contiguous", {x})}, "complex");
}

Refs fourier(Call& call) {
  const Ref x = call.in(0);
  std::int64_t axis = call.opset < 20 ? call.integer("axis", 1) : -2;
  if (call.opset >= 20 && call.maybe(2) != nullptr) axis = call.constants(call.in(2), "axis").at(0);
  axis = call.axis(axis, call.rank(x));
  const bool inverse = call.integer("inverse", 0) != 0, half = call.integer("onesided", 0) != 0;
  Arg length;
  if (const Ref given = call.maybe(1)) length = call.body.numbers(given).at(0);
  const Ref signal = joined(call, x);
  if (inverse && half)
    return {
        call.aten("aten::unsqueeze", {call.aten("aten::fft_irfft", {signal, length, axis}), -1})};
  const char* op = inverse ? "aten::fft_ifft" : half ? "aten::fft_rfft" : "aten::fft_fft";
  return {call.aten("aten::view_as_real", {call.aten(op, {signal, length, axis}, "spectrum")})};
}

Refs short_time_fourier(Call& call) {
  const Ref x = call.in(0), window = call.maybe(2);
  const std::int64_t step = call.constants(call.in(1), "step").at(0);
  std::int64_t length = 0;
  if (const Ref given = call.maybe(3))
    length = call.constants(given, "length").at(0);
  else if (window != nullptr && known_size(window, 0))
    length = *known_size(window, 0);
  if (length < 1 || step < 1) throw call.refuse("wants a length and a step");
  const Ref signal = joined(call, x);
  Ref frames = call.aten("aten::unfold", {signal, 1, length, step}, "frames");
  if (window != nullptr) frames = call.mul(frames, window);
  const bool half = call.integer("onesided", 1) != 0 && known_size(x, call.rank(x) - 1) == 1;
  return {call.aten("aten::view_as_real",
                    {call.aten(half ? "aten::fft_rfft" : "aten::fft_fft", {frames, Arg(), -1})})};
}

constexpr Operator table[] = {
    {"BlackmanWindow", blackman}, {"DFT", fourier},
    {"HammingWindow", hamming},   {"HannWindow", hann},
    {"STFT", short_time_fourier},
};

}  // namespace

std::span<const Operator> signal_operators() { return table; }

}  // namespace pellucid::from_onnx

// Windows and Fourier transforms.
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
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

constexpr std::int64_t most_bands = 1 << 12, longest_spectrum = 1 << 16;

// Triangles that are evenly spaced and as wide as their distance on the mel scale,
// mel(f) = 2595 log10(1 + f / 700), over the bins of a spectrum.
Refs mel_weights(Call& call) {
  const std::int64_t bands = call.constants(call.in(0), "number of bands").at(0),
                     length = call.constants(call.in(1), "length").at(0),
                     rate = call.constants(call.in(2), "sample rate").at(0);
  if (bands < 1 || bands > most_bands || length < 1 || length > longest_spectrum || rate < 1)
    throw call.refuse("has an impossible size");
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const auto hertz = [](double of) { return 700 * (std::pow(10, of / 2595) - 1); };
  const double low = mel(call.constant(call.in(3), "lower edge")),
               high = mel(call.constant(call.in(4), "upper edge"));
  const double step = (high - low) / static_cast<double>(bands + 2);
  const std::int64_t bins = length / 2 + 1;
  const auto bin = [&](std::int64_t band) {
    const double at =
        std::floor(static_cast<double>(length + 1) * hertz(low + static_cast<double>(band) * step) /
                   static_cast<double>(rate));
    return static_cast<std::int64_t>(std::clamp(at, 0.0, static_cast<double>(bins)));
  };
  at::Tensor weights = at::zeros({bins, bands}, at::TensorOptions().dtype(at::kDouble));
  auto at_place = weights.accessor<double, 2>();
  for (std::int64_t band = 0; band < bands; ++band) {
    const std::int64_t left = bin(band), peak = bin(band + 1), right = bin(band + 2);
    for (std::int64_t i = left; i < peak; ++i)
      at_place[i][band] = static_cast<double>(i - left) / static_cast<double>(peak - left);
    if (peak < bins) at_place[peak][band] = 1;
    for (std::int64_t i = peak + 1; i < std::min(right, bins); ++i)
      at_place[i][band] = static_cast<double>(right - i) / static_cast<double>(right - peak);
  }
  const auto type = scalar_type(call.integer("output_datatype", 1));
  if (!type) throw call.refuse("wants a type that is not read");
  return {constant_term(weights.to(*type))};
}

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
    {"BlackmanWindow", blackman},     {"DFT", fourier},
    {"HammingWindow", hamming},       {"HannWindow", hann},
    {"MelWeightMatrix", mel_weights}, {"STFT", short_time_fourier},
};

}  // namespace

std::span<const Operator> signal_operators() { return table; }

}  // namespace pellucid::from_onnx

#include "pellucid/explain/baseline.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <array>
#include <cmath>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr std::array<std::string_view, 5> names = {"zero", "black", "grey", "mean", "blur"};

at::Tensor colour(double level, const at::Tensor& data, const InputInfo& info,
                  std::string_view name) {
  if (!info.preprocessing || data.dim() != 4) {
    throw usage_error("the baseline \"" + std::string(name) + "\" is a colour, and the input \"" +
                      info.name + "\" is no picture whose preprocessing is known")
        .hint("take zero, mean, blur or a file");
  }
  const Preprocessing& how = *info.preprocessing;
  std::vector<double> values;
  for (int c = 0; c < how.channels(); ++c) {
    const auto of = [&](const std::vector<double>& each) {
      return each[each.size() == 1 ? 0 : static_cast<std::size_t>(c)];
    };
    values.push_back((level * how.scale - of(how.mean)) / of(how.std));
  }
  const at::Tensor tensor = at::tensor(values, data.options());
  return channels_last(info) ? tensor.reshape({1, 1, 1, -1}) : tensor.reshape({1, -1, 1, 1});
}

at::Tensor blurred(const at::Tensor& data, const InputInfo& info) {
  if (data.dim() != 4)
    throw usage_error("the baseline \"blur\" needs a picture").hint("take zero, mean or a file");
  const at::Tensor picture = channels_last(info) ? data.permute({0, 3, 1, 2}) : data;
  const std::int64_t side = std::min(picture.size(2), picture.size(3));
  const double sigma = std::max(1.0, static_cast<double>(side) / 8);
  // The replication pad needs a border smaller than the picture.
  const std::int64_t radius =
      std::min<std::int64_t>(static_cast<std::int64_t>(std::ceil(3 * sigma)), side - 1);
  const at::Tensor place = at::arange(-radius, radius + 1, data.options());
  at::Tensor kernel = at::exp(place * place * (-0.5 / (sigma * sigma)));
  kernel = kernel / kernel.sum();
  const std::int64_t channels = picture.size(1);
  // Two passes of one dimension each; every channel is a sample of its own.
  at::Tensor flat = picture.reshape({-1, 1, picture.size(2), picture.size(3)});
  flat = at::conv2d(at::replication_pad2d(flat, {radius, radius, 0, 0}),
                    kernel.reshape({1, 1, 1, -1}));
  flat = at::conv2d(at::replication_pad2d(flat, {0, 0, radius, radius}),
                    kernel.reshape({1, 1, -1, 1}));
  const at::Tensor result = flat.reshape({-1, channels, picture.size(2), picture.size(3)});
  return channels_last(info) ? result.permute({0, 2, 3, 1}).contiguous() : result;
}

}  // namespace

bool is_baseline_name(std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

at::Tensor make_baseline(std::string_view name, const at::Tensor& data, const InputInfo& info) {
  if (name == "zero") return at::zeros_like(data);
  if (name == "black") return colour(0, data, info, name);
  if (name == "grey") return colour(127.5, data, info, name);
  if (name == "blur") return blurred(data, info);
  if (name == "mean") {
    if (data.dim() < 3) return data.mean(std::vector<std::int64_t>{data.dim() - 1}, true);
    std::vector<std::int64_t> places;
    const std::int64_t channel = channels_last(info) ? data.dim() - 1 : 1;
    for (std::int64_t d = 1; d < data.dim(); ++d) {
      if (d != channel) places.push_back(d);
    }
    return data.mean(places, true);
  }
  throw usage_error("no baseline is called \"" + std::string(name) + "\"")
      .hint("zero, black, grey, mean, blur or a file");
}

}  // namespace pellucid

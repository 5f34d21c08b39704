// Runs ONNX's backend tests: reads the list of cases that node_tests.py wrote (name, tolerances,
// folder of model.onnx, input_N.pb, output_N.pb) and prints one line of JSON each.
#include <ATen/ops/abs.h>
#include <ATen/ops/isinf.h>
#include <ATen/ops/isnan.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "pellucid/base/error.h"
#include "pellucid/base/json.h"
#include "pellucid/formats/onnx/tensors.h"
#include "pellucid/run/executor.h"

namespace pellucid {

extern constinit const Format onnx;

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

ModelBytes model_bytes(const fs::path& path) {
  const auto kept = std::make_shared<const std::string>(bytes_of(path));
  return {kept, std::as_bytes(std::span(*kept))};
}

std::pair<std::string, at::Tensor> stored(const fs::path& path) {
  const ModelBytes file = model_bytes(path);
  from_onnx::TensorSource source(file, {});
  const auto record = from_onnx::read_tensor_record(
      {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
  return {std::string(record.name), source.read(record).clone()};
}

// "" when they agree; NaN agrees with NaN, and infinities with themselves.
std::string difference(const at::Tensor& got, const at::Tensor& want, double rtol, double atol) {
  std::ostringstream text;
  if (!got.sizes().equals(want.sizes())) {
    text << "has sizes " << got.sizes() << ", not " << want.sizes();
    return std::move(text).str();
  }
  if (got.scalar_type() != want.scalar_type()) {
    text << "is " << got.scalar_type() << ", not " << want.scalar_type();
    return std::move(text).str();
  }
  if (want.numel() == 0) return "";
  const auto wide = want.is_complex() ? at::kComplexDouble : at::kDouble;
  const at::Tensor a = got.to(wide), b = want.to(wide);
  const at::Tensor same = a.eq(b).logical_or(at::isnan(a).logical_and(at::isnan(b)));
  const at::Tensor off = at::abs(a - b), allowed = at::abs(b) * rtol + atol;
  const at::Tensor wrong = off.le(allowed).logical_or(same).logical_not();
  const auto count = wrong.sum().item<std::int64_t>();
  if (count == 0) return "";
  text << count << " of " << want.numel() << " differ, by up to "
       << off.masked_fill(wrong.logical_not(), 0).max().item<double>();
  return std::move(text).str();
}

std::string run_case(const fs::path& folder, const char* file, double rtol, double atol,
                     std::string& kind) {
  kind = "refused";
  LoadSettings settings;
  settings.allow_nonfinite = true;
  const Model model = onnx.read(model_bytes(folder / file), file, settings);
  kind = "failed";
  std::map<std::string, at::Tensor> given;
  for (int i = 0; fs::exists(folder / ("input_" + std::to_string(i) + ".pb")); ++i)
    given.insert(stored(folder / ("input_" + std::to_string(i) + ".pb")));
  std::vector<Feed> feeds;
  for (const ValueId id : model.graph->inputs())
    feeds.push_back({id, given.at(model.graph->value(id).name)});
  std::vector<ValueId> wanted;
  for (const Output& output : model.graph->outputs()) wanted.push_back(output.operand.value());
  const auto answers = Executor(model.graph).run(feeds, wanted, {});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const fs::path path = folder / ("output_" + std::to_string(i) + ".pb");
    const std::string found = difference(answers[i].toTensor(), stored(path).second, rtol, atol);
    if (!found.empty()) return "output " + std::to_string(i) + " " + found;
  }
  // Of whole models: the gradient of <output 0, cotangent> by the first input.
  if (fs::exists(folder / "cotangent.pb")) {
    const at::Tensor x = feeds.at(0).data.toTensor().detach().clone().set_requires_grad(true);
    feeds[0].data = x;
    RunSettings settings_with_gradient;
    settings_with_gradient.gradient = true;
    const at::Tensor y =
        Executor(model.graph).run(feeds, wanted, settings_with_gradient)[0].toTensor();
    (y * stored(folder / "cotangent.pb").second).sum().backward();
    const at::Tensor want = stored(folder / "gradient.pb").second;
    const double largest = want.abs().max().item<double>();
    const std::string found = difference(x.grad(), want, rtol, 1e-3 * largest);
    if (!found.empty()) return "gradient " + found + ", of " + std::to_string(largest);
  }
  kind = "passed";
  return "";
}

}  // namespace
}  // namespace pellucid

int main(int count, char** words) {
  namespace fs = std::filesystem;
  if (count != 2) return 2;
  std::ifstream list(words[1]);
  std::string name, folder;
  double rtol = 0, atol = 0;
  while (list >> name >> rtol >> atol >> folder) {
    std::cout << "{\"name\": \"" << name << "\", " << std::flush;  // a crash names its case
    std::string kind, why;
    try {
      why = pellucid::run_case(folder, "model.onnx", rtol, atol, kind);
    } catch (const pellucid::Error& error) {
      why = error.what();
      // What a model in use has as constants the tests give as inputs: sizes, axes, scales.
      if (fs::exists(fs::path(folder) / "constants.onnx")) {
        try {
          why = pellucid::run_case(folder, "constants.onnx", rtol, atol, kind);
          kind = why.empty() ? "passed with constants" : "failed";
        } catch (const pellucid::Error& other) {
          kind = "refused";
          why = other.what();
        }
      }
    } catch (const std::exception& error) {
      why = std::string("exception: ") + pellucid::first_line(error.what());
      kind = "failed";
    }
    std::cout << "\"kind\": \"" << kind << "\", \"why\": "
              << pellucid::Json(why).dump(-1, ' ', false, pellucid::Json::error_handler_t::replace)
              << "}\n"
              << std::flush;
  }
  return 0;
}

// Reads a model by the table of formats, once, and makes the runner that answers for it.
#include "pellucid/operation/loaded_model.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <chrono>

#include "pellucid/base/text.h"
#include "pellucid/formats/foreign/foreign.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/preferred_runner.h"
#include "pellucid/run/recomputing_runner.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

using Clock = std::chrono::steady_clock;

// Labels of another model are worse than none: they are said, and nobody shows them.
void check_labels(Model& model) {
  const auto outputs = model.graph->outputs();
  if (model.metadata.labels.empty() || outputs.empty() || !outputs.front().operand.is_value())
    return;
  const Value& value = model.graph->value(outputs.front().operand.value());
  if (value.shape.size() < 2 || !value.shape[1]) return;
  const auto classes = static_cast<std::size_t>(*value.shape[1]);
  // One logit has two sides.
  if (classes == model.metadata.labels.size() ||
      (classes == 1 && model.metadata.labels.size() == 2))
    return;
  model.warnings.push_back(std::to_string(model.metadata.labels.size()) + " labels for " +
                           std::to_string(classes) + " classes: labels are not shown");
}

Model read(const ModelSource& source, std::span<const Format* const> formats,
           const ModelSettings& settings) {
  const ModelBytes bytes = source.read();
  for (const Format* format : formats) {
    if (!format->recognises(bytes.bytes)) continue;
    LoadSettings load;
    load.allow_nonfinite = settings.allow_nonfinite;
    load.trust = settings.trust;
    load.sidecar = source.sidecar;
    load.weights = source.weights;
    load.beside = source.beside;
    Model model = format->read(bytes, source.name, load);
    check_labels(model);
    return model;
  }
  throw foreign_file(bytes.bytes).at(source.name);
}

void check_device(const std::string& device) {
  if (device != "cuda" || at::globalContext().hasCUDA()) return;
  throw usage_error("there is no CUDA device for this LibTorch")
      .at("--device cuda")
      .hint("use --device cpu");
}

// LibTorch's own default knows OMP_NUM_THREADS and the cores this process may use; it is asked
// before it is changed.
void set_threads(std::int64_t threads) {
  static const int unasked = at::get_num_threads();
  at::set_num_threads(threads > 0 ? static_cast<int>(threads) : unasked);
}

void set_output_kind(Model& model, const std::string& name) {
  for (const OutputKind kind :
       {OutputKind::logits, OutputKind::probabilities, OutputKind::multilabel, OutputKind::binary,
        OutputKind::regression, OutputKind::dense, OutputKind::other}) {
    if (to_string(kind) != name) continue;
    // Of several outputs the first is the answer; the others keep what the file says.
    if (!model.metadata.outputs.empty()) {
      model.metadata.outputs.front().kind = kind;
      model.metadata.outputs.front().guessed = false;
    }
  }
}

}  // namespace

std::int64_t MemorySettings::bytes() const {
  if (!memory_limit) return 0;
  try {
    return parse_bytes(*memory_limit);
  } catch (Error& error) {
    throw error.at("--memory-limit");
  }
}

LoadedModel::LoadedModel(ModelSource source, std::vector<const Format*> formats)
    : source_(std::move(source)), formats_(std::move(formats)) {}

LoadedModel::~LoadedModel() = default;

const Model& LoadedModel::open(const ModelSettings& settings) {
  const std::lock_guard lock(mutex_);
  if (sealed_) return *model_;
  check_device(settings.device);
  set_threads(settings.threads);
  if (!model_) {
    const auto start = Clock::now();
    model_ = read(source_, formats_, settings);
    load_seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
  }
  if (settings.output_kind) set_output_kind(*model_, *settings.output_kind);
  if (!runner_ || device_ != settings.device) {
    auto graph = model_->graph;
    if (settings.device != "cpu") graph = with_device(graph, at::Device(settings.device));
    const auto run_by_itself = [](std::shared_ptr<const Graph> one) {
      return std::make_shared<RecomputingRunner>(std::make_shared<Executor>(std::move(one)));
    };
    std::shared_ptr<const Runner> runner = run_by_itself(graph);
    // The quickest that still has the values somebody asks for.
    const auto folded = contiguous_rows(fold_batch_norm(graph));
    const auto prefer = [&](std::shared_ptr<const Graph> quick) {
      runner = std::make_shared<PreferredRunner>(runner, run_by_itself(std::move(quick)));
    };
    prefer(freeze_convolutions(folded, Rectifiers::apart));
    prefer(select_early(freeze_convolutions(folded, Rectifiers::fused)));
    runner_ = std::make_shared<BatchRunner>(runner);
    device_ = settings.device;
  }
  return *model_;
}

void LoadedModel::seal() {
  const std::lock_guard lock(mutex_);
  if (!model_) throw internal_error("a model is sealed before it is open").at(source_.name);
  sealed_ = true;
}

std::shared_ptr<const Runner> LoadedModel::runner() const {
  const std::lock_guard lock(mutex_);
  return runner_;
}

at::Device LoadedModel::device() const {
  const std::lock_guard lock(mutex_);
  return at::Device(device_);
}

}  // namespace pellucid

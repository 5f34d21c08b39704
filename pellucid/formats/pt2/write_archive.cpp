// The records of a PT2 archive as torch.export.save of torch 2.9 and newer lays them out. Weights
// that share storage share a record; torch decodes all of extra/ as text, so the sample's numbers
// lie elsewhere.
#include "pellucid/formats/pt2/write_archive.h"

#include <ATen/ops/clone.h>

#include <algorithm>
#include <map>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/measure.h"
#include "pellucid/formats/pt2/writable.h"
#include "pellucid/formats/pt2/write_program.h"
#include "pellucid/formats/pt2/write_values.h"
#include "pellucid/formats/pt2/write_zip.h"
#include "pellucid/model/trial_inputs.h"
#include "pellucid/run/executor.h"

namespace pellucid::pt2 {
namespace {

constexpr const char* root = "model";
constexpr std::string_view own_sample = "pellucid convert";
constexpr std::uint64_t most_waste = 2;  // a record may be so much larger than what is used of it

std::span<const std::byte> bytes_of(const at::Tensor& contiguous) {
  return {static_cast<const std::byte*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

// Row-major, with what is only noted (conjugation, negation) done.
at::Tensor plain(const at::Tensor& tensor) {
  return tensor.resolve_conj().resolve_neg().contiguous();
}

// One record's worth of a tensor: its storage, or what is needed of it.
struct Stored {
  at::Tensor data;                   // as it will be described
  std::span<const std::byte> bytes;  // of the record
};

Stored stored(const at::Tensor& tensor, bool shared) {
  if (tensor.is_conj() || tensor.is_neg() || tensor.numel() == 0) {
    const at::Tensor copy = plain(tensor);
    return {copy, bytes_of(copy)};
  }
  const c10::Storage& storage = tensor.storage();
  const auto* begin = static_cast<const std::byte*>(storage.data());
  const bool odd = storage.nbytes() % tensor.element_size() != 0;
  if (shared && !odd) return {tensor, {begin, storage.nbytes()}};
  if (tensor.is_non_overlapping_and_dense()) {
    const at::Tensor described =
        tensor.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset());
    return {described, {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}};
  }
  if (!odd && storage.nbytes() <= most_waste * tensor.nbytes())
    return {tensor, {begin, storage.nbytes()}};
  const at::Tensor copy = plain(tensor);
  return {copy, bytes_of(copy)};
}

class Payload {
 public:
  Payload(ZipWriter& zip, std::string folder, std::string prefix)
      : zip_(zip), folder_(std::move(folder)), prefix_(std::move(prefix)) {}

  void write(const std::vector<const Constant*>& constants) {
    std::map<Key, int> users;
    for (const Constant* constant : constants) ++users[key_of(*constant)];
    for (const Constant* constant : constants) {
      const Key key = key_of(*constant);
      const bool shared = users[key] > 1 && constant->data.numel() > 0;
      const auto known = records_.find(key);
      const Stored one = stored(constant->data, shared);
      std::string record;
      if (shared && known != records_.end()) {
        record = known->second;
      } else {
        record = prefix_ + std::to_string(count_++);
        zip_.add(folder_ + record, one.bytes);
        if (shared) records_.emplace(key, record);
      }
      Json meta = tensor_meta(one.data, is_parameter(*constant));
      if (!shared) meta["storage_offset"] = {{"as_int", offset(one)}};
      config_[constant->name] = {{"path_name", record},
                                 {"is_param", is_parameter(*constant)},
                                 {"use_pickle", false},
                                 {"tensor_meta", std::move(meta)}};
    }
  }
  std::string config() const { return to_text({{"config", config_}}, false); }

 private:
  using Key = std::pair<const void*, at::ScalarType>;
  static Key key_of(const Constant& constant) {
    return {constant.data.storage().data(), constant.data.scalar_type()};
  }
  // Of the tensor's first element in its record.
  static std::int64_t offset(const Stored& one) {
    if (one.data.numel() == 0) return 0;
    const auto* first = static_cast<const std::byte*>(one.data.const_data_ptr());
    return (first - one.bytes.data()) / static_cast<std::int64_t>(one.data.element_size());
  }

  ZipWriter& zip_;
  std::string folder_, prefix_;
  std::map<Key, std::string> records_;
  int count_ = 0;
  Json config_ = Json::object();
};

std::string path(const std::string& record) { return std::string(root) + "/" + record; }

// The numbers of a sample's side, and their description.
Json sample_side(const std::vector<SampleTensor>& tensors, const char* single, const Sample& sample,
                 ZipWriter& zip) {
  Json list = Json::array();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string record =
        "pellucid/sample/" + std::string(single) + "_" + std::to_string(i) + ".bin";
    zip.add(path(record), bytes_of(plain(tensors[i].data)));
    Json entry = {{"name", tensors[i].name},
                  {"path", record},
                  {"dtype", dtype_name(tensors[i].data.scalar_type())},
                  {"shape", tensors[i].data.sizes().vec()}};
    if (single == std::string_view("input")) {
      for (const auto& [name, photo] : sample.photos) {
        if (name != tensors[i].name) continue;
        const std::string picture = "pellucid/sample/photo_" + std::to_string(i) + ".png";
        zip.add(path(picture), photo);
        entry["photo"] = {{"path", picture}};
      }
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

ArchiveWriter::ArchiveWriter(const Model& model, const Cancellation* cancellation)
    : graph_(writable(*model.graph)), metadata_(model.metadata) {
  const std::vector<at::Tensor> inputs = trial_inputs(model);
  Measurements measured(graph_, inputs, cancellation);
  for (const std::string& size : measured.fixed())
    warnings_.push_back(size + ": it is written as fixed");
  dynamic_ = !measured.symbols().empty();
  name_metadata(*model.graph);
  if (!metadata_.sample) record_sample(inputs);
  metadata_.converted_from = {model.format, model.file.substr(model.file.find_last_of("/\\") + 1),
                              model.fingerprint, model.metadata.producer};
  metadata_.producer = "pellucid convert " PELLUCID_VERSION;
  program_ = write_program(*graph_, measured);
}

// Inputs and outputs are called as the written program calls them.
void ArchiveWriter::name_metadata(const Graph& original) {
  std::map<std::string, std::string> inputs, outputs;
  const std::vector<std::string> names = written_output_names(*graph_);
  const auto rename = [&](std::string& name, std::string now,
                          std::map<std::string, std::string>& all) {
    all[name] = now;
    if (name != now) warnings_.push_back("\"" + name + "\" is called \"" + now + "\" in the file");
    name = std::move(now);
  };
  for (std::size_t i = 0; i < original.inputs().size(); ++i)
    rename(metadata_.inputs[i].name, graph_->value(graph_->inputs()[i]).name, inputs);
  for (std::size_t i = 0; i < names.size(); ++i)
    rename(metadata_.outputs[i].name, names[i], outputs);
  if (!metadata_.sample) return;
  Sample& sample = *metadata_.sample;
  for (SampleTensor& each : sample.inputs) each.name = inputs[each.name];
  for (SampleTensor& each : sample.outputs) each.name = outputs[each.name];
  for (auto& [name, photo] : sample.photos) name = inputs[name];
}

void ArchiveWriter::record_sample(const std::vector<at::Tensor>& inputs) {
  Sample sample;
  sample.recorded_by = own_sample;
  std::vector<Feed> feeds;
  std::vector<ValueId> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    feeds.push_back({graph_->inputs()[i], inputs[i]});
    sample.inputs.push_back({metadata_.inputs[i].name, inputs[i]});
  }
  for (const Output& output : graph_->outputs()) {
    if (output.operand.is_value()) wanted.push_back(output.operand.value());
  }
  const auto answers = Executor(graph_).run(feeds, wanted, {});
  std::size_t next = 0;
  for (std::size_t i = 0; i < graph_->outputs().size(); ++i) {
    if (!graph_->outputs()[i].operand.is_value()) continue;
    const c10::IValue& answer = answers[next++];
    if (answer.isTensor())
      sample.outputs.push_back({metadata_.outputs[i].name, at::clone(answer.toTensor())});
  }
  metadata_.sample = std::move(sample);
}

void ArchiveWriter::write(const ByteSink& sink) const {
  ZipWriter zip(sink);
  std::vector<const Constant*> weights, constants;
  for (const Constant& constant : graph_->constants()) {
    const bool stored =
        constant.kind == ConstantKind::parameter || constant.kind == ConstantKind::buffer;
    (stored ? weights : constants).push_back(&constant);
  }
  Payload weight_records(zip, path("data/weights/"), "weight_"),
      constant_records(zip, path("data/constants/"), "tensor_");
  weight_records.write(weights);
  zip.add(path("data/weights/model_weights_config.json"), weight_records.config());
  constant_records.write(constants);
  zip.add(path("data/constants/model_constants_config.json"), constant_records.config());
  zip.add(path("models/model.json"), to_text(program_, false));
  zip.add(path("data/sample_inputs/model.pt"), "");
  Json document = to_json(metadata_);
  document["batch"] = dynamic_ ? "dynamic" : "fixed";
  const Sample& sample = *metadata_.sample;
  document["sample"] = {{"inputs", sample_side(sample.inputs, "input", sample, zip)},
                        {"outputs", sample_side(sample.outputs, "output", sample, zip)}};
  if (!sample.recorded_by.empty()) document["sample"]["recorded_by"] = sample.recorded_by;
  zip.add(path("extra/pellucid.json"), to_text(document));
  zip.add(path("archive_format"), "pt2");
  zip.add(path("archive_version"), "0");
  zip.add(path(".data/version"), "6\n");
  zip.add(path("byteorder"), "little");
  zip.finish();
}

}  // namespace pellucid::pt2

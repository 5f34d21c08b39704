// Before the loader sees the file, our own reader has seen its directory and every record's
// checksum.
#include "pellucid/formats/torchscript/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/import_read.h>

#include <algorithm>
#include <cstring>

#include "pellucid/base/error.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

class MappedBytes final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MappedBytes(const ModelBytes& file) : file_(file) {}
  std::size_t size() const override { return file_.bytes.size(); }
  std::size_t read(std::uint64_t position, void* buffer, std::size_t count,
                   const char*) const override {
    if (position >= size()) return 0;
    const std::size_t given = std::min<std::size_t>(count, size() - position);
    std::memcpy(buffer, file_.bytes.data() + position, given);
    return given;
  }

 private:
  ModelBytes file_;
};

Error refused(const std::string& what) {
  return model_error("PyTorch can't load the TorchScript program: " + what)
      .hint(
          "operators of other libraries are not read; load the file with the torch that wrote it "
          "and save it again, or export the PyTorch model: python -m pellucid.export");
}

std::optional<std::vector<c10::IValue>> traced_arguments(const ModelBytes& file) {
  caffe2::serialize::PyTorchStreamReader reader(
      std::shared_ptr<caffe2::serialize::ReadAdapterInterface>(
          std::make_shared<MappedBytes>(file)));
  if (!reader.hasRecord("traced_inputs.pkl")) return std::nullopt;
  const c10::IValue inputs =
      jit::readArchiveAndTensors("traced_inputs", "", "traced_inputs/", std::nullopt, std::nullopt,
                                 c10::Device(c10::kCPU), reader);
  if (!inputs.isGenericDict()) return std::nullopt;
  for (const auto& entry : inputs.toGenericDict()) {
    if (!entry.key().isString() || entry.key().toStringRef() != "forward") continue;
    if (entry.value().isList()) return entry.value().toListRef().vec();
    if (entry.value().isTuple()) return entry.value().toTupleRef().elements().vec();
  }
  return std::nullopt;
}

}  // namespace

bool is_script(const pt2::ZipArchive& archive) {
  bool constants = false, code = false, data = false;
  for (const pt2::Record& record : archive.records()) {
    constants |= record.name.ends_with("/constants.pkl");
    code |= record.name.find("/code/") != std::string_view::npos;
    data |= record.name.ends_with("/data.pkl");
  }
  return constants && data && code;
}

Loaded load_trusted(const ModelBytes& file, const pt2::ZipArchive& archive) {
  for (const pt2::Record& record : archive.records()) archive.content(record);
  Loaded loaded;
  try {
    loaded.module = jit::load(std::make_shared<MappedBytes>(file), c10::Device(c10::kCPU));
    loaded.module.eval();
    for (const c10::IValue& value : jit::attribute_list(loaded.module.attributes())) {
      if (value.isTensor() && value.toTensor().defined() && value.toTensor().is_leaf())
        value.toTensor().set_requires_grad(false);
    }
  } catch (const c10::Error& error) {
    throw refused(first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw refused(first_line(error.what()));
  }
  if (!loaded.module.find_method("forward")) throw refused("it has no forward()");
  try {
    loaded.traced = traced_arguments(file);
  } catch (const std::exception&) {
    loaded.traced.reset();  // a convenience: a script has none either
  }
  return loaded;
}

}  // namespace pellucid::script

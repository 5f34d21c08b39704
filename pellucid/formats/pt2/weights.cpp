// Each record holds one storage, raw and little-endian; a weight is a view of it (dtype, sizes,
// strides, offset), so tied weights and slices share memory as they did in training. Nothing is
// copied unless it lies misaligned.
#include "pellucid/formats/pt2/weights.h"

#include <ATen/core/TensorBase.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/TensorImpl.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "pellucid/base/error.h"
#include "pellucid/formats/pt2/enums.h"
#include "pellucid/formats/reading/finite.h"

namespace pellucid::pt2 {
namespace {

constexpr const char* reexport = "export the model again with torch.export.save";
constexpr std::size_t most_dimensions = 64;
// All weights together may show the file's bytes this often, and so much more: tied weights do
// twice.
constexpr std::uint64_t most_shared = 16, most_shown = std::uint64_t{1} << 30;

std::int64_t literal(const JsonItem& size) {
  const JsonItem* number = size.find("as_int");
  if (number == nullptr) throw model_error("a stored tensor has a symbolic size");
  return number->integer();
}

std::string short_name(std::string_view name) { return std::string(name.substr(0, 200)); }

}  // namespace

TensorLayout tensor_layout(const JsonItem& meta) {
  TensorLayout result;
  const std::int64_t dtype = meta.at("dtype").integer(),
                     layout_number = meta.at("layout").integer();
  const auto type = scalar_type(dtype);
  if (!type) throw model_error("unknown dtype number " + std::to_string(dtype));
  if (layout_number != strided_layout)
    throw model_error("not a strided tensor (layout number " + std::to_string(layout_number) + ")");
  result.dtype = *type;
  for (const JsonItem& size : meta.at("sizes").array()) result.sizes.push_back(literal(size));
  for (const JsonItem& stride : meta.at("strides").array())
    result.strides.push_back(literal(stride));
  result.offset = literal(meta.at("storage_offset"));
  if (result.sizes.size() != result.strides.size())
    throw model_error("a stored tensor has not as many strides as sizes");
  if (result.sizes.size() > most_dimensions)
    throw model_error("a stored tensor has more than 64 dimensions");
  const auto negative = [](std::int64_t n) { return n < 0; };
  if (std::any_of(result.sizes.begin(), result.sizes.end(), negative) ||
      std::any_of(result.strides.begin(), result.strides.end(), negative) || result.offset < 0) {
    throw model_error("a stored tensor has a negative size, stride or offset");
  }
  return result;
}

Weights::Weights(const ModelBytes& file, const ZipArchive& archive, std::string root,
                 std::string_view name)
    : file_(file), archive_(archive), root_(std::move(root)) {
  const std::string model(name);
  if (archive.find(root_ + "/data/weights/" + model + ".pt") != nullptr &&
      archive.find(root_ + "/data/weights/" + model + "_weights_config.json") == nullptr) {
    throw model_error("the weights are a pickle, which can run code and is never read")
        .at("record " + root_ + "/data/weights/" + model + ".pt")
        .hint("export the model again with torch 2.9 or newer, which stores raw weights");
  }
  read_config(root_ + "/data/weights/" + model + "_weights_config.json", root_ + "/data/weights/");
  read_config(root_ + "/data/constants/" + model + "_constants_config.json",
              root_ + "/data/constants/");
}

void Weights::read_config(const std::string& config, const std::string& folder) {
  const std::string place = "record " + config;
  const std::string_view text = archive_.text(archive_.get(config), contents_.emplace_back());
  trees_.push_back(std::make_unique<JsonTree>(text, place));
  try {
    for (const JsonItem& item : trees_.back()->root().at("config").members()) {
      entries_.emplace(item.key(), Entry{&item, folder + std::string(item.at("path_name").text())});
    }
  } catch (Error& error) {
    throw error.at(place);
  }
}

std::vector<std::string> Weights::problems(const std::vector<std::string_view>& fqns) const {
  std::vector<std::string> found;
  for (const std::string_view fqn : fqns) {
    const auto entry = entries_.find(fqn);
    const std::string name = "weight " + short_name(fqn);
    if (entry == entries_.end()) {
      found.push_back(name + " (in no record)");
      continue;
    }
    const auto& [meta, record] = entry->second;
    try {
      const JsonItem* pickled = meta->find("use_pickle");
      if (pickled != nullptr && pickled->boolean()) {
        found.push_back(name + " (record " + record + " is a pickle, which is never read)");
      } else if (archive_.find(record) == nullptr) {
        found.push_back(name + " (the record " + record + " is missing)");
      } else {
        bytes_reached(tensor_layout(meta->at("tensor_meta")));
      }
    } catch (const Error& error) {
      found.push_back(name + " (record " + record + ": " + error.message() + ")");
    }
  }
  return found;
}

Content Weights::unpacked(const Record& record) {
  if (!record.deflated) return {nullptr, record.packed};
  Content& content = unpacked_[record.name];
  if (content.owner == nullptr) content = archive_.content(record);
  return content;
}

at::Tensor Weights::tensor(std::string_view fqn) {
  const auto found = entries_.find(fqn);
  if (found == entries_.end())
    throw model_error("the archive has no weight of that name")
        .at("weight " + short_name(fqn))
        .hint(reexport);
  const auto& [meta, record_name] = found->second;
  try {
    const JsonItem* pickled = meta->find("use_pickle");
    if (pickled != nullptr && pickled->boolean())
      throw model_error("the weight is a pickle, which can run code and is never read");
    const JsonItem* parameter = meta->find("is_param");
    const Record& record = archive_.get(record_name);
    const TensorLayout layout = tensor_layout(meta->at("tensor_meta"));
    if (bytes_reached(layout) > record.size) {
      throw model_error("the weight needs " + std::to_string(bytes_reached(layout)) +
                        " bytes, its record has " + std::to_string(record.size));
    }
    const Content content = unpacked(record);
    at::Tensor data =
        tensor_over(content.owner ? content.owner : file_.owner, content.bytes, layout);
    shown_ += static_cast<std::uint64_t>(data.numel()) * data.element_size();
    if (shown_ / most_shared > file_.bytes.size() + most_shown) {
      throw model_error("the weights show the file's bytes too many times over");
    }
    handed_[record_name].push_back(
        {std::string(fqn), data, parameter != nullptr && parameter->boolean()});
    return data;
  } catch (Error& error) {
    throw error.at("record " + record_name)
        .at("weight " + short_name(fqn))
        .hint(error.remedy().empty() ? reexport : error.remedy());
  }
}

std::vector<std::string> Weights::verify(bool allow_nonfinite) const {
  // Both looks at a chunk while it is in the cache.
  constexpr std::size_t chunk = std::size_t{1} << 17;
  std::vector<std::string> warnings;
  for (const Record& record : archive_.records()) {
    const auto found = handed_.find(record.name);
    const std::vector<Handed>* views = found == handed_.end() ? nullptr : &found->second;
    bool suspicious = false;
    std::set<at::ScalarType> types;
    if (views != nullptr) {
      for (const Handed& view : *views) types.insert(view.data.scalar_type());
    }
    if (record.deflated) {
      if (views == nullptr) continue;  // nothing of it was used
      for (const Handed& view : *views) suspicious |= count_nonfinite(view.data).any();
    } else {
      std::uint32_t sum = 0;
      for (std::size_t at = 0; at < record.packed.size(); at += chunk) {
        const auto part = record.packed.subspan(at, std::min(chunk, record.packed.size() - at));
        sum = crc32(sum, part);
        for (const at::ScalarType type : types) {
          suspicious = suspicious || has_nonfinite(part, type);
        }
      }
      check_crc(record, sum);
    }
    if (!suspicious) continue;
    for (const Handed& view : *views) {
      // It may lie in a part of the storage that the weight does not show.
      try {
        if (auto odd = verify_finite(view.fqn, view.data, view.is_parameter, allow_nonfinite))
          warnings.push_back(std::move(*odd));
      } catch (Error& error) {
        throw error.at("record " + std::string(record.name));
      }
    }
  }
  return warnings;
}

}  // namespace pellucid::pt2

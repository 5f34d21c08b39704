// Shared by the formats, so that a file is treated alike whoever wrote it.
#include "pellucid/formats/reading/model_reading.h"

#include "pellucid/base/error.h"
#include "pellucid/base/fingerprint.h"
#include "pellucid/formats/reading/finite.h"
#include "pellucid/formats/reading/json_tree.h"
#include "pellucid/formats/reading/stored_tensor.h"
#include "pellucid/graph/aliases.h"
#include "pellucid/model/count_weights.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

constexpr std::size_t most_metadata_keys = 256;

// The metadata's objects are small; a file with an object of a million keys was made to take a
// reader's time.
void check_keys(const JsonItem& item, std::string_view place) {
  if (item.is_object() && item.items().size() > most_metadata_keys) {
    throw model_error("the metadata has an object of " + std::to_string(item.items().size()) +
                      " keys")
        .at(place);
  }
  for (const JsonItem& child : item.items()) check_keys(child, place);
}

std::span<const std::byte> bytes_of(const at::Tensor& contiguous) {
  return {static_cast<const std::byte*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

std::string stem(std::string_view file) {
  const std::string_view name = file.substr(file.find_last_of("/\\") + 1);
  return std::string(name.substr(0, name.rfind('.')));
}

}  // namespace

Json parse_metadata(std::string_view text, const std::string& place) {
  check_keys(JsonTree(text, place).root(), place);
  return parse_json(text, place);
}

Model read_guarded(const Format& format, std::string_view file, const char* remedy,
                   const std::function<Model()>& read) {
  Model model;
  try {
    model = read();
  } catch (Error& error) {
    if (error.remedy().empty()) {
      error.hint(error.fault() == Fault::too_large
                     ? "take a smaller model, or a machine with more memory"
                     : remedy);
    }
    throw error.at(file);
  } catch (const std::bad_alloc&) {
    throw Error(Fault::too_large, "the model needs more memory than there is")
        .at(file)
        .hint("explain it on a machine with more memory");
  } catch (const c10::Error& error) {
    throw model_error("PyTorch refused a part of the program: " +
                      first_line(error.what_without_backtrace()))
        .at(file)
        .hint("export the model again");
  }
  model.format = std::string(format.name);
  model.file = std::string(file);
  return model;
}

void guess_metadata_of(Model& model, std::string_view file) {
  model.metadata = guess_metadata(*model.graph);
  model.metadata.name = stem(file);
}

void lay_metadata(std::string_view text, const std::string& place, const EntrySource& entries,
                  Model& model) {
  try {
    for (std::string& odd : apply_metadata(parse_metadata(text, place), entries, model.metadata)) {
      model.warnings.push_back(std::move(odd));
    }
  } catch (Error& error) {
    throw error.where().find(place) == std::string::npos ? error.at(place) : error;
  }
}

void verify_given(const LoadSettings& settings, Model& model) {
  for (const Constant& constant : model.graph->constants()) {
    const auto given = settings.weights.find(constant.name);
    if (given == settings.weights.end()) continue;
    const at::Tensor& data = given->second;
    auto odd = verify_finite(constant.name, data, constant.kind == ConstantKind::parameter,
                             settings.allow_nonfinite);
    if (odd) model.warnings.push_back(std::move(*odd));
  }
}

void verify_weights(const LoadSettings& settings, Model& model) {
  for (const Constant& constant : model.graph->constants()) {
    auto odd = verify_finite(constant.name, constant.data, constant.kind == ConstantKind::parameter,
                             settings.allow_nonfinite);
    if (odd) model.warnings.push_back(std::move(*odd));
  }
}

std::string fingerprint_of(const ModelBytes& file, std::span<const ModelBytes> further,
                           const GivenWeights& weights) {
  if (further.empty() && weights.empty()) return sha256(file.bytes);
  Sha256 hash;
  hash.add(file.bytes);
  for (const ModelBytes& each : further) hash.add(each.bytes);
  for (const auto& [fqn, data] : weights) {
    hash.add(fqn);
    hash.add(bytes_of(data.contiguous()));
  }
  return hash.hex();
}

void prepare(Model& model) {
  model.parameters = count_weights(*model.graph, {ConstantKind::parameter}).numbers;
  model.graph = fold_constants(rewrite_norms(functionalise(*inline_blocks(model.graph))));
}

}  // namespace pellucid

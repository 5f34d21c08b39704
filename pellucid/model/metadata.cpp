// JSON ↔ Metadata, checked key by key; docs/metadata.md describes the document. What nobody
// recorded is guessed from shapes, and stays marked as a guess.
#include "pellucid/model/metadata.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr int known_version = 1;
constexpr std::array input_kinds = {"image", "tensor", "vector", "tokens"};
constexpr std::array output_kinds = {"logits",     "probabilities", "multilabel", "binary",
                                     "regression", "dense",         "other"};

constexpr std::pair<std::string_view, at::ScalarType> dtypes[] = {
    {"float32", at::kFloat},
    {"float64", at::kDouble},
    {"float16", at::kHalf},
    {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},
    {"int32", at::kInt},
    {"int16", at::kShort},
    {"int8", at::kChar},
    {"uint8", at::kByte},
    {"bool", at::kBool},
    {"uint16", at::kUInt16},
    {"uint32", at::kUInt32},
    {"uint64", at::kUInt64},
    {"complex64", at::kComplexFloat},
    {"complex128", at::kComplexDouble},
    {"complex32", at::kComplexHalf},
    {"float8_e4m3fn", at::kFloat8_e4m3fn},
    {"float8_e5m2", at::kFloat8_e5m2},
    {"float8_e4m3fnuz", at::kFloat8_e4m3fnuz},
    {"float8_e5m2fnuz", at::kFloat8_e5m2fnuz},
    {"float8_e8m0fnu", at::kFloat8_e8m0fnu}};

constexpr std::string_view document_keys[] = {
    "format",  "version", "producer", "name",   "batch",  "batch_reason",
    "weights", "inputs",  "outputs",  "labels", "sample", "converted_from"};
constexpr std::string_view input_keys[] = {"name",  "kind",          "dtype",
                                           "shape", "preprocessing", "features"};
constexpr std::string_view output_keys[] = {"name", "kind", "guessed"};

Error wrong(const std::string& where, const std::string& what) {
  return model_error("the metadata's \"" + where + "\" " + what)
      .hint("docs/metadata.md describes each key");
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& need_object(const Json& value, const std::string& where) {
  if (!value.is_object()) throw wrong(where, "must be an object");
  return value;
}

const Json& need_list(const Json& value, const std::string& where) {
  if (!value.is_array()) throw wrong(where, "must be a list");
  return value;
}

std::string need_text(const Json& value, const std::string& where) {
  if (!value.is_string()) throw wrong(where, "must be a text");
  return value.get<std::string>();
}

void refuse_unknown(const Json& object, std::span<const std::string_view> known,
                    const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::string all;
      for (const std::string_view name : known)
        all += (all.empty() ? "" : ", ") + std::string(name);
      throw wrong(where.empty() ? key : where + "." + key, "is no known key (known: " + all + ")");
    }
  }
}

template <class Kind, std::size_t N>
Kind kind_named(const std::array<const char*, N>& names, const std::string& word,
                const std::string& where) {
  for (std::size_t i = 0; i < N; ++i) {
    if (word == names[i]) return static_cast<Kind>(i);
  }
  std::string all;
  for (const char* name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  throw wrong(where, "is \"" + word.substr(0, 100) + "\", not one of " + all);
}

// The input or output that an entry means: by its name, or the only one where it gives none.
template <class Info>
Info& named(std::vector<Info>& all, const Json& entry, const std::string& where) {
  const Json* name = find(entry, "name");
  if (name == nullptr) {
    if (all.size() == 1) return all[0];
    throw wrong(where + ".name", "is missing");
  }
  const std::string word = need_text(*name, where + ".name");
  for (Info& info : all) {
    if (info.name == word) return info;
  }
  std::string known;
  for (const Info& info : all) known += (known.empty() ? "" : ", ") + ("\"" + info.name + "\"");
  throw wrong(where + ".name", "is \"" + word.substr(0, 100) + "\"; the model has " + known);
}

std::vector<std::string> texts(const Json& list, const std::string& where) {
  std::vector<std::string> words;
  for (const Json& item : need_list(list, where)) words.push_back(need_text(item, where));
  return words;
}

void read_inputs(const Json& list, Metadata& metadata) {
  for (std::size_t i = 0; i < need_list(list, "inputs").size(); ++i) {
    const std::string where = "inputs[" + std::to_string(i) + "]";
    const Json& entry = need_object(list[i], where);
    refuse_unknown(entry, input_keys, where);
    InputInfo& info = named(metadata.inputs, entry, where);
    if (const Json* kind = find(entry, "kind")) {
      info.kind =
          kind_named<InputKind>(input_kinds, need_text(*kind, where + ".kind"), where + ".kind");
    }
    if (const Json* preprocessing = find(entry, "preprocessing")) {
      try {
        info.preprocessing = preprocessing_from_json(*preprocessing);
      } catch (Error& error) {
        throw error.at("the metadata's " + where + ".preprocessing");
      }
      if (find(entry, "kind") == nullptr) info.kind = InputKind::image;
    }
    if (const Json* features = find(entry, "features"))
      info.features = texts(*features, where + ".features");
  }
}

void read_outputs(const Json& list, Metadata& metadata) {
  for (std::size_t i = 0; i < need_list(list, "outputs").size(); ++i) {
    const std::string where = "outputs[" + std::to_string(i) + "]";
    const Json& entry = need_object(list[i], where);
    refuse_unknown(entry, output_keys, where);
    OutputInfo& info = named(metadata.outputs, entry, where);
    if (const Json* kind = find(entry, "kind")) {
      info.kind =
          kind_named<OutputKind>(output_kinds, need_text(*kind, where + ".kind"), where + ".kind");
      const Json* guessed = find(entry, "guessed");
      if (guessed != nullptr && !guessed->is_boolean())
        throw wrong(where + ".guessed", "must be true or false");
      info.guessed = guessed != nullptr && guessed->get<bool>();
    }
  }
}

void read_labels(const Json& list, Metadata& metadata) {
  metadata.labels.clear();
  for (std::size_t i = 0; i < need_list(list, "labels").size(); ++i) {
    const std::string where = "labels[" + std::to_string(i) + "]";
    std::vector<std::string>& names = metadata.labels.emplace_back();
    if (list[i].is_array())
      names = texts(list[i], where);
    else
      names = {need_text(list[i], where)};
    if (names.empty()) throw wrong(where, "has no name");
  }
}

SampleTensor read_tensor(const Json& entry, const EntrySource& entries, const std::string& where) {
  need_object(entry, where);
  for (const char* key : {"name", "path", "dtype", "shape"}) {
    if (find(entry, key) == nullptr) throw wrong(where + "." + key, "is missing");
  }
  const std::string path = need_text(entry["path"], where + ".path"),
                    dtype = need_text(entry["dtype"], where + ".dtype");
  const auto type = dtype_of(dtype);
  if (!type)
    throw wrong(where + ".dtype", "is \"" + dtype.substr(0, 100) + "\", which is no dtype");
  std::vector<std::int64_t> shape;
  std::int64_t bytes = static_cast<std::int64_t>(c10::elementSize(*type));
  for (const Json& size : need_list(entry["shape"], where + ".shape")) {
    if (!size.is_number_integer() || size.get<std::int64_t>() < 0)
      throw wrong(where + ".shape", "must be sizes");
    shape.push_back(size.get<std::int64_t>());
    if (__builtin_mul_overflow(bytes, shape.back(), &bytes))
      throw wrong(where + ".shape", "overflows");
  }
  if (shape.size() > 64) throw wrong(where + ".shape", "has more than 64 axes");
  const auto data = entries(path);
  if (!data)
    throw model_error("the recorded sample lacks its entry")
        .at("record " + path)
        .hint("export the model again");
  if (static_cast<std::int64_t>(data->size()) != bytes) {
    throw model_error("the recorded sample has " + std::to_string(data->size()) +
                      " bytes, its shape wants " + std::to_string(bytes))
        .at("record " + path)
        .hint("export the model again");
  }
  SampleTensor tensor{need_text(entry["name"], where + ".name"), at::empty(shape, *type)};
  if (bytes > 0) std::memcpy(tensor.data.mutable_data_ptr(), data->data(), data->size());
  return tensor;
}

void read_sample(const Json& document, const EntrySource& entries, Metadata& metadata) {
  need_object(document, "sample");
  Sample sample;
  if (const Json* who = find(document, "recorded_by"))
    sample.recorded_by = need_text(*who, "sample.recorded_by");
  const auto read_side = [&](const char* side, std::vector<SampleTensor>& tensors) {
    const Json* list = find(document, side);
    if (list == nullptr) throw wrong(std::string("sample.") + side, "is missing");
    for (std::size_t i = 0; i < need_list(*list, std::string("sample.") + side).size(); ++i) {
      const std::string where = std::string("sample.") + side + "[" + std::to_string(i) + "]";
      tensors.push_back(read_tensor((*list)[i], entries, where));
      if (const Json* photo = find((*list)[i], "photo")) {
        const Json* path = find(need_object(*photo, where + ".photo"), "path");
        if (path == nullptr) throw wrong(where + ".photo.path", "is missing");
        auto bytes = entries(need_text(*path, where + ".photo.path"));
        if (!bytes)
          throw model_error("the recorded sample lacks its photo")
              .at("record " + need_text(*path, where))
              .hint("export the model again");
        sample.photos.emplace_back(tensors.back().name, std::move(*bytes));
      }
    }
  };
  read_side("inputs", sample.inputs);
  read_side("outputs", sample.outputs);
  const auto is_known = [](const auto& all, const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const auto& info) { return info.name == name; });
  };
  for (const SampleTensor& tensor : sample.inputs) {
    if (!is_known(metadata.inputs, tensor.name))
      throw wrong("sample.inputs", "names an unknown input \"" + tensor.name + "\"");
  }
  for (const SampleTensor& tensor : sample.outputs) {
    if (!is_known(metadata.outputs, tensor.name))
      throw wrong("sample.outputs", "names an unknown output \"" + tensor.name + "\"");
  }
  metadata.sample = std::move(sample);
}

ConvertedFrom read_converted_from(const Json& entry) {
  need_object(entry, "converted_from");
  const auto text = [&](const char* key) {
    const Json* found = find(entry, key);
    return found == nullptr ? std::string()
                            : need_text(*found, "converted_from." + std::string(key));
  };
  return {text("format"), text("file"), text("sha256"), text("producer")};
}

}  // namespace

bool channels_last(const InputInfo& info) {
  if (!info.preprocessing) return info.guessed_channels_last;
  return info.preprocessing->layout == Preprocessing::Layout::nhwc;
}

std::string_view to_string(InputKind kind) {
  return input_kinds.at(static_cast<std::size_t>(kind));
}
std::string_view to_string(OutputKind kind) {
  return output_kinds.at(static_cast<std::size_t>(kind));
}

std::optional<at::ScalarType> dtype_of(std::string_view name) {
  for (const auto& [word, type] : dtypes) {
    if (word == name) return type;
  }
  return std::nullopt;
}

std::string_view dtype_name(at::ScalarType type) {
  for (const auto& [word, known] : dtypes) {
    if (known == type) return word;
  }
  return "unknown";
}

std::vector<std::string> apply_metadata(const Json& document, const EntrySource& entries,
                                        Metadata& metadata) {
  if (!document.is_object())
    throw model_error("the metadata must be a JSON object").hint("docs/metadata.md describes it");
  refuse_unknown(document, document_keys, "");
  std::vector<std::string> odd;
  if (const Json* version = find(document, "version")) {
    if (!version->is_number_integer()) throw wrong("version", "must be a number");
    if (version->get<std::int64_t>() > known_version) {
      throw wrong("version",
                  "is " + version->dump() + ", " + std::to_string(known_version) + " is known")
          .hint("use a newer pellucid, or a sidecar file in its place");
    }
  }
  if (const Json* format = find(document, "format");
      format != nullptr && *format != "pellucid-metadata") {
    throw wrong("format", "is not \"pellucid-metadata\"");
  }
  if (const Json* producer = find(document, "producer")) {
    need_object(*producer, "producer");
    std::string words;
    if (const Json* name = find(*producer, "name")) words = need_text(*name, "producer.name");
    if (const Json* version = find(*producer, "version"))
      words += " " + need_text(*version, "producer.version");
    if (const Json* torch = find(*producer, "torch"))
      words += (words.empty() ? "torch " : ", torch ") + need_text(*torch, "producer.torch");
    metadata.producer = words;
  }
  if (const Json* name = find(document, "name")) metadata.name = need_text(*name, "name");
  if (const Json* inputs = find(document, "inputs")) read_inputs(*inputs, metadata);
  if (const Json* outputs = find(document, "outputs")) read_outputs(*outputs, metadata);
  if (const Json* labels = find(document, "labels")) read_labels(*labels, metadata);
  if (const Json* source = find(document, "converted_from"))
    metadata.converted_from = read_converted_from(*source);
  if (const Json* sample = find(document, "sample")) {
    read_sample(*sample, entries, metadata);
    for (const SampleTensor& output : metadata.sample->outputs) {
      const auto classes = output.data.dim() >= 2 ? output.data.size(1) : 0;
      if (metadata.outputs.size() == 1 && !metadata.labels.empty() && output.data.dim() == 2 &&
          classes > 1 && static_cast<std::size_t>(classes) != metadata.labels.size()) {
        odd.push_back(std::to_string(metadata.labels.size()) + " labels for " +
                      std::to_string(classes) + " classes");
      }
    }
  }
  return odd;
}

Json to_json(const Metadata& metadata) {
  Json document = {
      {"format", "pellucid-metadata"}, {"version", known_version}, {"name", metadata.name}};
  if (!metadata.producer.empty()) document["producer"] = {{"name", metadata.producer}};
  document["inputs"] = Json::array();
  for (const InputInfo& input : metadata.inputs) {
    Json entry = {{"name", input.name}, {"kind", to_string(input.kind)}};
    if (input.preprocessing) entry["preprocessing"] = to_json(*input.preprocessing);
    if (!input.features.empty()) entry["features"] = input.features;
    document["inputs"].push_back(std::move(entry));
  }
  document["outputs"] = Json::array();
  for (const OutputInfo& output : metadata.outputs) {
    document["outputs"].push_back(
        {{"name", output.name}, {"kind", to_string(output.kind)}, {"guessed", output.guessed}});
  }
  if (!metadata.labels.empty()) document["labels"] = metadata.labels;
  if (const auto& source = metadata.converted_from) {
    document["converted_from"] = {
        {"format", source->format}, {"file", source->file}, {"sha256", source->sha256}};
    if (!source->producer.empty()) document["converted_from"]["producer"] = source->producer;
  }
  return document;
}

}  // namespace pellucid

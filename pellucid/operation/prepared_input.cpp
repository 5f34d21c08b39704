// Bytes → tensors: pictures go through the model's own preprocessing, arrays are checked against
// what the file declares. Invariant: every tensor of a PreparedInput has the batch axis and the
// input's dtype.
#include "pellucid/operation/prepared_input.h"

#include <chrono>

#include "pellucid/base/fingerprint.h"
#include "pellucid/base/text.h"
#include "pellucid/input/npy.h"
#include "pellucid/report/pictures.h"
#include "pellucid/run/lift_batch.h"

namespace pellucid {
namespace {

using Clock = std::chrono::steady_clock;

std::string dtype_text(at::ScalarType type) { return std::string(dtype_name(type)); }

std::string shape_of(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(sizes[i]);
  }
  return text + "]";
}

bool has_batch(const Model& model) { return declared_batch(*model.graph).shared; }

// The declared sizes without the batch.
std::string sample_text(const Value& value, std::size_t from) {
  std::string text = "[";
  for (std::size_t i = from; i < value.shape.size(); ++i) {
    if (i > from) text += ", ";
    text += value.shape[i] ? std::to_string(*value.shape[i]) : std::string("any");
  }
  return text + "]";
}

bool fits(const Value& value, at::IntArrayRef sizes, std::size_t from) {
  if (sizes.size() + from != value.shape.size()) return false;
  for (std::size_t i = from; i < value.shape.size(); ++i) {
    if (value.shape[i] && *value.shape[i] != sizes[i - from]) return false;
  }
  return true;
}

// Widening loses nothing; float64 is what NumPy writes unless told otherwise.
bool may_become(at::ScalarType from, at::ScalarType to) {
  if (from == to || (at::isFloatingType(from) && at::isFloatingType(to))) return true;
  return at::isIntegralType(from, false) && at::isIntegralType(to, false) &&
         c10::elementSize(from) <= c10::elementSize(to);
}

struct Array {
  at::Tensor data;  // with the batch axis
  bool batched;
};

Array checked_array(at::Tensor data, const Model& model, std::size_t input, const std::string& file,
                    std::vector<std::string>& conversions) {
  const Value& value = model.graph->value(model.graph->inputs()[input]);
  const std::string wanted = shape_text(model, input);
  const auto wrong = [&](const std::string& what) {
    return usage_error(what).at(file).hint("the model's input \"" + value.name + "\" wants " +
                                           wanted);
  };
  const auto type = data.scalar_type();
  if (value.dtype && !may_become(type, *value.dtype)) {
    throw wrong("an array of " + dtype_text(type) + " does not fit");
  }
  const std::string got = "an array of shape " + shape_of(data.sizes()) + " does not fit";
  bool batched = true;
  if (!has_batch(model)) {
    if (!fits(value, data.sizes(), 0)) throw wrong(got);
  } else if (fits(value, data.sizes(), 1)) {
    data = data.unsqueeze(0);
    batched = false;
  } else {
    const bool one_more = data.dim() > 0 && fits(value, data.sizes().slice(1), 1);
    if (!one_more || data.size(0) == 0) throw wrong(got);
  }
  if (value.dtype && type != *value.dtype) {
    conversions.push_back(dtype_text(type) + " read as " + dtype_text(*value.dtype));
    data = data.to(*value.dtype);
  }
  return {std::move(data), batched};
}

// As it would be read from a file: in C order, and no tensor of inference mode, which autograd
// refuses.
at::Tensor plain(const at::Tensor& array) {
  const at::Tensor ordered = array.contiguous();
  return ordered.is_inference() ? ordered.clone() : ordered;
}

// An array in memory has the fingerprint of its file.
void add_as_file(const at::Tensor& array, Sha256& hash) {
  const auto [start, values] = npy_parts(array);
  hash.add(std::as_bytes(std::span(start)));
  hash.add({static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()});
}

const InputInfo* info_of(const Model& model, std::size_t input) {
  return input < model.metadata.inputs.size() ? &model.metadata.inputs[input] : nullptr;
}

at::Tensor prepare_picture(std::span<const std::byte> bytes, const Model& model, std::size_t input,
                           const std::string& file, const InputSettings& settings,
                           PreparedInput& prepared) {
  if (!takes_pictures(model, input)) {
    throw usage_error("the model's file does not say how a picture becomes its input")
        .at(file)
        .hint("give an .npy array of " + shape_text(model, input) +
              ", or the preprocessing with --metadata: docs/metadata.md shows how it is written");
  }
  DecodeLimits limits;
  limits.max_pixels = settings.max_pixels;
  limits.salvage = settings.salvage;
  Photo photo;
  photo.input = input;
  photo.picture = decode_picture(bytes, limits, file);
  const auto& conversions = photo.picture.conversions;
  prepared.conversions.insert(prepared.conversions.end(), conversions.begin(), conversions.end());
  Prepared tensor = prepare(photo.picture, *info_of(model, input)->preprocessing);
  photo.shown = std::move(tensor.shown);
  photo.geometry = tensor.geometry;
  prepared.photos.push_back(std::move(photo));
  const Value& value = model.graph->value(model.graph->inputs()[input]);
  if (!fits(value, tensor.tensor.sizes(), 1)) {
    throw usage_error("the picture becomes a tensor of shape " + shape_of(tensor.tensor.sizes()))
        .at(file)
        .hint("the model wants " + shape_text(model, input) +
              "; its preprocessing must make that size");
  }
  at::Tensor data = tensor.tensor.unsqueeze(0);
  return value.dtype ? data.to(*value.dtype) : data;
}

std::size_t input_index(const Model& model, const RequestInput& input) {
  const auto inputs = model.graph->inputs();
  if (input.of.empty()) return 0;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(model.graph->value(inputs[i]).name);
    const InputInfo* info = info_of(model, i);
    if (names.back() == input.of || (info != nullptr && info->name == input.of)) return i;
  }
  throw usage_error("the model has no input \"" + input.of + "\"")
      .at(input.name)
      .hint("it has " + join(names, ", "));
}

}  // namespace

bool takes_pictures(const Model& model, std::size_t input) {
  const InputInfo* info = info_of(model, input);
  return info != nullptr && info->kind == InputKind::image && info->preprocessing.has_value();
}

std::string shape_text(const Model& model, std::size_t input) {
  const Value& value = model.graph->value(model.graph->inputs()[input]);
  // NumPy has no bfloat16.
  const std::string type = !value.dtype                   ? "any type"
                           : value.dtype == at::kBFloat16 ? dtype_text(at::kFloat)
                                                          : dtype_text(*value.dtype);
  if (!has_batch(model) || value.shape.empty()) return type + " " + sample_text(value, 0);
  std::string batched = sample_text(value, 1);
  batched = value.shape.size() == 1 ? "[N]" : "[N, " + batched.substr(1);
  return type + " " + sample_text(value, 1) + " or " + batched;
}

Json PreparedInput::document() const {
  Json entry = {{"input", name}, {"sha256", fingerprint}};
  Json shapes = Json::object();
  for (const NamedTensor& tensor : tensors) {
    const at::IntArrayRef sizes = tensor.data.sizes();
    shapes[tensor.name] = batched ? sizes.vec() : sizes.slice(1).vec();
  }
  entry["shapes"] = std::move(shapes);
  if (!conversions.empty()) entry["conversions"] = conversions;
  if (!photos.empty()) {
    const Picture& picture = photos.front().picture;
    const Box seen = seen_part(photos.front());
    entry["picture"] = {
        {"width", picture.width},
        {"height", picture.height},
        {"seen", {{"x", seen.x}, {"y", seen.y}, {"width", seen.width}, {"height", seen.height}}}};
  }
  return entry;
}

std::vector<InputGroup> group_inputs(std::span<const RequestInput> inputs, const Model& model) {
  const auto names = model.graph->inputs();
  std::vector<std::vector<const RequestInput*>> by_input(names.size());
  for (const RequestInput& input : inputs) {
    if (input.of.empty() && names.size() > 1) {
      std::vector<std::string> all;
      for (const ValueId id : names) all.push_back(model.graph->value(id).name);
      throw usage_error("the model has " + std::to_string(names.size()) + " inputs")
          .at(input.name)
          .hint("name each file's input: NAME=FILE with " + join(all, ", "));
    }
    by_input[input_index(model, input)].push_back(&input);
  }
  std::vector<InputGroup> groups(by_input.empty() ? 0 : by_input.front().size());
  for (std::size_t i = 0; i < by_input.size(); ++i) {
    if (by_input[i].size() != groups.size()) {
      throw usage_error(std::to_string(by_input[i].size()) + " files for the input \"" +
                        model.graph->value(names[i]).name + "\", " + std::to_string(groups.size()) +
                        " for \"" + model.graph->value(names[0]).name + "\"")
          .hint("every sample needs one NAME=FILE for each input");
    }
    for (std::size_t k = 0; k < groups.size(); ++k) groups[k].push_back(by_input[i][k]);
  }
  return groups;
}

PreparedInput prepare_input(const InputGroup& group, const Model& model,
                            const InputSettings& settings) {
  const auto start = Clock::now();
  PreparedInput prepared;
  prepared.name = group.front()->name;
  prepared.stem = group.front()->stem;
  Sha256 hash;
  std::optional<Array> first;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const RequestInput& file = *group[i];
    const bool in_memory = file.array.defined();
    const std::vector<std::byte> bytes = in_memory ? std::vector<std::byte>() : file.read();
    hash.add(bytes);
    const ValueId id = model.graph->inputs()[i];
    Array array;
    if (in_memory) {
      array = checked_array(plain(file.array), model, i, file.name, prepared.conversions);
      add_as_file(file.array, hash);
    } else if (is_npy(bytes)) {
      array = checked_array(read_npy(bytes, file.name), model, i, file.name, prepared.conversions);
    } else if (picture_format(bytes).empty()) {
      throw input_error(bytes.empty() ? "the file is empty" : "neither a picture nor an .npy array")
          .at(file.name)
          .hint("readable are JPEG, PNG, WebP, TIFF, BMP and .npy");
    } else {
      array = {prepare_picture(bytes, model, i, file.name, settings, prepared), false};
    }
    if (first && has_batch(model) && array.data.size(0) != first->data.size(0)) {
      throw usage_error("a batch of " + std::to_string(array.data.size(0)) + " beside one of " +
                        std::to_string(first->data.size(0)))
          .at(file.name)
          .hint("the inputs of one sample must have equal batches");
    }
    if (!first) first = array;
    prepared.batched = prepared.batched || array.batched;
    NamedTensor tensor;
    tensor.name = model.graph->value(id).name;
    tensor.value = id;
    tensor.attributable = at::isFloatingType(array.data.scalar_type());
    tensor.data = std::move(array.data);
    prepared.tensors.push_back(std::move(tensor));
  }
  prepared.fingerprint = hash.hex();
  prepared.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return prepared;
}

}  // namespace pellucid

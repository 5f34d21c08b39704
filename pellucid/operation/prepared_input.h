// Bytes of a request → tensors of the model, one sample (or one file's batch of samples) at a time.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pellucid/explain/question.h"
#include "pellucid/input/preprocess.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operation/operation.h"

namespace pellucid {

struct PreparedInput {
  std::string name;  // "cat.jpg", as messages show it
  std::string stem;  // what answer files are called
  std::vector<NamedTensor>
      tensors;  // all of the model's inputs, in the graph's order, each with the batch axis
  bool batched = false;  // the file had a batch axis: so have the answers
  std::vector<Photo> photos;
  std::vector<std::string> conversions;  // "EXIF orientation 6 applied", "float64 read as float32"
  std::string fingerprint;               // SHA-256 of the bytes
  double seconds = 0;                    // reading and preparing

  std::int64_t samples() const { return tensors.front().data.size(0); }
  // Name, fingerprint, shapes, conversions; of a photo its size and the part that was seen.
  Json document() const;
};

// The request's inputs as samples: for a model of several inputs the k-th NAME=FILE of every name
// is sample k. Throws Error (Fault::usage) for an unknown, missing or superfluous name.
using InputGroup = std::vector<const RequestInput*>;
std::vector<InputGroup> group_inputs(std::span<const RequestInput> inputs, const Model& model);

// Throws Error: Fault::input for bytes that are unreadable, Fault::usage for a wrong size, rank or
// type (with what was expected), Fault::too_large.
PreparedInput prepare_input(const InputGroup& group, const Model& model,
                            const InputSettings& settings);

// The model's file says how a picture becomes this input; else it takes arrays alone.
bool takes_pictures(const Model& model, std::size_t input);

// "float32 [N, 3, 224, 224]": what the model's file says of an input.
std::string shape_text(const Model& model, std::size_t input);

// Prepares the inputs a few at a time, so that a folder of any size fits, and hands them on in
// batches of samples that have equal shapes, at most `most` at once. What goes wrong with one input
// becomes a Failure in `answer`; a batch that fails is tried again one by one, so that the others
// are not lost. Progress is told, cancellation is honoured. `stage` is the word for the progress
// bar. Sets `answer.nothing_done`.
using UseBatch = std::function<void(std::span<PreparedInput> batch)>;
void for_each_batch(const Request& request, const Surroundings& surroundings,
                    const InputSettings& settings, std::int64_t most, std::string_view stage,
                    Answer& answer, const UseBatch& use);

// The batch's tensors joined along the batch axis, per model input, on the device.
std::vector<at::Tensor> stack(std::span<const PreparedInput> batch, at::Device device);

}  // namespace pellucid

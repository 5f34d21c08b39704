// Arguments to walk a program with: those it was traced with, those that its metadata describe, or
// a guess from its weights.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>
#include <vector>

#include "pellucid/base/json.h"

namespace pellucid::script {

struct Arguments {
  std::vector<c10::IValue> values;  // of forward(), without self
  bool guessed = false;
  std::string shape;  // in words: "1 x 3 x 224 x 224"
};

// Tensors of the shapes and types of those; nothing where they are implausibly large.
std::optional<Arguments> traced(const std::vector<c10::IValue>& arguments);

// Tensors that the metadata's inputs describe ("shape", "dtype"; or the size that a picture is cut
// to); nothing where they do not. Sizes that are symbolic there are 1, or `else_size` beyond the
// batch.
std::optional<Arguments> described(const Json& metadata, std::size_t count);

// Likely shapes, the likeliest first, of a module whose file says nothing.
std::vector<Arguments> guesses(const torch::jit::Module& module, std::size_t count);

// The first sample of every tensor, or that and another one, distinct.
c10::IValue first_sample(const c10::IValue& value);
c10::IValue two_samples(const c10::IValue& value);

}  // namespace pellucid::script

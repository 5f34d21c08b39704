// Options that several operations share. An operation's settings inherit the structs it needs, and
// its table is made with all_options(own, model_options<Settings>, input_options<Settings>, ...).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/schema.h"

namespace pellucid {

inline constexpr std::string_view device_names[] = {"cpu", "cuda"};
inline constexpr std::string_view output_kind_names[] = {
    "logits", "probabilities", "multilabel", "binary", "regression", "dense", "other"};

struct ModelSettings {
  std::int64_t threads = 0;
  std::string device = "cpu";
  bool allow_nonfinite = false;
  bool trust = false;
  std::optional<std::string> output_kind;
};

// What is made of a model's file.
template <class Settings>
inline constexpr std::array file_options = {
    option<&Settings::output_kind, Settings>(
        "output_kind", "What the model's outputs are, where its file does not say.")
        .one_of(output_kind_names)
        .shown_as("KIND")
        .for_host(),
    option<&Settings::allow_nonfinite, Settings>(
        "allow_nonfinite",
        "Accept a model with NaN or infinite weights; every answer then says so.")
        .for_host(),
};

// Not of the server's: nobody who asks it has seen the file.
template <class Settings>
inline constexpr std::array trust_options = {
    option<&Settings::trust, Settings>(
        "trust", "Load a TorchScript file (.pt), which can run code: only one you made or trust.")
        .for_host(),
};

// How a model's file is read.
template <class Settings>
inline constexpr auto reading_options = all_options(file_options<Settings>,
                                                    trust_options<Settings>);

// How a model is run, and read.
template <class Settings>
inline constexpr std::array computing_options = {
    option<&Settings::threads, Settings>("threads", "Threads to compute with; 0: one per core.")
        .between(0, 1024)
        .for_host(),
    option<&Settings::device, Settings>("device", "Where to compute.")
        .one_of(device_names)
        .for_host(),
};
template <class Settings>
inline constexpr auto model_options = all_options(computing_options<Settings>,
                                                  reading_options<Settings>);

struct InputSettings {
  std::int64_t max_pixels = 100'000'000;
  bool salvage = false;
};

template <class Settings>
inline constexpr std::array input_options = {
    option<&Settings::max_pixels, Settings>(
        "max_pixels", "Refuse pictures of a larger area, before they are decoded.")
        .between(1, 2e9)
        .shown_as("N")
        .for_host(),
    option<&Settings::salvage, Settings>(
        "salvage", "Use what is left of a truncated picture; the answer then says so."),
};

struct MemorySettings {
  std::optional<std::string> memory_limit;
  std::int64_t bytes() const;  // 0: no limit; throws Error (Fault::usage) for what is not a size
};

template <class Settings>
inline constexpr std::array memory_options = {
    option<&Settings::memory_limit, Settings>(
        "memory_limit", "Memory that computing may take; work is cut into smaller parts to fit.")
        .shown_as("SIZE")
        .for_host(),
};

struct SeedSettings {
  std::int64_t seed = 0;
};

template <class Settings>
inline constexpr std::array seed_options = {
    option<&Settings::seed, Settings>("seed", "Where random numbers start.").between(0, 9.2e18),
};

}  // namespace pellucid

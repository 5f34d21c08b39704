// Words of the command line ↔ a request, from the tables alone.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/operation/operation.h"

namespace pellucid {

// What the command line itself does with an answer; these are no part of a request.
struct FaceSettings {
  std::string out = "pellucid-out";
  bool json = false;
  bool quiet = false;
  std::string lang = "en";
  std::optional<std::string> metadata;
  std::optional<std::string> labels;
};

inline constexpr std::string_view language_names[] = {"en", "zh"};
inline constexpr Option out_option =
    option<&FaceSettings::out>("out", "Folder for the files; made when it is not there.")
        .shown_as("DIR");
inline constexpr Option metadata_option =
    option<&FaceSettings::metadata>(
        "metadata",
        "JSON that supplies what the model's file lacks: preprocessing, labels, "
        "kinds of output. Without it, MODEL.json beside the model is read.")
        .shown_as("FILE");
inline constexpr Option labels_option =
    option<&FaceSettings::labels>("labels", "The names of the classes, one per line.")
        .shown_as("FILE");
inline constexpr Option json_option = option<&FaceSettings::json>(
    "json", "Print the answer as JSON, and nothing else, on standard output.");
inline constexpr Option quiet_option =
    option<&FaceSettings::quiet>("quiet", "No progress, no warnings, no closing lines.");
inline constexpr Option lang_option =
    option<&FaceSettings::lang>("lang", "Language of what is printed.").one_of(language_names);

// Those of the face's options that make sense for the operation; nullptr: outside of any operation.
std::vector<Option> face_options(const Operation* operation);

struct Command {
  const Operation* operation = nullptr;
  FaceSettings face;
  Json options = Json::object();
  Json settings = Json::object();
  std::string model;
  std::vector<std::string> models;  // of an operation on several: FILE or NAME=FILE
  std::string file;                 // of an operation that writes one
  std::vector<std::string> inputs;  // as they were written: FILE, DIR or NAME=FILE
  bool help = false;
  bool version = false;
  bool man = false;
  std::string completions;  // of this shell
};

// Throws Error (Fault::usage) that names the word and, where it can, the nearest right one. Asking
// for help wins over everything that is missing or wrong behind it.
Command read_words(std::span<const std::string_view> words, const Catalogue& catalogue);

// "n_steps" → "--n-steps".
std::string flag(std::string_view name);
// What stands for the value in help; empty for switches.
std::string value_name(const Option& option);

inline constexpr std::string_view shells[] = {"bash", "zsh", "fish"};

}  // namespace pellucid

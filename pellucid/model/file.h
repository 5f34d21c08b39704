// A model file's bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pellucid {

// Mapped or in memory; they outlive the model that is read from them.
struct ModelBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

// The file mapped into memory: pages are read when they are touched, and writing to them never
// reaches the file. Throws Error (Fault::model) when it can't be read, is a folder, or is empty.
ModelBytes map_file(const std::string& path);

// A file that the model at `model` names, which lies in its folder or in one below: its name is
// relative, has no "..", and no part of it is a link, symbolic or hard, so that a model's file
// can't make anybody read what he did not put there. Throws Error (Fault::model) otherwise.
ModelBytes map_file_beside(const std::string& model, std::string_view name);

}  // namespace pellucid

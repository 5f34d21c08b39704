// A model file's bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace pellucid {

// Mapped or in memory; they outlive the model that is read from them.
struct ModelBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

// The file mapped into memory: pages are read when they are touched, and writing to them never
// reaches the file. Throws Error (Fault::model) when it can't be read, is a folder, or is empty.
ModelBytes map_file(const std::string& path);

}  // namespace pellucid

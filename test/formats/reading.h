// Reads what a test wrote, or what the reader said of it.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"
#include "test/formats/archive_writer.h"

namespace pellucid {

extern constinit const Format exported_program;

namespace testing {

inline Model read(const ModelBytes& bytes, const LoadSettings& settings = {}) {
  return exported_program.read(bytes, "m.pt2", settings);
}

// The error's line; fails when there is none or when it is another exception.
inline std::string refusal(const ModelBytes& bytes, const LoadSettings& settings = {}) {
  try {
    read(bytes, settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model) << error.what();
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was read";
  return "";
}
inline std::string refusal(const SmallProgram& program) { return refusal(program.bytes()); }
inline std::string refusal(const std::vector<Entry>& entries) {
  return refusal(model_bytes(zip(entries)));
}

inline const at::Tensor& constant(const Model& model, const std::string& name) {
  for (const Constant& known : model.graph->constants()) {
    if (known.name == name) return known.data;
  }
  throw std::runtime_error("no constant " + name);
}

}  // namespace testing
}  // namespace pellucid

// The reader of ONNX files on arbitrary bytes: only pellucid::Error may come out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"

namespace pellucid {
extern constinit const Format onnx;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto kept = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  const pellucid::ModelBytes bytes{kept, std::as_bytes(std::span(*kept))};
  try {
    pellucid::LoadSettings settings;
    settings.allow_nonfinite = true;
    pellucid::onnx.recognises(bytes.bytes);
    pellucid::onnx.read(bytes, "fuzz.onnx", settings);
  } catch (const pellucid::Error&) {
  }
  return 0;
}

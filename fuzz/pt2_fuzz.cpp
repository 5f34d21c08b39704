// The reader of exported programs on arbitrary bytes: only pellucid::Error may come out. Bytes that
// are no zip archive are taken as the program's JSON and put into an otherwise sound archive, so
// that mutations reach the graph without having to guess a checksum.
#include <cstddef>
#include <cstdint>

#include "pellucid/base/error.h"
#include "pellucid/formats/format.h"
#include "test/formats/archive_writer.h"

namespace pellucid {

extern constinit const Format exported_program;

namespace {

ModelBytes archive_around(std::string program) {
  const testing::SmallProgram sound;
  std::vector<testing::Entry> entries = sound.entries();
  entries[3].data = std::move(program);
  return testing::model_bytes(testing::zip(entries));
}

}  // namespace
}  // namespace pellucid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  try {
    pellucid::LoadSettings settings;
    settings.allow_nonfinite = true;
    const bool whole = text.starts_with("PK");
    const pellucid::ModelBytes bytes = whole ? pellucid::testing::model_bytes(std::move(text))
                                             : pellucid::archive_around(std::move(text));
    pellucid::exported_program.recognises(bytes.bytes);
    pellucid::exported_program.read(bytes, "fuzz.pt2", settings);
  } catch (const pellucid::Error&) {
  }
  return 0;
}

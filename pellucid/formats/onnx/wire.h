// Protobuf's wire format, by protozero, which checks lengths; what it leaves to debug builds is
// checked here.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <string>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/records.h"

namespace pellucid::from_onnx {

using Pbf = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;

// The field that the reader stands at. Throw Error (Fault::model) where it is of another kind.
std::string_view text(Pbf& pbf);
Pbf message(Pbf& pbf);
std::int64_t number(Pbf& pbf);
float real(Pbf& pbf);

// Repeated numbers, packed or not, whatever the schema says; added to those that are there.
void numbers(Pbf& pbf, std::vector<std::int64_t>& into);
void numbers(Pbf& pbf, std::vector<std::int32_t>& into);
void numbers(Pbf& pbf, std::vector<std::uint64_t>& into);
void numbers(Pbf& pbf, std::vector<float>& into);
void numbers(Pbf& pbf, std::vector<double>& into);

// A message costs the file two bytes and memory a hundred times that, so that their number is
// bounded.
class Budget {
 public:
  // Throws Error (Fault::too_large).
  void count();

 private:
  std::size_t messages_ = 0;
};

void property(Pbf pbf, Budget& budget, Properties& into);
TensorRecord tensor(Pbf pbf, Budget& budget);

// What `read` gives; protozero's exceptions become Errors (Fault::model).
template <class Read>
auto parsed(Read read) {
  try {
    return read();
  } catch (const protozero::exception& error) {
    throw model_error("the file is truncated or damaged: " + std::string(error.what()))
        .hint("export the model again, or copy the file again");
  }
}

}  // namespace pellucid::from_onnx

// Fields, and the messages that every part of a file has: properties and tensors.
#include "pellucid/formats/onnx/wire.h"

namespace pellucid::from_onnx {
namespace {

constexpr std::size_t most_messages = 4'000'000;

// protozero asserts wire types in debug builds only.
void want(const Pbf& pbf, Wire wire) {
  if (pbf.wire_type() != wire)
    throw model_error("the file is damaged: field " + std::to_string(pbf.tag()) +
                      " of a message has a wrong type");
}

template <class Number, class One, class Packed>
void repeated(Pbf& pbf, Wire single, std::vector<Number>& into, One one, Packed packed) {
  if (pbf.wire_type() == Wire::length_delimited) {
    const auto all = (pbf.*packed)();
    into.insert(into.end(), all.begin(), all.end());
  } else if (pbf.wire_type() == single) {
    into.push_back((pbf.*one)());
  } else {
    throw model_error("a repeated number has a wrong wire type");
  }
}

}  // namespace

std::string_view text(Pbf& pbf) {
  want(pbf, Wire::length_delimited);
  const protozero::data_view data = pbf.get_view();
  return {data.data(), data.size()};
}

Pbf message(Pbf& pbf) {
  want(pbf, Wire::length_delimited);
  return pbf.get_message();
}

std::int64_t number(Pbf& pbf) {
  want(pbf, Wire::varint);
  return pbf.get_int64();
}

float real(Pbf& pbf) {
  want(pbf, Wire::fixed32);
  return pbf.get_float();
}

void numbers(Pbf& pbf, std::vector<std::int64_t>& into) {
  repeated(pbf, Wire::varint, into, &Pbf::get_int64, &Pbf::get_packed_int64);
}
void numbers(Pbf& pbf, std::vector<std::int32_t>& into) {
  repeated(pbf, Wire::varint, into, &Pbf::get_int32, &Pbf::get_packed_int32);
}
void numbers(Pbf& pbf, std::vector<std::uint64_t>& into) {
  repeated(pbf, Wire::varint, into, &Pbf::get_uint64, &Pbf::get_packed_uint64);
}
void numbers(Pbf& pbf, std::vector<float>& into) {
  repeated(pbf, Wire::fixed32, into, &Pbf::get_float, &Pbf::get_packed_float);
}
void numbers(Pbf& pbf, std::vector<double>& into) {
  repeated(pbf, Wire::fixed64, into, &Pbf::get_double, &Pbf::get_packed_double);
}

void Budget::count() {
  if (++messages_ > most_messages)
    throw Error(Fault::too_large,
                "the file holds more than " + std::to_string(most_messages) + " messages");
}

void property(Pbf pbf, Budget& budget, Properties& into) {
  budget.count();
  std::pair<std::string_view, std::string_view> made;
  while (pbf.next()) {
    if (pbf.tag() == 1)
      made.first = text(pbf);
    else if (pbf.tag() == 2)
      made.second = text(pbf);
    else
      pbf.skip();
  }
  into.push_back(made);
}

TensorRecord tensor(Pbf pbf, Budget& budget) {
  budget.count();
  TensorRecord tensor;
  while (pbf.next()) {
    switch (pbf.tag()) {
      case 1:
        numbers(pbf, tensor.dims);
        break;
      case 2:
        tensor.data_type = number(pbf);
        break;
      case 4:
        numbers(pbf, tensor.floats);
        break;
      case 5:
        numbers(pbf, tensor.int32s);
        break;
      case 6:
        pbf.skip();
        ++tensor.strings;
        break;
      case 7:
        numbers(pbf, tensor.int64s);
        break;
      case 8:
        tensor.name = text(pbf);
        break;
      case 9:
        tensor.raw = text(pbf);
        break;
      case 10:
        numbers(pbf, tensor.doubles);
        break;
      case 11:
        numbers(pbf, tensor.uint64s);
        break;
      case 13:
        property(message(pbf), budget, tensor.external);
        break;
      case 14:
        tensor.is_external = number(pbf) == 1;
        break;
      default:
        pbf.skip();
    }
  }
  return tensor;
}

TensorRecord read_tensor_record(std::string_view bytes) {
  return parsed([&] {
    Budget budget;
    return tensor(Pbf(bytes.data(), bytes.size()), budget);
  });
}

}  // namespace pellucid::from_onnx

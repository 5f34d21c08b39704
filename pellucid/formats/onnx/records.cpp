// Protobuf by protozero, which checks lengths; what is bounded here is depth and number. A message
// costs the file two bytes and memory a hundred times that, so that their number is bounded.
#include "pellucid/formats/onnx/records.h"

#include <protozero/pbf_reader.hpp>

#include "pellucid/base/error.h"

namespace pellucid::from_onnx {
namespace {

using Pbf = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;

constexpr int deepest = 32;
constexpr std::size_t most_messages = 4'000'000;

// protozero asserts wire types in debug builds only.
void want(const Pbf& pbf, Wire wire) {
  if (pbf.wire_type() != wire)
    throw model_error("the file is damaged: field " + std::to_string(pbf.tag()) +
                      " of a message has a wrong type");
}

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

class Parser {
 public:
  ModelRecord model(Pbf pbf) {
    ModelRecord model;
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          model.ir_version = number(pbf);
          break;
        case 2:
          model.producer = text(pbf);
          break;
        case 3:
          model.producer_version = text(pbf);
          break;
        case 7:
          if (model.graph) throw model_error("the file holds two graphs");
          model.graph = graph(message(pbf), 0);
          break;
        case 8:
          opset(message(pbf), model.opsets);
          break;
        case 14:
          property(message(pbf), model.properties);
          break;
        case 25:
          model.functions.push_back(function(message(pbf)));
          break;
        default:
          pbf.skip();
      }
    }
    return model;
  }

  TensorRecord tensor(Pbf pbf) {
    count();
    TensorRecord tensor;
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          integers(pbf, tensor.dims);
          break;
        case 2:
          tensor.data_type = number(pbf);
          break;
        case 4:
          each(
              pbf, Wire::fixed32, [&] { tensor.floats.push_back(pbf.get_float()); },
              [&] {
                const auto packed = pbf.get_packed_float();
                tensor.floats.insert(tensor.floats.end(), packed.begin(), packed.end());
              });
          break;
        case 5:
          each(
              pbf, Wire::varint, [&] { tensor.int32s.push_back(pbf.get_int32()); },
              [&] {
                const auto packed = pbf.get_packed_int32();
                tensor.int32s.insert(tensor.int32s.end(), packed.begin(), packed.end());
              });
          break;
        case 6:
          pbf.skip();
          ++tensor.strings;
          break;
        case 7:
          integers(pbf, tensor.int64s);
          break;
        case 8:
          tensor.name = text(pbf);
          break;
        case 9:
          tensor.raw = text(pbf);
          break;
        case 10:
          each(
              pbf, Wire::fixed64, [&] { tensor.doubles.push_back(pbf.get_double()); },
              [&] {
                const auto packed = pbf.get_packed_double();
                tensor.doubles.insert(tensor.doubles.end(), packed.begin(), packed.end());
              });
          break;
        case 11:
          each(
              pbf, Wire::varint, [&] { tensor.uint64s.push_back(pbf.get_uint64()); },
              [&] {
                const auto packed = pbf.get_packed_uint64();
                tensor.uint64s.insert(tensor.uint64s.end(), packed.begin(), packed.end());
              });
          break;
        case 13:
          property(message(pbf), tensor.external);
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

 private:
  static bool next(Pbf& pbf) { return pbf.next(); }

  void count() {
    if (++messages_ > most_messages)
      throw Error(Fault::too_large,
                  "the file holds more than " + std::to_string(most_messages) + " messages");
  }

  // A repeated number may be packed or not, whatever the schema says.
  template <class One, class Packed>
  static void each(Pbf& pbf, Wire single, One one, Packed packed) {
    if (pbf.wire_type() == Wire::length_delimited)
      packed();
    else if (pbf.wire_type() == single)
      one();
    else
      throw model_error("a repeated number has a wrong wire type");
  }

  static void integers(Pbf& pbf, std::vector<std::int64_t>& into) {
    each(
        pbf, Wire::varint, [&] { into.push_back(pbf.get_int64()); },
        [&] {
          const auto packed = pbf.get_packed_int64();
          into.insert(into.end(), packed.begin(), packed.end());
        });
  }

  void property(Pbf pbf, Properties& into) {
    count();
    std::pair<std::string_view, std::string_view> made;
    while (next(pbf)) {
      if (pbf.tag() == 1)
        made.first = text(pbf);
      else if (pbf.tag() == 2)
        made.second = text(pbf);
      else
        pbf.skip();
    }
    into.push_back(made);
  }

  void opset(Pbf pbf, Opsets& into) {
    count();
    std::string_view domain;
    std::int64_t version = 0;
    while (next(pbf)) {
      if (pbf.tag() == 1)
        domain = text(pbf);
      else if (pbf.tag() == 2)
        version = number(pbf);
      else
        pbf.skip();
    }
    if (domain == "ai.onnx") domain = "";
    if (!into.emplace(domain, version).second)
      throw model_error("the opset of the domain \"" + std::string(domain) + "\" is given twice");
  }

  AttributeRecord attribute(Pbf pbf, int depth) {
    count();
    AttributeRecord made;
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          made.name = text(pbf);
          break;
        case 2:
          made.real = real(pbf);
          break;
        case 3:
          made.integer = number(pbf);
          break;
        case 4:
          made.text = text(pbf);
          break;
        case 5:
          made.tensor = std::make_shared<const TensorRecord>(tensor(message(pbf)));
          break;
        case 6:
          made.graph = std::make_shared<const GraphRecord>(graph(message(pbf), depth + 1));
          break;
        case 7:
          each(
              pbf, Wire::fixed32, [&] { made.reals.push_back(pbf.get_float()); },
              [&] {
                const auto packed = pbf.get_packed_float();
                made.reals.insert(made.reals.end(), packed.begin(), packed.end());
              });
          break;
        case 8:
          integers(pbf, made.integers);
          break;
        case 9:
          count();
          made.texts.push_back(text(pbf));
          break;
        case 20:
          made.type = number(pbf);
          break;
        case 21:
          made.refers_to = text(pbf);
          break;
        case 10:
          made.other = "a list of tensors";
          pbf.skip();
          break;
        case 11:
          made.other = "a list of graphs";
          pbf.skip();
          break;
        case 14:
        case 15:
          made.other = "a type";
          pbf.skip();
          break;
        case 22:
        case 23:
          made.other = "a sparse tensor";
          pbf.skip();
          break;
        default:
          pbf.skip();
      }
    }
    return made;
  }

  NodeRecord node(Pbf pbf, int depth) {
    count();
    NodeRecord made;
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          count();
          made.inputs.push_back(text(pbf));
          break;
        case 2:
          count();
          made.outputs.push_back(text(pbf));
          break;
        case 3:
          made.name = text(pbf);
          break;
        case 4:
          made.type = text(pbf);
          break;
        case 5:
          made.attributes.push_back(attribute(message(pbf), depth));
          break;
        case 7:
          made.domain = text(pbf);
          if (made.domain == "ai.onnx") made.domain = "";
          break;
        case 8:
          made.overload = text(pbf);
          break;
        case 9:
          property(message(pbf), made.properties);
          break;
        default:
          pbf.skip();
      }
    }
    return made;
  }

  ValueRecord::Size size(Pbf pbf) {
    count();
    ValueRecord::Size made;
    while (next(pbf)) {
      if (pbf.tag() == 1)
        made.number = number(pbf);
      else if (pbf.tag() == 2)
        made.symbol = text(pbf);
      else
        pbf.skip();
    }
    return made;
  }

  void type(Pbf pbf, ValueRecord& value) {
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1: {
          value.kind = "tensor";
          Pbf tensor = message(pbf);
          while (next(tensor)) {
            if (tensor.tag() == 1) {
              value.data_type = number(tensor);
            } else if (tensor.tag() == 2) {
              value.has_shape = true;
              Pbf shape = message(tensor);
              while (next(shape)) {
                if (shape.tag() == 1)
                  value.sizes.push_back(size(message(shape)));
                else
                  shape.skip();
              }
            } else {
              tensor.skip();
            }
          }
          break;
        }
        case 4:
          value.kind = "sequence";
          pbf.skip();
          break;
        case 5:
          value.kind = "map";
          pbf.skip();
          break;
        case 8:
          value.kind = "sparse tensor";
          pbf.skip();
          break;
        case 9:
          value.kind = "optional";
          pbf.skip();
          break;
        default:
          pbf.skip();
      }
    }
  }

  ValueRecord value(Pbf pbf) {
    count();
    ValueRecord made;
    while (next(pbf)) {
      if (pbf.tag() == 1)
        made.name = text(pbf);
      else if (pbf.tag() == 2)
        type(message(pbf), made);
      else
        pbf.skip();
    }
    return made;
  }

  GraphRecord graph(Pbf pbf, int depth) {
    count();
    if (depth > deepest)
      throw model_error("graphs are nested deeper than " + std::to_string(deepest));
    GraphRecord made;
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          made.nodes.push_back(node(message(pbf), depth));
          break;
        case 2:
          made.name = text(pbf);
          break;
        case 5:
          made.initializers.push_back(tensor(message(pbf)));
          break;
        case 11:
          made.inputs.push_back(value(message(pbf)));
          break;
        case 12:
          made.outputs.push_back(value(message(pbf)));
          break;
        case 13:
          made.values.push_back(value(message(pbf)));
          break;
        case 15:
          ++made.sparse_initializers;
          pbf.skip();
          break;
        default:
          pbf.skip();
      }
    }
    return made;
  }

  FunctionRecord function(Pbf pbf) {
    count();
    FunctionRecord made;
    const auto name = [&](std::vector<std::string_view>& into) {
      count();
      into.push_back(text(pbf));
    };
    while (next(pbf)) {
      switch (pbf.tag()) {
        case 1:
          made.name = text(pbf);
          break;
        case 4:
          name(made.inputs);
          break;
        case 5:
          name(made.outputs);
          break;
        case 6:
          name(made.attributes);
          break;
        case 7:
          made.nodes.push_back(node(message(pbf), 0));
          break;
        case 9:
          opset(message(pbf), made.opsets);
          break;
        case 10:
          made.domain = text(pbf);
          if (made.domain == "ai.onnx") made.domain = "";
          break;
        case 11:
          made.defaults.push_back(attribute(message(pbf), 0));
          break;
        case 13:
          made.overload = text(pbf);
          break;
        default:
          pbf.skip();
      }
    }
    return made;
  }

  std::size_t messages_ = 0;
};

template <class Read>
auto parsed(Read read) {
  try {
    return read();
  } catch (const protozero::exception& error) {
    throw model_error("the file is truncated or damaged: " + std::string(error.what()))
        .hint("export the model again, or copy the file again");
  }
}

}  // namespace

bool looks_like_onnx(std::span<const std::byte> bytes) {
  // ir_version comes first in what every known exporter writes; a graph (field 7), an opset (8) or
  // a producer (2) follows.
  const Pbf whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    Pbf pbf = whole;
    if (!pbf.next() || pbf.tag() != 1 || pbf.wire_type() != Wire::varint) return false;
    const std::int64_t version = number(pbf);
    if (version < 1 || version > 1000 || bytes.size() < 4) return false;
    // The next field's key, not its content: a truncated file is still to be told as what it was.
    const auto key = static_cast<unsigned>(bytes[version < 128 ? 2 : 3]);
    const unsigned tag = key >> 3, wire = key & 7;
    return wire == 2 && tag >= 2 && tag <= 14;
  } catch (const protozero::exception&) {
    return false;
  }
}

ModelRecord read_model_record(std::span<const std::byte> bytes) {
  return parsed([&] {
    return Parser().model(Pbf(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  });
}

TensorRecord read_tensor_record(std::string_view bytes) {
  return parsed([&] { return Parser().tensor(Pbf(bytes.data(), bytes.size())); });
}

}  // namespace pellucid::from_onnx

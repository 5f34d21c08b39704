// Graphs and what holds them, message by message. What is bounded here is how deep they nest.
#include "pellucid/formats/onnx/records.h"

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/wire.h"

namespace pellucid::from_onnx {
namespace {

constexpr int deepest = 32;

class Parser {
 public:
  ModelRecord model(Pbf pbf) {
    ModelRecord model;
    while (pbf.next()) {
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
          property(message(pbf), budget_, model.properties);
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

 private:
  void opset(Pbf pbf, Opsets& into) {
    budget_.count();
    std::string_view domain;
    std::int64_t version = 0;
    while (pbf.next()) {
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
    budget_.count();
    AttributeRecord made;
    while (pbf.next()) {
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
          made.tensor = std::make_shared<const TensorRecord>(tensor(message(pbf), budget_));
          break;
        case 6:
          made.graph = std::make_shared<const GraphRecord>(graph(message(pbf), depth + 1));
          break;
        case 7:
          numbers(pbf, made.reals);
          break;
        case 8:
          numbers(pbf, made.integers);
          break;
        case 9:
          budget_.count();
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
    budget_.count();
    NodeRecord made;
    while (pbf.next()) {
      switch (pbf.tag()) {
        case 1:
          budget_.count();
          made.inputs.push_back(text(pbf));
          break;
        case 2:
          budget_.count();
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
          property(message(pbf), budget_, made.properties);
          break;
        default:
          pbf.skip();
      }
    }
    return made;
  }

  ValueRecord::Size size(Pbf pbf) {
    budget_.count();
    ValueRecord::Size made;
    while (pbf.next()) {
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
    while (pbf.next()) {
      switch (pbf.tag()) {
        case 1: {
          value.kind = "tensor";
          Pbf tensor = message(pbf);
          while (tensor.next()) {
            if (tensor.tag() == 1) {
              value.data_type = number(tensor);
            } else if (tensor.tag() == 2) {
              value.has_shape = true;
              Pbf shape = message(tensor);
              while (shape.next()) {
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
    budget_.count();
    ValueRecord made;
    while (pbf.next()) {
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
    budget_.count();
    if (depth > deepest)
      throw model_error("graphs are nested deeper than " + std::to_string(deepest));
    GraphRecord made;
    while (pbf.next()) {
      switch (pbf.tag()) {
        case 1:
          made.nodes.push_back(node(message(pbf), depth));
          break;
        case 2:
          made.name = text(pbf);
          break;
        case 5:
          made.initializers.push_back(tensor(message(pbf), budget_));
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
    budget_.count();
    FunctionRecord made;
    const auto name = [&](std::vector<std::string_view>& into) {
      budget_.count();
      into.push_back(text(pbf));
    };
    while (pbf.next()) {
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

  Budget budget_;
};

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

}  // namespace pellucid::from_onnx

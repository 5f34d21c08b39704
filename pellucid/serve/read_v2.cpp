// Open Inference Protocol v2: named tensors with shape and datatype. A tensor of BYTES holds
// pictures or .npy files, one input of the operation each; a tensor of numbers becomes an .npy.
#include <charconv>

#include "pellucid/base/base64.h"
#include "pellucid/base/bytes.h"
#include "pellucid/input/npy.h"
#include "pellucid/serve/exchange.h"
#include "pellucid/serve/tensors.h"
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

// Deeper than any tensor or setting, and shallow enough for those that walk it.
constexpr int deepest = 64;
constexpr std::string_view binary_size_key = "binary_data_size";
constexpr std::string_view binary_output_key = "binary_data_output";
// What messages and records call the tensor's only item, instead of its place in the request.
constexpr std::string_view file_name_key = "file_name";

std::size_t size_of(const Json& value, std::string_view where) {
  if (!value.is_number_integer() || value < 0)
    throw usage_error("expected a number of bytes").at(where);
  return value.get<std::size_t>();
}

bool flag_of(const Json& value, std::string_view where) {
  if (!value.is_boolean()) throw usage_error("expected true or false").at(where);
  return value.get<bool>();
}

class Reader {
 public:
  Reader(const Operation& operation, std::string_view body, std::string_view header)
      : operation_(operation) {
    std::size_t length = body.size();
    if (!header.empty()) {
      const auto read = std::from_chars(header.data(), header.data() + header.size(), length);
      if (read.ec != std::errc{} || read.ptr != header.data() + header.size() ||
          length > body.size()) {
        throw usage_error("it is no length within the body").at("Inference-Header-Content-Length");
      }
    }
    document_ = body.empty() ? Json::object() : parse_body(body.substr(0, length));
    binary_ = body.substr(length);
  }

  BodyRequest read() {
    if (!document_.is_object()) throw usage_error("expected a JSON object");
    for (const auto& [key, value] : document_.items()) {
      if (key == "id") {
        if (!value.is_string()) throw usage_error("expected a string").at("id");
        asked_.id = value;
      } else if (key == "parameters") {
        read_request_parameters(value);
      } else if (key == "outputs") {
        read_outputs(value);
      } else if (key != "inputs") {
        throw usage_error("unknown key \"" + key + "\"")
            .hint("there are id, parameters, inputs and outputs");
      }
    }
    if (document_.contains("inputs")) read_inputs(document_["inputs"]);
    if (!binary_.empty()) throw usage_error("binary data that belongs to no tensor");
    return std::move(asked_);
  }

 private:
  void read_request_parameters(const Json& parameters) {
    if (!parameters.is_object()) throw usage_error("expected an object").at("parameters");
    Json own = Json::object();
    for (const auto& [key, value] : parameters.items()) {
      if (key == binary_output_key) {
        asked_.binary = flag_of(value, key);
      } else {
        own[key] = value;
      }
    }
    read_parameters(operation_, own, asked_.request);
  }

  void read_outputs(const Json& outputs) {
    if (!outputs.is_array()) throw usage_error("expected a list").at("outputs");
    for (const Json& output : outputs) {
      if (!output.is_object() || !output.contains("name") || !output["name"].is_string())
        throw usage_error("each output is an object with its name").at("outputs");
      const Json parameters = output.value("parameters", Json::object());
      const bool binary = parameters.is_object() && parameters.contains("binary_data") &&
                          flag_of(parameters["binary_data"], "outputs");
      asked_.chosen.push_back({output["name"].get<std::string>(), binary});
    }
  }

  void read_inputs(const Json& inputs) {
    if (!inputs.is_array()) throw usage_error("expected a list of tensors").at("inputs");
    asked_.pictures = !inputs.empty();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string where = "inputs[" + std::to_string(i) + "]";
      try {
        read_tensor(inputs[i], where);
      } catch (Error& error) {
        throw error.at(where);
      }
    }
  }

  void read_tensor(const Json& tensor, const std::string& where) {
    if (!tensor.is_object()) throw usage_error("a tensor is an object");
    for (const auto& [key, value] : tensor.items()) {
      if (key != "name" && key != "shape" && key != "datatype" && key != "data" &&
          key != "parameters") {
        throw usage_error("unknown key \"" + key + "\"")
            .hint("a tensor has name, shape, datatype, data and parameters");
      }
    }
    if (!tensor.contains("name") || !tensor["name"].is_string() || !tensor.contains("datatype") ||
        !tensor["datatype"].is_string()) {
      throw usage_error("a tensor needs its name and datatype");
    }
    const std::string name = tensor["name"], datatype = tensor["datatype"];
    const std::vector<std::int64_t> shape = shape_of(tensor);
    const std::optional<std::string_view> binary = take_binary(tensor);
    if (binary.has_value() == tensor.contains("data"))
      throw usage_error("a tensor needs either data or the parameter binary_data_size");
    if (datatype == "BYTES") {
      read_bytes(tensor, name, shape, binary, where);
      return;
    }
    asked_.pictures = false;
    const std::optional<at::ScalarType> type = type_of(datatype);
    if (!type) {
      throw usage_error("the datatype \"" + datatype + "\" is not known")
          .hint("there are BYTES, BOOL, UINT8, INT8, INT16, INT32, INT64, FP16, FP32 and FP64");
    }
    add(name, where,
        write_npy(binary ? tensor_of(*binary, *type, shape)
                         : tensor_of(tensor["data"], *type, shape)));
  }

  static std::vector<std::int64_t> shape_of(const Json& tensor) {
    if (!tensor.contains("shape") || !tensor["shape"].is_array())
      throw usage_error("a tensor needs its shape");
    std::vector<std::int64_t> shape;
    for (const Json& size : tensor["shape"]) {
      if (!size.is_number_integer()) throw usage_error("a shape is a list of whole numbers");
      shape.push_back(size.get<std::int64_t>());
    }
    return shape;
  }

  std::optional<std::string_view> take_binary(const Json& tensor) {
    const Json parameters = tensor.value("parameters", Json::object());
    if (!parameters.is_object() || !parameters.contains(binary_size_key)) return std::nullopt;
    const std::size_t size = size_of(parameters[std::string(binary_size_key)], binary_size_key);
    if (size > binary_.size()) throw usage_error("the body ends before the tensor's binary data");
    const std::string_view taken = binary_.substr(0, size);
    binary_.remove_prefix(size);
    return taken;
  }

  void read_bytes(const Json& tensor, const std::string& name, std::span<const std::int64_t> shape,
                  std::optional<std::string_view> binary, const std::string& where) {
    std::vector<std::vector<std::byte>> items;
    if (binary) {
      items = split(*binary);
    } else {
      if (!tensor["data"].is_array()) throw usage_error("\"data\" must be a list of base64 texts");
      for (const Json& item : tensor["data"]) {
        std::optional<std::vector<std::byte>> bytes;
        if (item.is_string()) bytes = from_base64(item.get_ref<const std::string&>());
        if (!bytes) throw usage_error("\"data\" must be a list of base64 texts");
        items.push_back(std::move(*bytes));
      }
    }
    if (static_cast<std::int64_t>(items.size()) != count_of(shape)) {
      throw usage_error("there are " + std::to_string(items.size()) +
                        " items, which is not what the shape says");
    }
    const std::optional<std::string> file = file_name(tensor);
    for (std::size_t i = 0; i < items.size(); ++i) {
      add(name, file && items.size() == 1 ? *file : where + ".data[" + std::to_string(i) + "]",
          std::move(items[i]));
    }
  }

  static std::optional<std::string> file_name(const Json& tensor) {
    const Json parameters = tensor.value("parameters", Json::object());
    if (!parameters.is_object() || !parameters.contains(file_name_key)) return std::nullopt;
    const Json& given = parameters[std::string(file_name_key)];
    constexpr std::size_t longest = 255;
    if (!given.is_string() || given.get_ref<const std::string&>().empty() ||
        given.get_ref<const std::string&>().size() > longest) {
      throw usage_error("expected a text of 1 to " + std::to_string(longest) + " bytes")
          .at(file_name_key);
    }
    return given.get<std::string>();
  }

  // Each item behind its length, four bytes with the lowest first.
  static std::vector<std::vector<std::byte>> split(std::string_view rest) {
    std::vector<std::vector<std::byte>> items;
    constexpr std::size_t prefix = 4;
    while (!rest.empty()) {
      if (rest.size() < prefix) throw usage_error("the binary data ends within an item's length");
      std::size_t size = 0;
      for (std::size_t i = 0; i < prefix; ++i)
        size |= std::size_t{static_cast<unsigned char>(rest[i])} << (8 * i);
      if (size > rest.size() - prefix) throw usage_error("the binary data ends within an item");
      items.push_back(bytes_of(rest.substr(prefix, size)));
      rest.remove_prefix(prefix + size);
    }
    return items;
  }

  // The k-th item of every tensor belongs to sample k.
  void add(const std::string& name, const std::string& where, std::vector<std::byte> bytes) {
    const std::size_t sample = samples_[name]++;
    RequestInput input;
    input.name = where;
    input.stem = std::to_string(sample);
    if (operation_.subject == Subject::model) input.of = name;
    auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    input.read = [kept] { return *kept; };
    asked_.request.inputs.push_back(std::move(input));
  }

  const Operation& operation_;
  Json document_;
  std::string_view binary_;
  std::map<std::string, std::size_t> samples_;
  BodyRequest asked_;
};

}  // namespace

Json parse_body(std::string_view body) {
  try {
    return parse_json(body, "body", {.max_bytes = body.size(), .max_depth = deepest});
  } catch (const Error& error) {
    throw usage_error(error.message()).at("body");
  }
}

BodyRequest read_v2(const Operation& operation, std::string_view body, std::string_view header) {
  return Reader(operation, body, header).read();
}

}  // namespace pellucid

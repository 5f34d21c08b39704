// Small ONNX files, sound ones and spoilt ones, written field by field.
#pragma once

#include <functional>
#include <memory>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "pellucid/model/file.h"

namespace pellucid::testing {

// Each function gives the bytes of one message.
inline std::string message(const std::function<void(protozero::pbf_writer&)>& write) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  write(writer);
  return bytes;
}

inline std::string opset(const std::string& domain, std::int64_t version) {
  return message([&](auto& m) {
    m.add_string(1, domain);
    m.add_int64(2, version);
  });
}

// A float tensor with its numbers raw.
inline std::string tensor(const std::string& name, const std::vector<std::int64_t>& sizes,
                          const std::vector<float>& numbers, int type = 1) {
  return message([&](auto& m) {
    for (const std::int64_t size : sizes) m.add_int64(1, size);
    m.add_int32(2, type);
    m.add_string(8, name);
    m.add_bytes(9, reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
  });
}

inline std::string int_tensor(const std::string& name, const std::vector<std::int64_t>& sizes,
                              const std::vector<std::int64_t>& numbers) {
  return message([&](auto& m) {
    for (const std::int64_t size : sizes) m.add_int64(1, size);
    m.add_int32(2, 7);
    m.add_packed_int64(7, numbers.begin(), numbers.end());
    m.add_string(8, name);
  });
}

inline std::string external_tensor(const std::string& name, const std::vector<std::int64_t>& sizes,
                                   const std::string& location, const std::string& offset = "0",
                                   const std::string& length = "") {
  const auto entry = [](const std::string& key, const std::string& value) {
    return message([&](auto& m) {
      m.add_string(1, key);
      m.add_string(2, value);
    });
  };
  return message([&](auto& m) {
    for (const std::int64_t size : sizes) m.add_int64(1, size);
    m.add_int32(2, 1);
    m.add_string(8, name);
    m.add_message(13, entry("location", location));
    m.add_message(13, entry("offset", offset));
    if (!length.empty()) m.add_message(13, entry("length", length));
    m.add_int32(14, 1);
  });
}

inline std::string axis_attribute(std::int64_t axis) {
  return message([&](auto& m) {
    m.add_string(1, "axis");
    m.add_int64(3, axis);
    m.add_int32(20, 2);
  });
}

inline std::string graph_attribute(const std::string& name, const std::string& graph) {
  return message([&](auto& m) {
    m.add_string(1, name);
    m.add_message(6, graph);
    m.add_int32(20, 5);
  });
}

inline std::string node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs, const std::string& domain = "",
                        const std::vector<std::string>& attributes = {},
                        const std::string& name = "") {
  return message([&](auto& m) {
    for (const std::string& each : inputs) m.add_string(1, each);
    for (const std::string& each : outputs) m.add_string(2, each);
    m.add_string(3, name);
    m.add_string(4, type);
    for (const std::string& each : attributes) m.add_message(5, each);
    m.add_string(7, domain);
  });
}

// A value of floats; -1 stands for a symbolic size.
inline std::string value(const std::string& name, const std::vector<std::int64_t>& sizes,
                         int type = 1) {
  const std::string shape = message([&](auto& m) {
    for (const std::int64_t size : sizes) {
      m.add_message(1, message([&](auto& d) {
                      if (size >= 0)
                        d.add_int64(1, size);
                      else
                        d.add_string(2, "n");
                    }));
    }
  });
  const std::string of_tensor = message([&](auto& m) {
    m.add_int32(1, type);
    m.add_message(2, shape);
  });
  return message([&](auto& m) {
    m.add_string(1, name);
    m.add_message(2, message([&](auto& t) { t.add_message(1, of_tensor); }));
  });
}

struct SmallGraph {
  std::vector<std::string> nodes = {}, initializers = {}, inputs = {}, outputs = {};

  std::string bytes() const {
    return message([&](auto& m) {
      for (const std::string& each : nodes) m.add_message(1, each);
      m.add_string(2, "g");
      for (const std::string& each : initializers) m.add_message(5, each);
      for (const std::string& each : inputs) m.add_message(11, each);
      for (const std::string& each : outputs) m.add_message(12, each);
    });
  }
};

struct SmallFunction {
  std::string name = "f", domain = "own";
  std::vector<std::string> inputs = {"x"}, outputs = {"y"}, nodes;

  std::string bytes() const {
    return message([&](auto& m) {
      m.add_string(1, name);
      for (const std::string& each : inputs) m.add_string(4, each);
      for (const std::string& each : outputs) m.add_string(5, each);
      for (const std::string& each : nodes) m.add_message(7, each);
      m.add_message(9, opset("", 21));
      m.add_string(10, domain);
    });
  }
};

// y = relu(x w): x [n, 3], w [3, 2].
struct SmallModel {
  std::int64_t version = 21;
  SmallGraph graph{.nodes = {node("MatMul", {"x", "w"}, {"xw"}, "", {}, "/head/MatMul"),
                             node("Relu", {"xw"}, {"y"}, "", {}, "/act/Relu")},
                   .initializers = {tensor("w", {3, 2}, {1, -2, 3, 4, -5, 6})},
                   .inputs = {value("x", {-1, 3})},
                   .outputs = {value("y", {-1, 2})}};
  std::vector<std::string> functions;
  std::vector<std::pair<std::string, std::string>> properties;

  std::string bytes() const {
    return message([&](auto& m) {
      m.add_int64(1, 10);
      m.add_string(2, "test");
      m.add_message(7, graph.bytes());
      m.add_message(8, opset("", version));
      m.add_message(8, opset("own", 1));
      for (const auto& [key, text] : properties) {
        m.add_message(14, message([&](auto& p) {
                        p.add_string(1, key);
                        p.add_string(2, text);
                      }));
      }
      for (const std::string& each : functions) m.add_message(25, each);
    });
  }
};

inline ModelBytes in_memory(std::string bytes) {
  const auto kept = std::make_shared<const std::string>(std::move(bytes));
  return {kept, std::as_bytes(std::span(*kept))};
}

}  // namespace pellucid::testing

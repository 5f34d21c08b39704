// Writes PT2 archives for tests, well formed or spoilt in one chosen way.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/formats/pt2/zip.h"
#include "pellucid/model/file.h"

namespace pellucid::testing {

struct Entry {
  std::string name, data;
  std::uint16_t method = 0, flags = 0;
  std::uint64_t claimed_size = ~std::uint64_t{0};  // all ones: the true size
  std::int64_t claimed_offset = -1;                // -1: the true offset
  std::string local_name = {};                     // empty: the same
  bool spoilt_crc = false;
  bool aligned = true;  // data at a multiple of 64, as torch does
};

inline void put(std::string& to, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string zip(const std::vector<Entry>& entries) {
  std::string file, directory;
  for (const Entry& entry : entries) {
    const auto offset =
        entry.claimed_offset >= 0 ? static_cast<std::uint64_t>(entry.claimed_offset) : file.size();
    const std::string local_name = entry.local_name.empty() ? entry.name : entry.local_name;
    const std::uint32_t crc = pt2::crc32(0, bytes_of(entry.data)) ^ (entry.spoilt_crc ? 1u : 0u);
    const std::uint64_t size =
        entry.claimed_size == ~std::uint64_t{0} ? entry.data.size() : entry.claimed_size;
    const std::uint64_t packed = entry.method == 0 ? size : entry.data.size();
    const std::size_t start = file.size() + 30 + local_name.size() + 4;
    const std::string padding(entry.aligned ? (64 - start % 64) % 64 : (65 - start % 64) % 64,
                              '\0');
    put(file, 0x04034b50, 4), put(file, 20, 2), put(file, entry.flags, 2),
        put(file, entry.method, 2), put(file, 0, 4);
    put(file, crc, 4), put(file, packed, 4), put(file, size, 4);
    put(file, local_name.size(), 2), put(file, 4 + padding.size(), 2);
    file += local_name;
    put(file, 0x4246, 2), put(file, padding.size(), 2);
    file += padding + entry.data;
    put(directory, 0x02014b50, 4), put(directory, 20, 2), put(directory, 20, 2),
        put(directory, entry.flags, 2);
    put(directory, entry.method, 2), put(directory, 0, 4), put(directory, crc, 4);
    put(directory, packed, 4), put(directory, size, 4), put(directory, entry.name.size(), 2);
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2),
        put(directory, 0, 4);
    put(directory, offset, 4);
    directory += entry.name;
  }
  const std::size_t begin = file.size();
  file += directory;
  put(file, 0x06054b50, 4), put(file, 0, 4), put(file, entries.size(), 2),
      put(file, entries.size(), 2);
  put(file, directory.size(), 4), put(file, begin, 4), put(file, 0, 2);
  return file;
}

inline ModelBytes model_bytes(std::string file) {
  auto owner = std::make_shared<const std::string>(std::move(file));
  return {owner, bytes_of(*owner)};
}

template <class Number>
std::string raw(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

inline Json literal_sizes(const std::vector<std::int64_t>& sizes) {
  Json list = Json::array();
  for (const std::int64_t size : sizes) list.push_back({{"as_int", size}});
  return list;
}

inline Json tensor_meta(int dtype, const std::vector<std::int64_t>& sizes,
                        const std::vector<std::int64_t>& strides, std::int64_t offset = 0) {
  return {{"dtype", dtype},
          {"sizes", literal_sizes(sizes)},
          {"requires_grad", false},
          {"device", {{"type", "cpu"}, {"index", nullptr}}},
          {"strides", literal_sizes(strides)},
          {"storage_offset", {{"as_int", offset}}},
          {"layout", 7}};
}

inline Json named(const char* name, Json argument, int kind = 1) {
  return {{"name", name}, {"arg", std::move(argument)}, {"kind", kind}};
}
inline Json tensor_argument(const std::string& name) { return {{"as_tensor", {{"name", name}}}}; }

inline Json node(const std::string& target, Json inputs, const std::string& output) {
  return {{"target", target},
          {"inputs", std::move(inputs)},
          {"outputs", Json::array({tensor_argument(output)})},
          {"metadata", Json::object()},
          {"name", output}};
}

// y = relu(x + w), x and w of the sizes [2, 3].
struct SmallProgram {
  Json program, weights, constants;
  std::vector<Entry> others;
  std::string weight = raw<float>({1, -2, 3, -4, 5, -6});

  SmallProgram() {
    const Json meta = tensor_meta(7, {2, 3}, {3, 1});
    weights = {{"config",
                {{"w",
                  {{"path_name", "weight_0"},
                   {"is_param", true},
                   {"use_pickle", false},
                   {"tensor_meta", meta}}}}}};
    constants = {{"config", Json::object()}};
    const Json graph = {
        {"inputs", Json::array({tensor_argument("p_w"), tensor_argument("x")})},
        {"outputs", Json::array({tensor_argument("relu")})},
        {"nodes",
         Json::array({node("torch.ops.aten.add.Tensor",
                           Json::array({named("self", tensor_argument("x")),
                                        named("other", tensor_argument("p_w"))}),
                           "add"),
                      node("torch.ops.aten.relu.default",
                           Json::array({named("self", tensor_argument("add"))}), "relu")})},
        {"tensor_values", {{"p_w", meta}, {"x", meta}, {"add", meta}, {"relu", meta}}},
        {"sym_int_values", Json::object()},
        {"sym_bool_values", Json::object()}};
    const Json signature = {
        {"input_specs",
         Json::array({{{"parameter", {{"arg", {{"name", "p_w"}}}, {"parameter_name", "w"}}}},
                      {{"user_input", {{"arg", tensor_argument("x")}}}}})},
        {"output_specs", Json::array({{{"user_output", {{"arg", tensor_argument("relu")}}}}})}};
    program = {{"graph_module",
                {{"graph", graph}, {"signature", signature}, {"module_call_graph", Json::array()}}},
               {"opset_version", {{"aten", 10}}},
               {"range_constraints", Json::object()},
               {"schema_version", {{"major", 8}, {"minor", 14}}},
               {"torch_version", "2.9.0"}};
  }

  Json& graph() { return program["graph_module"]["graph"]; }
  Json& nodes() { return graph()["nodes"]; }
  Json& meta() { return weights["config"]["w"]["tensor_meta"]; }

  std::vector<Entry> entries() const {
    std::vector<Entry> all = {{"m/data/weights/weight_0", weight},
                              {"m/data/weights/model_weights_config.json", weights.dump()},
                              {"m/data/constants/model_constants_config.json", constants.dump()},
                              {"m/models/model.json", program.dump()},
                              {"m/archive_format", "pt2"},
                              {"m/byteorder", "little"}};
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }
  ModelBytes bytes() const { return model_bytes(zip(entries())); }
};

}  // namespace pellucid::testing

// The expected arrays that make_goldens.py wrote, by name.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/base/json.h"
#include "pellucid/input/picture.h"

namespace pellucid::testing {

inline std::vector<std::byte> file(const std::string& path) {
  std::ifstream stream(std::string(PELLUCID_SOURCE_DIR "/") + path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

inline std::vector<std::byte> picture_file(const std::string& name) {
  return file("test/input/data/pictures/" + name);
}

struct Golden {
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  template <class T>
  std::vector<T> values() const {
    std::vector<T> result(bytes.size() / sizeof(T));
    std::memcpy(result.data(), bytes.data(), result.size() * sizeof(T));
    return result;
  }
};

inline Golden golden(const std::string& name) {
  const std::vector<std::byte> index = file("test/input/data/expected.json");
  const std::vector<std::byte> blob = file("test/input/data/expected.bin");
  const Json entries =
      parse_json({reinterpret_cast<const char*>(index.data()), index.size()}, "expected.json");
  for (const Json& entry : entries) {
    if (entry.at("name") != name) continue;
    Golden result{entry.at("shape").get<std::vector<std::int64_t>>(), {}};
    const std::string type = entry.at("dtype");
    std::size_t length = type == "uint8" ? 1 : type == "float32" ? 4 : 8;
    for (const std::int64_t side : result.shape) length *= static_cast<std::size_t>(side);
    const auto begin = blob.begin() + entry.at("offset").get<std::ptrdiff_t>();
    result.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
    return result;
  }
  ADD_FAILURE() << "no golden named " << name;
  return {};
}

// The largest difference of two equally long rows of bytes.
inline int largest_difference(const std::vector<std::uint8_t>& a,
                              const std::vector<std::uint8_t>& b) {
  int largest = a.size() == b.size() ? 0 : 1000;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

inline std::vector<std::uint8_t> bytes_of(const at::Tensor& pixels) {
  const auto* begin = pixels.const_data_ptr<std::uint8_t>();
  return {begin, begin + pixels.numel()};
}

inline Picture decode(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  return decode_picture(bytes, limits, "a file");
}

inline Picture photo(const std::string& name) { return decode(file("examples/" + name)); }

// The message of the Error that the call throws; fails the test when it throws none.
template <class Call>
std::string error_of(Call call, Fault fault = Fault::input) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.fault()), static_cast<int>(fault)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace pellucid::testing

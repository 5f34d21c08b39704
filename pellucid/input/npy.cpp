// .npy: magic, version, a Python dictionary's text (descr, fortran_order, shape), raw values. The
// dictionary is read by a small parser of our own that knows just these three keys; sizes are
// multiplied with overflow checks.
#include "pellucid/input/npy.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Kind {
  std::string_view word;  // without its byte order
  at::ScalarType type;
};

constexpr Kind kinds[] = {{"f4", at::kFloat}, {"f8", at::kDouble}, {"f2", at::kHalf},
                          {"u1", at::kByte},  {"i1", at::kChar},   {"i2", at::kShort},
                          {"i4", at::kInt},   {"i8", at::kLong},   {"b1", at::kBool}};

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Header header() {
    Header result;
    bool seen[3] = {};
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        if (next() == '[') throw input_error("an array of records; plain numbers are expected");
        result.descr = quoted();
        seen[0] = true;
      } else if (key == "fortran_order") {
        result.fortran_order = boolean();
        seen[1] = true;
      } else if (key == "shape") {
        result.shape = tuple();
        seen[2] = true;
      } else {
        throw broken();
      }
      if (!take(',') && next() != '}') throw broken();
    }
    if (!(seen[0] && seen[1] && seen[2])) throw broken();
    return result;
  }

 private:
  static Error broken() { return input_error("the .npy header is not what NumPy writes"); }

  char next() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
      rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool take(char wanted) {
    if (next() != wanted || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) throw broken();
  }
  std::string_view quoted() {
    const char quote = next();
    if (quote != '\'' && quote != '"') throw broken();
    const std::size_t end = rest_.find(quote, 1);
    if (end == rest_.npos) throw broken();
    const std::string_view word = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return word;
  }
  bool boolean() {
    next();
    for (const std::string_view word : {"True", "False"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return word == "True";
    }
    throw broken();
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> result;
    expect('(');
    while (!take(')')) {
      std::int64_t value = 0;
      bool any = false;
      for (char digit = next(); digit >= '0' && digit <= '9';
           digit = rest_.empty() ? '\0' : rest_[0]) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit - '0', &value)) {
          throw input_error("the shape in the .npy header overflows");
        }
        rest_.remove_prefix(1);
        any = true;
      }
      if (!any || result.size() >= 64) throw broken();
      result.push_back(value);
      if (!take(',') && next() != ')') throw broken();
    }
    return result;
  }

  std::string_view rest_;
};

at::ScalarType type_of(const std::string& descr) {
  const char order = descr.empty() ? '\0' : descr[0];
  const std::string_view word = std::string_view(descr).substr(descr.empty() ? 0 : 1);
  const bool one_byte = word.size() == 2 && word[1] == '1';
  if (order == '<' || order == '=' || (order == '|' && one_byte)) {
    for (const Kind& kind : kinds) {
      if (kind.word == word) return kind.type;
    }
  }
  if (order == '|' && word == "O")
    throw input_error("an .npy of pickled objects is never read").hint("save plain numbers");
  throw input_error("an .npy of type \"" + descr + "\" is not read")
      .hint("save it as float32: numpy.save(file, array.astype('<f4'))");
}

std::size_t number(std::span<const std::byte> bytes, std::size_t offset, std::size_t width) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < width; ++i)
    value |= static_cast<std::size_t>(bytes[offset + i]) << (8 * i);
  return value;
}

// Bytes of an array of the shape. Dimensions of 0 are left out at first, so that no product can
// overflow unseen.
std::size_t byte_count(const std::vector<std::int64_t>& shape, std::size_t item) {
  auto count = static_cast<std::int64_t>(item);
  bool empty = false;
  for (const std::int64_t side : shape) {
    empty = empty || side == 0;
    if (__builtin_mul_overflow(count, std::max<std::int64_t>(side, 1), &count)) {
      throw input_error("the shape in the .npy header overflows");
    }
  }
  return empty ? 0 : static_cast<std::size_t>(count);
}

at::Tensor read(std::span<const std::byte> bytes) {
  if (!is_npy(bytes) || bytes.size() < 10) throw input_error("not an .npy file");
  const auto version = static_cast<int>(bytes[6]);
  if (version < 1 || version > 3)
    throw input_error("an .npy of unknown version " + std::to_string(version));
  const std::size_t width = version == 1 ? 2 : 4;
  const std::size_t start = 8 + width;
  if (bytes.size() < start) throw input_error("the .npy is truncated in its header");
  const std::size_t length = number(bytes, 8, width);
  if (length > bytes.size() - start) throw input_error("the .npy is truncated in its header");
  const Header header =
      Parser({reinterpret_cast<const char*>(bytes.data()) + start, length}).header();
  const at::ScalarType type = type_of(header.descr);
  const std::size_t needed = byte_count(header.shape, c10::elementSize(type));
  const std::span<const std::byte> data = bytes.subspan(start + length);
  if (data.size() != needed) {
    throw input_error("the .npy header asks for " + std::to_string(needed) +
                      " bytes of values, the file has " + std::to_string(data.size()));
  }
  std::vector<std::int64_t> shape = header.shape;
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  at::Tensor tensor = at::empty(shape, type);
  if (type == at::kBool) {  // a byte other than 0 or 1 must not become a bool
    auto* target = static_cast<std::uint8_t*>(tensor.mutable_data_ptr());
    for (std::size_t i = 0; i < needed; ++i) target[i] = data[i] != std::byte{0} ? 1 : 0;
  } else if (needed > 0) {
    std::memcpy(tensor.mutable_data_ptr(), data.data(), needed);
  }
  if (header.fortran_order && tensor.dim() > 1) {
    std::vector<std::int64_t> order(shape.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = static_cast<std::int64_t>(order.size() - 1 - i);
    tensor = tensor.permute(order).contiguous();
  }
  return tensor;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

at::Tensor read_npy(std::span<const std::byte> bytes, std::string_view name) {
  try {
    return read(bytes);
  } catch (Error& error) {
    throw error.at(name);
  } catch (const std::exception& error) {
    throw Error(Fault::too_large, "the array could not be read: " + first_line(error.what()))
        .at(name);
  }
}

NpyParts npy_parts(const at::Tensor& tensor) {
  const at::ScalarType type =
      tensor.scalar_type() == at::kBFloat16 ? at::kFloat : tensor.scalar_type();
  const auto* kind = std::find_if(std::begin(kinds), std::end(kinds),
                                  [&](const Kind& each) { return each.type == type; });
  if (kind == std::end(kinds)) throw internal_error("an .npy cannot hold this tensor's type");
  const at::Tensor values = tensor.to(at::kCPU, type).contiguous();
  const bool one_byte = values.element_size() == 1;
  std::string header = "{'descr': '" + std::string(one_byte ? "|" : "<") + std::string(kind->word) +
                       "', 'fortran_order': False, 'shape': (";
  for (std::int64_t i = 0; i < values.dim(); ++i) {
    header += (i > 0 ? ", " : "") + std::to_string(values.size(i));
  }
  header += values.dim() == 1 ? ",), }" : "), }";
  // NumPy leaves room for a first size of 21 digits, so that an array can grow in its file.
  if (values.dim() > 0) header.append(21 - std::to_string(values.size(0)).size(), ' ');
  // NumPy aligns the values to 64 bytes: magic, version, length, text, newline. 64 dimensions fit
  // version 1.
  constexpr std::size_t prefix = magic.size() + 4;
  const std::size_t total = (prefix + header.size() + 1 + 63) / 64 * 64;
  header.append(total - prefix - header.size() - 1, ' ');
  header += '\n';
  std::string start(magic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  start += header;
  return {std::move(start), values};
}

std::vector<std::byte> write_npy(const at::Tensor& tensor) {
  const auto [start, values] = npy_parts(tensor);
  std::vector<std::byte> file(start.size() + static_cast<std::size_t>(values.nbytes()));
  std::memcpy(file.data(), start.data(), start.size());
  if (values.nbytes() > 0)
    std::memcpy(file.data() + start.size(), values.const_data_ptr(), values.nbytes());
  return file;
}

}  // namespace pellucid

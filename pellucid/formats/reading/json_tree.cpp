// A recursive-descent parser of RFC 8259 with bounds on depth, bytes and items. Strings without
// escapes stay views into the text; the children of an array or object lie side by side.
#include "pellucid/formats/reading/json_tree.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "pellucid/base/error.h"

namespace pellucid {
namespace {

constexpr int deepest = 128;
constexpr std::size_t most_bytes = std::size_t{256} << 20, most_items = 16'000'000;

Error expected(const JsonItem& item, const char* what) {
  return model_error("expected " + std::string(what) +
                     (item.key().empty() ? "" : " under \"" + std::string(item.key()) + "\""));
}

// The number of bytes of the UTF-8 character that begins there; 0 when it is not well formed.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0,
               surrogate = first == 0xED && byte(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90, beyond = first == 0xF4 && byte(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& to, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6), add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 0x3F)), add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 0x3F)), add(0x80 | (code >> 6 & 0x3F)),
        add(0x80 | (code & 0x3F));
  }
}

}  // namespace

class JsonReader {
 public:
  JsonReader(std::string_view text, std::string_view place, JsonTree& tree)
      : text_(text), place_(place), tree_(tree) {}

  void read() {
    if (text_.size() > most_bytes)
      throw model_error("JSON of " + std::to_string(text_.size()) + " bytes is too large")
          .at(place_);
    std::vector<JsonItem> root(1);
    read_value(root[0], 0);
    skip_space();
    if (at_ != text_.size()) throw wrong("something follows the end");
    tree_.root_ = keep(std::move(root));
  }

 private:
  Error wrong(const char* what) const {
    return model_error("not valid JSON at byte " + std::to_string(at_) + ": " + what)
        .at(place_)
        .hint("the file is damaged: copy or export it again");
  }

  const JsonItem* keep(std::vector<JsonItem> items) {
    tree_.blocks_.push_back(std::move(items));
    return tree_.blocks_.back().data();
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  bool take(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void read_value(JsonItem& item, int depth) {
    if (++items_ > most_items) throw model_error("JSON has more than 16 million items").at(place_);
    skip_space();
    if (at_ >= text_.size()) throw wrong("it ends too early");
    switch (text_[at_]) {
      case '{':
        return read_members(item, depth, '}');
      case '[':
        return read_members(item, depth, ']');
      case '"':
        item.type_ = JsonItem::Type::text;
        item.text_ = read_string();
        return;
      case 't':
        return read_word(item, "true", JsonItem::Type::boolean, true);
      case 'f':
        return read_word(item, "false", JsonItem::Type::boolean, false);
      case 'n':
        return read_word(item, "null", JsonItem::Type::null, false);
      default:
        read_number(item);
    }
  }

  void read_word(JsonItem& item, std::string_view word, JsonItem::Type type, bool truth) {
    if (text_.substr(at_, word.size()) != word) throw wrong("an unknown word");
    at_ += word.size();
    item.type_ = type;
    item.truth_ = truth;
  }

  void read_members(JsonItem& item, int depth, char close) {
    if (depth >= deepest) {
      throw model_error("JSON is nested deeper than " + std::to_string(deepest) + " levels")
          .at(place_)
          .hint("no exported program is nested so deep; the file was made to do harm");
    }
    ++at_;
    item.type_ = close == '}' ? JsonItem::Type::object : JsonItem::Type::array;
    if (take(close)) return;
    std::vector<JsonItem> children;
    do {
      JsonItem& child = children.emplace_back();
      if (close == '}') {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != '"') throw wrong("a key was expected");
        child.key_ = read_string();
        if (!take(':')) throw wrong("a colon was expected");
      }
      read_value(child, depth + 1);
    } while (take(','));
    if (!take(close)) throw wrong("a comma or the closing bracket was expected");
    item.count_ = static_cast<std::uint32_t>(children.size());
    item.children_ = keep(std::move(children));
  }

  void read_number(JsonItem& item) {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ > from;
    };
    const auto sign = [&](std::string_view signs) {
      at_ += at_ < text_.size() && signs.find(text_[at_]) != signs.npos;
    };
    sign("-");
    // Python's json writes these three bare words for floats that are not numbers.
    for (const std::string_view word : {"NaN", "Infinity"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        item.type_ = JsonItem::Type::number;
        item.text_ = text_.substr(begin, at_ - begin);
        return;
      }
    }
    const std::size_t first = at_;
    if (!digits()) throw wrong("a value was expected");
    if (text_[first] == '0' && at_ - first > 1) throw wrong("a number begins with 0");
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (!digits()) throw wrong("a digit was expected");
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      sign("+-");
      if (!digits()) throw wrong("a digit was expected");
    }
    item.type_ = JsonItem::Type::number;
    item.text_ = text_.substr(begin, at_ - begin);
  }

  std::uint32_t read_hex() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (problem != std::errc() || end != digits.data() + 4)
      throw wrong("a \\u escape without four digits");
    at_ += 4;
    return code;
  }

  std::string_view read_string() {
    const std::size_t begin = ++at_;
    std::string* own = nullptr;  // only where there is an escape
    std::size_t from = begin;
    while (true) {
      if (at_ >= text_.size()) throw wrong("a string does not end");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) throw wrong("a control character in a string");
      if (c < 0x80 && c != '\\') {
        ++at_;
      } else if (c != '\\') {
        const std::size_t length = utf8_length(text_.substr(at_, 4));
        if (length == 0) throw wrong("text that is not UTF-8");
        at_ += length;
      } else {
        if (own == nullptr) own = &tree_.unescaped_.emplace_back();
        own->append(text_.substr(from, at_ - from));
        read_escape(*own);
        from = at_;
      }
    }
    const std::string_view rest = text_.substr(from, at_ - from);
    ++at_;
    if (own == nullptr) return rest;
    own->append(rest);
    return *own;
  }

  void read_escape(std::string& to) {
    constexpr std::string_view names = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ += 2;
    if (const auto found = names.find(name); name != '\0' && found != names.npos) {
      to.push_back(meanings[found]);
      return;
    }
    if (name != 'u') throw wrong("an unknown escape");
    std::uint32_t code = read_hex();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t low = read_hex();
      if (low < 0xDC00 || low > 0xDFFF) throw wrong("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xD800 && code < 0xE000) {
      throw wrong("half a surrogate pair");
    }
    append_utf8(to, code);
  }

  std::string_view text_, place_;
  JsonTree& tree_;
  std::size_t at_ = 0, items_ = 0;
};

JsonTree::JsonTree(std::string_view text, std::string_view place) {
  JsonReader(text, place, *this).read();
}

const JsonItem* JsonItem::find(std::string_view key) const {
  if (type_ != Type::object) return nullptr;
  for (const JsonItem& item : items()) {
    if (item.key_ == key) return item.is_null() ? nullptr : &item;
  }
  return nullptr;
}

const JsonItem& JsonItem::at(std::string_view key) const {
  if (type_ != Type::object) throw expected(*this, "an object");
  if (const JsonItem* item = find(key)) return *item;
  throw model_error("\"" + std::string(key) + "\" is missing" +
                    (key_.empty() ? "" : " under \"" + std::string(key_) + "\""));
}

std::span<const JsonItem> JsonItem::array() const {
  if (type_ != Type::array) throw expected(*this, "a list");
  return items();
}

std::span<const JsonItem> JsonItem::members() const {
  if (type_ != Type::object) throw expected(*this, "an object");
  return items();
}

std::string_view JsonItem::text() const {
  if (type_ != Type::text) throw expected(*this, "a text");
  return text_;
}

std::int64_t JsonItem::integer() const {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (type_ != Type::number || problem != std::errc() || end != text_.data() + text_.size()) {
    throw expected(*this, "an integer of 64 bits");
  }
  return number;
}

double JsonItem::real() const {
  if (type_ != Type::number && type_ != Type::text) throw expected(*this, "a number");
  if (text_ == "Infinity") return std::numeric_limits<double>::infinity();
  if (text_ == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text_ == "NaN") return std::numeric_limits<double>::quiet_NaN();
  double number = 0;
  const auto [end, problem] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (type_ != Type::number || problem != std::errc() || end != text_.data() + text_.size())
    throw expected(*this, "a number");
  return number;
}

bool JsonItem::boolean() const {
  if (type_ != Type::boolean) throw expected(*this, "true or false");
  return truth_;
}

}  // namespace pellucid

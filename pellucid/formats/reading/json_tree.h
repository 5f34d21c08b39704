// JSON of foreign programs, as a flat tree: a program has tens of thousands of small objects, and
// an object with many keys must not cost their square.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

class JsonTree;

// A place in a JsonTree; valid as long as the tree and the text it was read from.
class JsonItem {
 public:
  enum class Type : std::uint8_t { null, boolean, number, text, array, object };

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::null; }
  bool is_object() const { return type_ == Type::object; }
  bool is_array() const { return type_ == Type::array; }
  bool is_text() const { return type_ == Type::text; }
  bool is_number() const { return type_ == Type::number; }

  // The key under which it stands in its object.
  std::string_view key() const { return key_; }
  // Entries of an array or members of an object, in the order of the text.
  std::span<const JsonItem> items() const { return {children_, count_}; }
  // The member of that key; nullptr when it is missing or null. Linear: for objects of few keys.
  const JsonItem* find(std::string_view key) const;

  // Each throws Error (Fault::model) saying what was expected, under the item's key.
  const JsonItem& at(std::string_view key) const;
  std::span<const JsonItem> array() const;    // of an array
  std::span<const JsonItem> members() const;  // of an object
  std::string_view text() const;
  std::int64_t integer() const;
  double real() const;  // also "Infinity", "-Infinity" and "NaN", as torch writes them
  bool boolean() const;

 private:
  friend class JsonReader;
  Type type_ = Type::null;
  bool truth_ = false;
  std::uint32_t count_ = 0;
  std::string_view key_, text_;  // text_: a string's value, or a number as written
  const JsonItem* children_ = nullptr;
};

// The parsed text. Throws Error (Fault::model) naming `place`: not JSON, nested deeper than 128,
// too large.
class JsonTree {
 public:
  JsonTree(std::string_view text, std::string_view place);
  JsonTree(const JsonTree&) = delete;
  JsonTree& operator=(const JsonTree&) = delete;
  const JsonItem& root() const { return *root_; }

 private:
  friend class JsonReader;
  std::deque<std::vector<JsonItem>> blocks_;
  std::deque<std::string> unescaped_;
  const JsonItem* root_ = nullptr;
};

}  // namespace pellucid

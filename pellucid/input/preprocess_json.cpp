// Preprocessing ↔ the document that model files and sidecars carry. Strict: a misspelt key would
// silently change what the network sees, so it is an error that names the key and what was
// expected.
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "pellucid/base/error.h"
#include "pellucid/input/preprocess.h"

namespace pellucid {
namespace {

using Color = Preprocessing::Color;
using Resize = Preprocessing::Resize;
using Layout = Preprocessing::Layout;

constexpr std::pair<std::string_view, Color> colors[] = {
    {"RGB", Color::rgb}, {"BGR", Color::bgr}, {"L", Color::grey}};
constexpr std::pair<std::string_view, Resize> modes[] = {{"none", Resize::none},
                                                         {"shorter_side", Resize::shorter_side},
                                                         {"longer_side", Resize::longer_side},
                                                         {"squash", Resize::squash}};
constexpr std::pair<std::string_view, Layout> layouts[] = {{"NCHW", Layout::nchw},
                                                           {"NHWC", Layout::nhwc}};

Error wrong(std::string_view key, std::string_view expected, const Json& found) {
  std::string text = to_text(found, false);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return model_error("preprocessing: \"" + std::string(key) + "\" is " + text + ", expected " +
                     std::string(expected));
}

void check_keys(const Json& object, std::string_view key,
                std::initializer_list<std::string_view> known) {
  if (!object.is_object()) throw wrong(key, "an object", object);
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    std::string all;
    for (const std::string_view each : known) {
      found = found || each == name;
      all += (all.empty() ? "" : ", ") + std::string(each);
    }
    if (!found) {
      throw model_error("preprocessing: unknown key \"" + name + "\" in \"" + std::string(key) +
                        "\"")
          .hint("known keys: " + all);
    }
  }
}

const Json* find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <class T, std::size_t count>
T read_word(const Json& value, std::string_view key,
            const std::pair<std::string_view, T> (&table)[count]) {
  std::string all;
  for (const auto& [word, meaning] : table) {
    if (value.is_string() && value.get_ref<const std::string&>() == word) return meaning;
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  throw wrong(key, "one of " + all, value);
}

template <class T, std::size_t count>
std::string write_word(T value, const std::pair<std::string_view, T> (&table)[count]) {
  for (const auto& [word, meaning] : table) {
    if (meaning == value) return std::string(word);
  }
  return "";
}

std::int64_t read_side(const Json& value, std::string_view key) {
  constexpr std::int64_t most = 65536;
  if (!value.is_number_integer() || value < 1 || value > most)
    throw wrong(key, "a whole number from 1 to 65536", value);
  return value.get<std::int64_t>();
}

// 256, [256] or [h, w]; `single` tells the first two from the last.
Size read_size(const Json& object, std::string_view key, bool& single) {
  const Json* value = find(object, "size");
  if (value == nullptr) throw model_error("preprocessing: \"" + std::string(key) + "\" is missing");
  single = !value->is_array() || value->size() == 1;
  if (!value->is_array()) {
    const std::int64_t side = read_side(*value, key);
    return {side, side};
  }
  if (value->empty() || value->size() > 2) throw wrong(key, "a number or [height, width]", *value);
  return {read_side(value->front(), key), read_side(value->back(), key)};
}

double read_number(const Json& value, std::string_view key) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw wrong(key, "a finite number", value);
  return value.get<double>();
}

std::vector<double> read_channels(const Json& value, std::string_view key, int channels) {
  if (value.is_number()) return {read_number(value, key)};
  if (!value.is_array() ||
      (value.size() != 1 && value.size() != static_cast<std::size_t>(channels))) {
    throw wrong(key, channels == 1 ? "one number" : "one number or three", value);
  }
  std::vector<double> result;
  for (const Json& each : value) result.push_back(read_number(each, key));
  return result;
}

std::uint8_t read_byte(const Json& value) {
  if (!value.is_number_integer() || value < 0 || value > 255)
    throw wrong("pad.value", "whole numbers from 0 to 255", value);
  return value.get<std::uint8_t>();
}

void read_resize(const Json& object, Preprocessing& result) {
  check_keys(object, "resize", {"mode", "size", "max_size", "interpolation"});
  const Json* mode = find(object, "mode");
  if (mode == nullptr) throw model_error("preprocessing: \"resize.mode\" is missing");
  result.resize = read_word(*mode, "resize.mode", modes);
  if (const Json* value = find(object, "interpolation")) {
    const auto known =
        value->is_string() ? interpolation(value->get_ref<const std::string&>()) : std::nullopt;
    if (!known)
      throw wrong("resize.interpolation",
                  "one of nearest, box, bilinear, hamming, bicubic, lanczos", *value);
    result.interpolation = *known;
  }
  if (result.resize == Resize::none) return;
  result.size = read_size(object, "resize.size", result.square_size);
  if (const Json* value = find(object, "max_size")) {
    result.max_size = read_side(*value, "resize.max_size");
    if (result.resize != Resize::shorter_side || !result.square_size ||
        *result.max_size <= result.size.height) {
      throw wrong("resize.max_size", "null, or more than the one number of a \"shorter_side\"",
                  *value);
    }
  }
}

void read_pad(const Json& object, Preprocessing& result) {
  check_keys(object, "pad", {"value"});
  const Json* value = find(object, "value");
  if (value == nullptr) throw model_error("preprocessing: \"pad.value\" is missing");
  std::array<std::uint8_t, 3> border = {};
  if (value->is_array()) {
    const std::size_t count = value->size();
    if (count != 1 && count != 3) throw wrong("pad.value", "one number or three", *value);
    for (std::size_t i = 0; i < 3; ++i) border[i] = read_byte((*value)[count == 1 ? 0 : i]);
  } else {
    border.fill(read_byte(*value));
  }
  result.pad_value = border;
}

Json size_json(Size size, bool single) {
  return single ? Json(size.height) : Json::array({size.height, size.width});
}

}  // namespace

Preprocessing preprocessing_from_json(const Json& document) {
  check_keys(document, "preprocessing",
             {"color", "resize", "crop", "pad", "scale", "mean", "std", "layout"});
  Preprocessing result;
  if (const Json* value = find(document, "color"))
    result.color = read_word(*value, "color", colors);
  if (const Json* value = find(document, "layout"))
    result.layout = read_word(*value, "layout", layouts);
  if (const Json* value = find(document, "resize")) read_resize(*value, result);
  if (const Json* value = find(document, "crop")) {
    check_keys(*value, "crop", {"mode", "size"});
    constexpr std::pair<std::string_view, bool> crops[] = {{"center", true}, {"none", false}};
    const Json* mode = find(*value, "mode");
    if (mode == nullptr) throw model_error("preprocessing: \"crop.mode\" is missing");
    bool single = true;
    if (read_word(*mode, "crop.mode", crops)) result.crop = read_size(*value, "crop.size", single);
  }
  if (const Json* value = find(document, "pad")) read_pad(*value, result);
  if (const Json* value = find(document, "scale")) {
    result.scale = read_number(*value, "scale");
    if (!(result.scale > 1e-12 && result.scale < 1e12))
      throw wrong("scale", "a number above 0", *value);
  }
  const auto channels = static_cast<std::size_t>(result.channels());
  result.mean.assign(channels, 0.0);
  result.std.assign(channels, 1.0);
  if (const Json* value = find(document, "mean"))
    result.mean = read_channels(*value, "mean", result.channels());
  if (const Json* value = find(document, "std")) {
    result.std = read_channels(*value, "std", result.channels());
    for (const double each : result.std) {
      if (!(each > 1e-12)) throw wrong("std", "numbers above 0", *value);
    }
  }
  return result;
}

Json to_json(const Preprocessing& preprocessing) {
  Json document;
  document["color"] = write_word(preprocessing.color, colors);
  Json& resize = document["resize"];
  resize["mode"] = write_word(preprocessing.resize, modes);
  if (preprocessing.resize != Resize::none) {
    resize["size"] = size_json(preprocessing.size, preprocessing.square_size);
    resize["max_size"] = preprocessing.max_size ? Json(*preprocessing.max_size) : Json(nullptr);
    resize["interpolation"] = std::string(name(preprocessing.interpolation));
  }
  Json& crop = document["crop"];
  crop["mode"] = preprocessing.crop ? "center" : "none";
  if (preprocessing.crop) crop["size"] = size_json(*preprocessing.crop, false);
  document["pad"] = nullptr;
  if (preprocessing.pad_value) document["pad"]["value"] = *preprocessing.pad_value;
  document["scale"] = preprocessing.scale;
  document["mean"] = preprocessing.mean;
  document["std"] = preprocessing.std;
  document["layout"] = write_word(preprocessing.layout, layouts);
  return document;
}

}  // namespace pellucid

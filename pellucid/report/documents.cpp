// The parts that several answers have in common.
#include "pellucid/report/documents.h"

#include <cmath>

#include "pellucid/base/bytes.h"

namespace pellucid {

Json model_reference(const Model& model) {
  Json reference = {{"name", model.metadata.name},
                    {"file", model.file},
                    {"format", model.format},
                    {"sha256", model.fingerprint}};
  if (!model.metadata.producer.empty()) reference["producer"] = model.metadata.producer;
  return reference;
}

Json values_of(const at::Tensor& tensor) {
  if (tensor.dim() > 0) {
    Json list = Json::array();
    for (std::int64_t i = 0; i < tensor.size(0); ++i)
      list.push_back(values_of(tensor.select(0, i)));
    return list;
  }
  if (tensor.scalar_type() == at::kBool) return tensor.item<bool>();
  if (at::isIntegralType(tensor.scalar_type(), false)) return tensor.item<std::int64_t>();
  const double value = tensor.item<double>();
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

std::vector<std::byte> json_bytes(const Json& document) {
  return bytes_of(to_text(document) + "\n");
}

Json to_json(const Check& check) {
  Json entry = {{"name", check.name}, {"verdict", check.verdict}};
  if (check.value)
    entry["value"] = std::isfinite(*check.value) ? Json(*check.value) : Json(nullptr);
  if (check.threshold) entry["threshold"] = *check.threshold;
  entry["words"] = check.words;
  return entry;
}

std::string file_name_part(std::string_view name) {
  std::string part;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    part += plain ? c : '-';
  }
  // A name may not climb out of its folder, and long ones are refused by file systems.
  while (part.starts_with('.')) part.erase(0, 1);
  return part.empty() ? "unnamed" : part.substr(0, 100);
}

std::string bar(double share, int cells) {
  const double clamped = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const int full = static_cast<int>(std::lround(clamped * cells));
  std::string text;
  for (int i = 0; i < cells; ++i) text += i < full ? "█" : "░";
  return text;
}

}  // namespace pellucid

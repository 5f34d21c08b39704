// metadata_props are free text by key; two keys mean something here.
#include "pellucid/formats/onnx/metadata.h"

#include <charconv>

#include "pellucid/formats/reading/model_reading.h"

namespace pellucid::from_onnx {
namespace {

// "{0: 'person', 1: 'bicycle'}": a dict of consecutive numbers as Python prints it. Anything else
// gives nothing.
std::vector<std::vector<std::string>> names(std::string_view text) {
  std::vector<std::vector<std::string>> labels;
  const auto skip = [&](std::string_view letters) {
    text.remove_prefix(std::min(text.find_first_not_of(letters), text.size()));
  };
  skip(" {");
  while (!text.empty() && text.front() != '}') {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error != std::errc() || index != labels.size()) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    skip(" :");
    if (text.empty() || (text.front() != '\'' && text.front() != '"')) return {};
    const std::size_t close = text.find(text.front(), 1);
    if (close == std::string_view::npos) return {};
    labels.push_back({std::string(text.substr(1, close - 1))});
    text.remove_prefix(close + 1);
    skip(" ,");
  }
  return labels;
}

}  // namespace

void read_metadata(const ModelRecord& record, const LoadSettings& settings, Model& model) {
  model.metadata.producer = std::string(record.producer.substr(0, 200));
  if (!record.producer_version.empty())
    model.metadata.producer += " " + std::string(record.producer_version.substr(0, 200));
  const EntrySource none = [](const std::string&) -> std::optional<std::vector<std::byte>> {
    return std::nullopt;
  };
  for (const auto& [key, value] : record.properties) {
    if (key == "names" && value.size() < (std::size_t{1} << 20))
      model.metadata.labels = names(value);
  }
  for (const auto& [key, value] : record.properties) {
    if (key == "pellucid") lay_metadata(value, "metadata pellucid", none, model);
  }
  if (!settings.sidecar.empty()) lay_metadata(settings.sidecar, "sidecar", none, model);
}

}  // namespace pellucid::from_onnx

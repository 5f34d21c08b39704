// One document in extra/pellucid.json, checked for size before it is parsed, its samples bounded by
// the file.
#include "pellucid/formats/pt2/recorded_metadata.h"

#include "pellucid/base/error.h"
#include "pellucid/formats/reading/model_reading.h"

namespace pellucid::pt2 {
namespace {

constexpr std::size_t most_sample = std::size_t{64} << 20;

std::string record_name(const std::string& root) { return root + "/extra/pellucid.json"; }

}  // namespace

std::string root_of(const ZipArchive& archive) {
  if (archive.records().empty()) return {};
  const std::string_view first = archive.records()[0].name;
  return std::string(first.substr(0, first.find('/')));
}

Json metadata_document(const ZipArchive& archive, const std::string& root,
                       std::string_view sidecar) {
  if (!sidecar.empty()) {
    Json document = parse_metadata(sidecar, "sidecar");
    if (document.is_object() && document.contains("inputs")) return document;
  }
  const Record* record = archive.find(record_name(root));
  if (record == nullptr) return nullptr;
  Content content;
  return parse_metadata(archive.text(*record, content), "record " + record_name(root));
}

void read_metadata(const ModelBytes& file, const ZipArchive& archive, const std::string& root,
                   std::string_view sidecar, Model& model) {
  std::uint64_t taken = 0;
  const EntrySource entries =
      [&](const std::string& path) -> std::optional<std::vector<std::byte>> {
    const Record* record = archive.find(root + "/" + path);
    if (record == nullptr) return std::nullopt;
    // A sample may name an entry again and again: together no more than a file has room for.
    taken += record->size;
    if (taken > 2 * file.bytes.size() + most_sample) {
      throw model_error("the recorded sample is too large")
          .at("record " + std::string(record->name));
    }
    const Content content = archive.content(*record);
    return std::vector<std::byte>(content.bytes.begin(), content.bytes.end());
  };
  const std::string own = record_name(root);
  Content content;
  if (const Record* record = archive.find(own))
    lay_metadata(archive.text(*record, content), "record " + own, entries, model);
  if (!sidecar.empty()) lay_metadata(sidecar, "sidecar", entries, model);
}

}  // namespace pellucid::pt2

#include "pellucid/operations/explain/file_names.h"

#include "pellucid/report/documents.h"

namespace pellucid {

std::string file_stem(const PreparedInput& input, const Question& question, std::int64_t n,
                      const Method& method, Several several) {
  std::string stem = input.stem;
  // A rank stays a rank where the samples of one file have different classes at it.
  if (several.targets) {
    const Target& target = question.targets[static_cast<std::size_t>(n)];
    stem +=
        "." + file_name_part(input.batched && target.rank > 0 ? "top" + std::to_string(target.rank)
                                                              : target.slug);
  }
  if (several.layers && method.uses_layer) stem += "." + file_name_part(question.layer_name);
  return stem + "." + std::string(method.name);
}

std::string suffix_of(const Map& map, const Attribution& attribution) {
  return attribution.maps.size() > 1 ? "." + file_name_part(map.name) : "";
}

}  // namespace pellucid

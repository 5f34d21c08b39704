// One input beside its maps, as the one-file report carries it: small enough to be mailed, so the
// photo is reduced and large maps are rounded to the step that is stated with them.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "pellucid/base/json.h"
#include "pellucid/report/explanation.h"

namespace pellucid {

struct Exhibit {
  std::string name;                    // of the input
  std::optional<std::int64_t> sample;  // of a file that holds several
  std::optional<Sight> sight;          // nullopt: nothing to see
  Json maps = Json::array();           // see plane_entry, vector_entry
};

// "name", "sample", "picture" ("media_type", "width", "height", "data" in base64; at most 640
// pixels on its longer side) or null, "seen" (in that picture's pixels), "maps".
Json to_json(const Exhibit& exhibit);

// A map with places: "height", "width", "bits", "step", "data" in base64. 32 bits: float32, little
// endian, row by row, exact. 16 bits: a zlib stream of signed little-endian integers, a score is
// the integer times the step, the smallest integer stands for a score that is not finite. The step
// is the finest of a few for which the map takes at most 72 KB; a map that is too large even then
// is averaged over squares of "averaged" cells a side.
Json plane_entry(const at::Tensor& plane);

// A vector: "names" (null: none), "values" of the input and "scores", null where not
// finite.
Json vector_entry(const at::Tensor& scores, const at::Tensor& values, const InputInfo& info);

// Of one sample's map whichever of the two it is; nullopt for one that has neither places nor
// names. `values`: the input's own, of that sample.
std::optional<Json> map_entry(const Map& map, const at::Tensor& scores, const at::Tensor& values,
                              const InputInfo& info);

}  // namespace pellucid

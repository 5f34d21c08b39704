// Pieces of the JSON documents that answers are.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"
#include "pellucid/explain/attribution.h"
#include "pellucid/model/model.h"

namespace pellucid {

// Name, file, format, SHA-256 and producer: which model gave the answer.
Json model_reference(const Model& model);

// A tensor's values as nested lists; NaN and infinities as null. For small tensors: an answer's
// files hold large ones.
Json values_of(const at::Tensor& tensor);

// The document of a file of an answer: its bytes.
std::vector<std::byte> json_bytes(const Json& document);

Json to_json(const Check& check);

// A name as a part of a file name: letters, digits, '.', '_' and '-'; what else is there becomes
// '-'.
std::string file_name_part(std::string_view name);

// "████████░░░░": `share` of `cells`, from 0 to 1.
std::string bar(double share, int cells = 24);

}  // namespace pellucid

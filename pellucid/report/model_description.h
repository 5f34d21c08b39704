// What a model is: inputs, outputs, size, layers, identity.
#pragma once

#include <string>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"
#include "pellucid/model/model.h"

namespace pellucid {

// `with_layers`: every module path with its class and what it returns.
Json model_description(const Model& model, bool with_layers);
std::string model_description_text(const Json& description, Language language);

// "float32 [N, 3, 224, 224]": sizes as the file declares them; a dynamic batch is N, other symbolic
// sizes "any".
std::string declared_text(const Value& value, bool batched);

}  // namespace pellucid

// All operators by name, put together when first asked for.
#include <unordered_map>

#include "pellucid/formats/onnx/operators/tables.h"

namespace pellucid::from_onnx {

const Operator* find_operator(std::string_view domain, std::string_view name) {
  static const auto all = [] {
    std::unordered_map<std::string_view, const Operator*> made;
    for (const auto table :
         {elementwise_operators(),  activation_operators(), reduction_operators(),
          shape_operators(),        creation_operators(),   indexing_operators(),
          convolution_operators(),  pooling_operators(),    resize_operators(),
          sampling_operators(),     selection_operators(),  normalisation_operators(),
          product_operators(),      attention_operators(),  recurrent_operators(),
          quantisation_operators(), signal_operators(),     loss_operators(),
          control_operators(),      classical_operators()}) {
      for (const Operator& each : table) made.emplace(each.name, &each);
    }
    return made;
  }();
  const auto found =
      domain.empty() ? all.find(name) : all.find(std::string(domain) + "." + std::string(name));
  return found == all.end() ? nullptr : found->second;
}

}  // namespace pellucid::from_onnx

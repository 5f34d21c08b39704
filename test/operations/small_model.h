// A model small enough for closed forms, behind a toy format, and requests that hold arrays instead
// of files.
#pragma once

#include <ATen/ops/tensor.h>

#include "pellucid/base/bytes.h"
#include "pellucid/formats/table.h"
#include "pellucid/graph/builder.h"
#include "pellucid/input/npy.h"
#include "pellucid/methods/table.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operations/table.h"

namespace pellucid {

// y = x Wᵀ with W [4, 3]: x [N, 3], a dynamic batch.
inline at::Tensor small_weight() {
  return at::tensor({1.0F, 0.0F, 0.0F, 0.0F, 2.0F, 0.0F, 0.0F, 0.0F, -3.0F, 1.0F, 1.0F, 1.0F})
      .reshape({4, 3});
}

inline std::shared_ptr<const Graph> small_graph() {
  GraphBuilder builder;
  const ValueId input =
      builder.add_input({.name = "x", .dtype = at::kFloat, .shape = {std::nullopt, 3}});
  const ValueId weight =
      builder.add_constant({.name = "weight", .dtype = at::kFloat, .shape = {4, 3}},
                           {.name = "fc.weight", .data = small_weight()});
  const ValueId output =
      builder.declare({.name = "y", .dtype = at::kFloat, .shape = {std::nullopt, 4}});
  builder.add_aten("y", "aten::linear.default", {{"", {input}}, {"", {weight}}}, {{{output}}},
                   {.module_path = "fc",
                    .module_class = "torch.nn.modules.linear.Linear",
                    .source = "small.py:1"});
  builder.add_output({"y", {output}});
  return std::move(builder).build();
}

inline Model small_model(const ModelBytes&, std::string_view file, const LoadSettings&) {
  Model model;
  model.graph = small_graph();
  model.metadata = guess_metadata(*model.graph);
  model.metadata.name = "small";
  model.metadata.outputs[0].kind = OutputKind::logits;
  model.metadata.outputs[0].guessed = false;
  model.metadata.labels = {{"ant"}, {"bee"}, {"cat"}, {"dog"}};
  model.format = "small";
  model.file = file;
  model.fingerprint = std::string(64, 'a');
  return model;
}

inline bool is_small(std::span<const std::byte> bytes) {
  return bytes.size() == 5 && bytes[0] == std::byte{'S'};
}

inline constexpr Format small_format = {.name = "small",
                                        .summary = "a toy",
                                        .extensions = ".small",
                                        .recognises = is_small,
                                        .read = small_model};

inline ModelSource small_source(std::string_view content = "SMALL") {
  ModelSource source;
  source.name = "model.small";
  source.read = [content = bytes_of(content)] {
    const auto owner = std::make_shared<std::vector<std::byte>>(content);
    return ModelBytes{owner, *owner};
  };
  return source;
}

inline RequestInput array_input(const std::string& stem, const at::Tensor& data,
                                const std::string& of = "") {
  return {stem + ".npy", stem, of, [bytes = write_npy(data)] { return bytes; }};
}

inline Catalogue whole_catalogue() {
  Catalogue catalogue;
  catalogue.operations.assign(operations().begin(), operations().end());
  catalogue.methods.assign(methods().begin(), methods().end());
  catalogue.formats = {&small_format};
  return catalogue;
}

// An operation of the real table on the small model, with its files.
struct Asked {
  Answer answer;
  std::map<std::string, std::vector<std::byte>> files;
};

inline Asked ask(std::string_view verb, Request request,
                 const Catalogue& catalogue = whole_catalogue(),
                 ModelSource source = small_source()) {
  Asked asked;
  LoadedModel model(std::move(source), catalogue.formats);
  Surroundings around;
  around.catalogue = &catalogue;
  around.model = &model;
  around.artefact = [&](Artefact&& file) { asked.files[file.name] = std::move(file.bytes); };
  const Operation* operation = catalogue.find_operation(verb);
  if (operation == nullptr) throw usage_error("no such operation");
  if (operation->subject == Subject::none) around.model = nullptr;
  asked.answer = perform(*operation, request, around);
  return asked;
}

}  // namespace pellucid

// What Python sees of the engine. It is small on purpose: names, signatures and texts come to
// Python as the tables, and the package makes its methods of them.
#include "bind.h"

#include <ATen/Parallel.h>
#include <pybind11/stl.h>
#include <torch/version.h>

#include "apps/pellucid/files.h"
#include "asking.h"
#include "errors.h"
#include "methods.h"
#include "requests.h"
#include "runs.h"
#include "waiting.h"

namespace py = pybind11;

namespace pellucid {
namespace {

void raise(const Error& error) {
  const py::object type = py::module_::import("pellucid.errors").attr("Error");
  PyErr_SetObject(type.ptr(), type(*parts_of(error)).ptr());
}

std::shared_ptr<LoadedModel> load_file(const OpenCatalogue& catalogue, const std::string& path,
                                       const std::optional<std::string>& metadata,
                                       const std::optional<std::string>& labels,
                                       const std::string& document) {
  ModelSource source = model_source(path, metadata, labels);
  const Json given = parse_json(document, "metadata");
  if (!given.empty()) {
    Json all = source.sidecar.empty() ? Json::object() : parse_json(source.sidecar, "metadata");
    all.update(given);
    source.sidecar = to_text(all, false);
    source.sidecar_name += source.sidecar_name.empty() ? "metadata" : ", metadata";
  }
  return std::make_shared<LoadedModel>(std::move(source), catalogue.tables().formats);
}

// A program in memory, and tensors instead of its own weights.
std::shared_ptr<LoadedModel> load_program(const OpenCatalogue& catalogue, const std::string& name,
                                          const py::bytes& archive,
                                          const std::map<std::string, at::Tensor>& weights) {
  const auto view = static_cast<std::string_view>(archive);
  const auto copy = std::make_shared<std::string>(view);
  ModelSource source;
  source.name = name;
  source.read = [copy] { return ModelBytes{copy, std::as_bytes(std::span(*copy))}; };
  source.weights = {weights.begin(), weights.end()};
  return std::make_shared<LoadedModel>(std::move(source), catalogue.tables().formats);
}

void open(LoadedModel& model, const std::string& options) {
  const Json given = parse_json(options, "options");
  check_settings(reading_options<ModelSettings>, given);
  ModelSettings settings;
  write_settings(reading_options<ModelSettings>, given, &settings);
  settings.threads = at::get_num_threads();
  Cancellation cancellation;
  work_apart(cancellation, [&] { model.open(settings); });
}

std::vector<std::tuple<std::string, std::string, std::string>> inputs_of(
    const std::vector<std::string>& words) {
  std::vector<std::tuple<std::string, std::string, std::string>> inputs;
  std::vector<std::string> passed_over;
  for (const RequestInput& input : read_inputs(words, passed_over))
    inputs.emplace_back(input.name, input.stem, input.of);
  if (!passed_over.empty() &&
      PyErr_WarnEx(PyExc_UserWarning, passed_over_words(passed_over, Language::english).c_str(),
                   1) != 0)
    throw py::error_already_set();
  return inputs;
}

py::list failures_of(const Outcome& outcome) {
  py::list failures;
  for (const Failure& failure : outcome.answer.failures)
    failures.append(py::make_tuple(failure.input, parts_of(failure.error)));
  return failures;
}

std::vector<std::string> input_names(const LoadedModel& loaded) {
  const Graph& graph = *loaded.model().graph;
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs()) names.push_back(graph.value(id).name);
  return names;
}

void bind_requests(py::module_& module) {
  py::class_<Artefact, std::shared_ptr<Artefact>>(module, "Artefact", py::buffer_protocol())
      .def_readonly("name", &Artefact::name)
      .def_readonly("media_type", &Artefact::media_type)
      .def_buffer([](Artefact& artefact) {
        return py::buffer_info(reinterpret_cast<std::uint8_t*>(artefact.bytes.data()),
                               static_cast<py::ssize_t>(artefact.bytes.size()));
      });
  py::class_<Outcome>(module, "Outcome")
      .def_property_readonly(
          "document", [](const Outcome& self) { return to_text(self.answer.document, false); })
      .def_property_readonly("text", [](const Outcome& self) { return self.answer.text; })
      .def_property_readonly("warnings", [](const Outcome& self) { return self.answer.warnings; })
      .def_property_readonly("failures", failures_of)
      .def_readonly("causes", &Outcome::causes)
      .def_property_readonly("nothing_done",
                             [](const Outcome& self) { return self.answer.nothing_done; })
      .def_property_readonly("verdict_failed",
                             [](const Outcome& self) { return self.answer.verdict_failed; })
      .def_readonly("artefacts", &Outcome::artefacts);
  module.def("perform", perform_request, py::arg("catalogue"), py::arg("operation"),
             py::arg("model").none(true), py::arg("options"), py::arg("settings"),
             py::arg("inputs"), py::arg("files"), py::arg("progress").none(true),
             py::arg("out").none(true));
  module.def("inputs_of", inputs_of, py::arg("words"));
  py::class_<OutputFolder>(module, "OutputFolder")
      .def(py::init<std::string>(), py::arg("path"))
      .def(
          "write",
          [](OutputFolder& self, const std::string& name, const Artefact& artefact) {
            self.write(name, artefact);
          },
          py::arg("name"), py::arg("artefact"));
}

void bind_models(py::module_& module) {
  py::class_<LoadedModel, std::shared_ptr<LoadedModel>>(module, "LoadedModel")
      .def_property_readonly("name", &LoadedModel::name)
      .def_property_readonly("fingerprint",
                             [](const LoadedModel& self) { return self.model().fingerprint; })
      .def_property_readonly("warnings",
                             [](const LoadedModel& self) { return self.model().warnings; })
      .def_property_readonly("inputs", input_names)
      .def("open", open, py::arg("options"));
  module.def("load_file", load_file, py::arg("catalogue"), py::arg("path"),
             py::arg("metadata").none(true), py::arg("labels").none(true), py::arg("document"));
  module.def("load_program", load_program, py::arg("catalogue"), py::arg("name"),
             py::arg("archive"), py::arg("weights"));
  py::class_<Run>(module, "Run")
      .def_readonly("outputs", &Run::outputs)
      .def_readonly("recorded", &Run::recorded);
  module.def("run", run_model, py::arg("model"), py::arg("inputs"), py::arg("record"),
             py::arg("replace"));
}

void bind_methods(py::module_& module) {
  py::class_<PythonMethod, std::shared_ptr<PythonMethod>>(module, "Method")
      .def(py::init([](const std::string& description, py::function function) {
             return std::make_shared<PythonMethod>(parse_json(description, "method"),
                                                   std::move(function));
           }),
           py::arg("description"), py::arg("function"));
  py::class_<OpenCatalogue>(module, "Catalogue")
      .def("tables", tables)
      .def(
          "add",
          [](OpenCatalogue& self, std::shared_ptr<PythonMethod> method) {
            self.add(std::move(method));
          },
          py::arg("method"))
      .def("remove", &OpenCatalogue::remove, py::arg("name"), py::arg("only").none(true));
  py::class_<Asking, std::shared_ptr<Asking>>(module, "Probe")
      .def("outputs", &Asking::outputs, py::arg("inputs"))
      .def("activations", &Asking::activations, py::arg("inputs"), py::arg("layers"))
      .def("target", &Asking::target, py::arg("inputs"))
      .def("targets", &Asking::targets)
      .def("gradient", &Asking::gradient, py::arg("inputs"), py::arg("of"))
      .def("gradients", &Asking::gradients, py::arg("count"), py::arg("of"), py::arg("at"),
           py::arg("add"))
      .def("pulled_back", &Asking::pulled_back, py::arg("inputs"), py::arg("layer"),
           py::arg("weights"), py::arg("input"))
      .def("picture_layer", &Asking::picture_layer)
      .def("layers", &Asking::layers);
}

}  // namespace

void bind(py::module_& module, const Catalogue& catalogue) {
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(error);
    }
  });
  module.attr("version") = PELLUCID_VERSION;
  module.attr("torch_version") = TORCH_VERSION;
  bind_methods(module);
  module.def("catalogue", [catalogue] { return OpenCatalogue(catalogue); });
  bind_requests(module);
  bind_models(module);
}

}  // namespace pellucid

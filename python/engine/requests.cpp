// One request: Python's values become bytes and JSON, the answer's files stay where the engine made
// them until Python reads them.
#include "requests.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/pybind.h>

#include <cstring>

#include "apps/pellucid/files.h"
#include "pellucid/input/npy.h"
#include "pellucid/report/tables.h"
#include "waiting.h"

namespace py = pybind11;

namespace pellucid {
namespace {

std::vector<std::byte> copied(const void* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  return bytes;
}

std::size_t bytes_in(const py::buffer_info& buffer) {
  return static_cast<std::size_t>(buffer.size) * static_cast<std::size_t>(buffer.itemsize);
}

// A list may be written as the command line writes it.
Json with_words_read(const Operation& operation, Json options) {
  for (auto& [name, value] : options.items()) {
    const Option* option = find_option(operation.options, name);
    if (option == nullptr || option->type != OptionType::list || !value.is_string()) continue;
    try {
      value = parse_word(*option, value.get<std::string>());
    } catch (Error& error) {
      throw error.at(name);
    }
  }
  return options;
}

// Threads are the process's, and the process is Python's: an operation takes torch's present number
// unless it was told another, and torch gets its own back.
class Threads {
 public:
  Threads(const Operation& operation, Json& options) : before_(at::get_num_threads()) {
    if (find_option(operation.options, "threads") == nullptr) return;
    told_ = options.contains("threads");
    if (!told_) options["threads"] = before_;
  }
  ~Threads() {
    if (told_) at::set_num_threads(before_);
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
  bool told_ = false;
};

Json operation_entry(const Operation& operation) {
  const Json defaults = operation.defaults ? operation.defaults() : Json::object();
  return {{"name", operation.name},
          {"group", operation.group},
          {"summary", operation.summary},
          {"details", operation.details},
          {"of_model", operation.subject == Subject::model},
          {"inputs", to_string(operation.inputs)},
          {"bare_word", operation.bare_word},
          {"writes", operation.writes},
          {"takes_settings", operation.takes_settings},
          {"formats", operation.formats},
          {"options", describe(operation.options, defaults)}};
}

}  // namespace

GivenInputs::GivenInputs(const py::list& inputs) {
  buffers_.reserve(inputs.size());
  for (const py::handle given : inputs) {
    const auto parts = given.cast<py::tuple>();
    RequestInput input;
    input.name = parts[0].cast<std::string>();
    input.stem = parts[1].cast<std::string>();
    input.of = parts[2].cast<std::string>();
    if (parts[3].is_none()) {
      input.read = [path = input.name] { return read_file(path); };
    } else if (THPVariable_Check(parts[3].ptr())) {
      input.array = parts[3].cast<at::Tensor>();
      input.read = [array = input.array] { return write_npy(array); };
    } else {
      const py::buffer_info& buffer = buffers_.emplace_back(parts[3].cast<py::buffer>().request());
      input.read = [data = buffer.ptr, size = bytes_in(buffer)] { return copied(data, size); };
    }
    requested_.push_back(std::move(input));
  }
}

Outcome perform_request(const OpenCatalogue& open, const std::string& operation_name,
                        LoadedModel* model, const std::string& options, const std::string& settings,
                        const py::list& inputs, const py::dict& files, const py::object& progress,
                        const std::optional<std::string>& out) {
  Cancellation cancellation;
  CallsToPython calls(cancellation);
  const RequestCatalogue catalogue(open, calls);
  const Operation* operation = catalogue.tables().find_operation(operation_name);
  if (operation == nullptr) throw usage_error("there is no operation \"" + operation_name + "\"");
  const GivenInputs given(inputs);
  std::map<std::string, py::buffer_info> open_files;
  for (const auto& [name, data] : files) {
    open_files.emplace(name.cast<std::string>(), data.cast<py::buffer>().request());
  }
  Request request;
  request.options = with_words_read(*operation, parse_json(options, "options"));
  request.settings = parse_json(settings, "settings");
  request.inputs = given.requested();

  Outcome outcome;
  Surroundings around;
  around.face = Faces::python;
  around.catalogue = &catalogue.tables();
  around.model = model;
  around.cancellation = &cancellation;
  std::optional<OutputFile> file;
  if (!operation->writes.empty()) file.emplace(out.value_or(""), operation->writes);
  around.artefact = [&](Artefact&& artefact) {
    if (file) return file->write(artefact);
    outcome.artefacts.push_back(std::make_shared<Artefact>(std::move(artefact)));
  };
  around.open_file = [&](const std::string& name) {
    const auto found = open_files.find(name);
    if (found == open_files.end()) return read_file(name);
    return copied(found->second.ptr, bytes_in(found->second));
  };
  if (!progress.is_none()) {
    around.progress = [&](const Progress& now) {
      calls.call([&] { progress(now.stage, now.done, now.total); });
    };
  }
  const Threads threads(*operation, request.options);
  work_apart(cancellation, calls, [&] { outcome.answer = perform(*operation, request, around); });
  outcome.causes = calls.causes();
  return outcome;
}

std::string tables(const OpenCatalogue& open) {
  Cancellation cancellation;
  CallsToPython calls(cancellation);
  const RequestCatalogue own(open, calls);
  const Catalogue& catalogue = own.tables();
  Json operations = Json::array(), methods = Json::array();
  for (const Operation* operation : catalogue.operations) {
    if (serves(operation->faces, Faces::python)) operations.push_back(operation_entry(*operation));
  }
  for (const Method* method : catalogue.methods) methods.push_back(method_document(*method));
  return to_text({{"operations", std::move(operations)}, {"methods", std::move(methods)}}, false);
}

}  // namespace pellucid

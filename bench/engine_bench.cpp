// Answers one line per line of standard input, so that bench.py can take turns with its peers in
// one run:
//   engine_bench MODEL.pt2 INPUT.npy
//   output | saliency | grad_cam | integrated_gradients STEPS CHUNK  →  milliseconds of that one
//   call
//   predict PHOTO [TIMES]  →  milliseconds of the operation, from the file's bytes to the answer,
//   with the photo given so many times
// The target is the top class of the first sample; the input is a batch of one.
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "pellucid/explain/target.h"
#include "pellucid/formats/table.h"
#include "pellucid/input/npy.h"
#include "pellucid/methods/table.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/operations/table.h"
#include "pellucid/run/memory.h"

namespace pellucid {
namespace {

const Method& method_named(std::string_view name) {
  for (const Method* method : methods()) {
    if (method->name == name) return *method;
  }
  throw usage_error("no such method");
}

class EngineBench {
 public:
  EngineBench(const std::string& model, const std::string& input)
      : loaded_(source(model), {formats().begin(), formats().end()}) {
    const Model& opened = loaded_.open(two_threads());
    question_.model = &opened;
    question_.baseline = "zero";
    const at::Tensor data = read_npy(map_file(input).bytes, input);
    const ValueId id = opened.graph->inputs()[0];
    question_.inputs.push_back({opened.graph->value(id).name, id, data, true});
    question_.baselines.push_back(data * 0);
    Target target;
    const ValueId wanted[] = {target.reads(*opened.graph)};
    Probe probe(loaded_.runner(), {});
    target.index = probe.forward(std::span(&data, 1), wanted)[0][0].argmax().item<std::int64_t>();
    question_.targets = {target};
  }

  double milliseconds(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    std::int64_t steps = 50, chunk = 0;
    words >> name;
    if (name == "predict") return predict(words);
    words >> steps >> chunk;
    Probe probe(loaded_.runner(), {.chunk = chunk, .progress = {}});
    const auto start = std::chrono::steady_clock::now();
    if (name == "output") {
      const ValueId wanted[] = {question_.targets[0].reads(*question_.model->graph)};
      probe.forward(std::span(&question_.inputs[0].data, 1), wanted);
    } else {
      Json settings = Json::object();
      if (name == "integrated_gradients") settings["n_steps"] = steps;
      method_named(name).explain(question_, probe, settings);
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }

 private:
  double predict(std::istringstream& words) {
    std::string file;
    std::size_t times = 1;
    words >> file;
    if (!(words >> times)) times = 1;
    const ModelBytes mapped = map_file(file);
    const std::vector<std::byte> bytes(mapped.bytes.begin(), mapped.bytes.end());
    Request request;
    request.options = {{"format", {"npy"}}, {"threads", 2}};
    for (std::size_t i = 0; i < times; ++i)
      request.inputs.push_back({file, std::to_string(i), {}, [&] { return bytes; }});
    const Catalogue catalogue{.operations = {operations().begin(), operations().end()},
                              .methods = {methods().begin(), methods().end()},
                              .formats = {}};
    std::size_t written = 0;
    Surroundings around;
    around.catalogue = &catalogue;
    around.model = &loaded_;
    around.artefact = [&](Artefact&& artefact) { written += artefact.bytes.size(); };
    const auto start = std::chrono::steady_clock::now();
    perform(*catalogue.find_operation("predict"), request, around);
    const auto passed = std::chrono::steady_clock::now() - start;
    if (written == 0) throw usage_error("the photo could not be read").at(file);
    return std::chrono::duration<double, std::milli>(passed).count();
  }

  static ModelSettings two_threads() {
    ModelSettings settings;
    settings.threads = 2;
    return settings;
  }

  static ModelSource source(const std::string& path) {
    ModelSource source;
    source.name = path;
    source.read = [path] { return map_file(path); };
    return source;
  }

  LoadedModel loaded_;
  Question question_;
};

}  // namespace
}  // namespace pellucid

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("engine_bench MODEL.pt2 INPUT.npy\n", stderr), 2;
  try {
    pellucid::watch_memory();
    pellucid::EngineBench bench(argv[1], argv[2]);
    std::string line;
    while (std::getline(std::cin, line)) std::cout << bench.milliseconds(line) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}

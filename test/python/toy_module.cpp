// A second, tiny module for the tests of Python's face: a Catalogue with operations and a method
// that pellucid._engine was built without. It must find them with no line written for them.
#include "pellucid/formats/table.h"
#include "pellucid/operation/loaded_model.h"
#include "python/engine/methods.h"
#include "test/toy_method.h"

namespace pellucid {
namespace {

struct Settings {
  std::string word = "hum";
  std::int64_t times = 2;
  bool loud = false;
  std::vector<std::string> method = {"toy_method"};
};
constexpr std::string_view formats_written[] = {"txt"};
constexpr Option options[] = {
    option<&Settings::word>("word", "What is repeated."),
    option<&Settings::times>("how_often", "How often.").between(1, 9),
    option<&Settings::loud>("loud", "In capitals."),
    option<&Settings::method>("method", "Which methods.").shown_as("METHOD"),
};

Answer run_toy(const Request& request, const Surroundings& around, const Settings& settings) {
  Answer answer;
  for (int i = 0; i < settings.times; ++i) answer.text += settings.loud ? "HUM" : settings.word;
  answer.document = {{"said", answer.text},
                     {"set", toy_set(request, around, settings.method)},
                     {"model", around.model == nullptr ? "none" : around.model->name()}};
  for (const RequestInput& input : request.inputs)
    around.artefact({input.stem + ".toy.txt", "text/plain", input.read()});
  return answer;
}

constexpr Operation toy = {
    .name = "toy",
    .group = "Look",
    .summary = "Hums a word.",
    .subject = Subject::none,
    .inputs = Inputs::none,
    .options = options,
    .bare_word = "word",
    .takes_settings = true,
    .defaults = settings_of<run_toy, options>,
    .run = operate<run_toy, options>,
};
constexpr Operation toy_of_model = {
    .name = "toy_of_model",
    .group = "Look",
    .summary = "Hums to a model.",
    .details = "It does not listen.",
    .inputs = Inputs::required,
    .options = options,
    .takes_settings = true,
    .formats = formats_written,
    .defaults = settings_of<run_toy, options>,
    .run = operate<run_toy, options>,
};
constexpr Operation elsewhere = {
    .name = "elsewhere",
    .group = "Look",
    .summary = "Is for the command line.",
    .subject = Subject::none,
    .faces = Faces::command_line,
    .options = options,
    .defaults = settings_of<run_toy, options>,
    .run = operate<run_toy, options>,
};

OpenCatalogue catalogue() {
  const auto known = formats();
  return OpenCatalogue({.operations = {&toy, &toy_of_model, &elsewhere},
                        .methods = {&toy_method},
                        .formats = {known.begin(), known.end()}});
}

}  // namespace
}  // namespace pellucid

PYBIND11_MODULE(pellucid_toy, module) { module.def("catalogue", pellucid::catalogue); }

// A method of Python is an entry like any other: its texts and options are the entry's, its
// function takes the GIL while Python's runs.
#include "methods.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "asking.h"
#include "pellucid/explain/completeness.h"
#include "pellucid/explain/grid.h"
#include "pellucid/explain/inputs.h"
#include "pellucid/model/layers.h"

namespace py = pybind11;

namespace pellucid {
namespace {

std::string_view text(const Json& object, const char* key) {
  return object.at(key).get_ref<const std::string&>();
}

template <class Value, std::size_t Count>
Value named(std::string_view word, const char* what, const Value (&values)[Count]) {
  std::vector<std::string> names;
  for (const Value value : values) {
    if constexpr (std::is_same_v<Value, Promise>)
      names.push_back(to_strings(value).front());
    else
      names.emplace_back(to_string(value));
    if (names.back() == word) return value;
  }
  throw usage_error("\"" + std::string(word) + "\" is nothing that a method " + what)
      .hint("there are " + join(names, ", "));
}

Needs needs_of(std::string_view word) {
  return named(word, "needs", {Needs::forward, Needs::gradient, Needs::activations});
}

Promise promises_of(const Json& words) {
  Promise all = Promise::none;
  for (const Json& word : words) {
    all = all | named(word.get<std::string>(), "promises",
                      {Promise::deterministic, Promise::completeness, Promise::sensitivity,
                       Promise::symmetry, Promise::implementation_invariance});
  }
  return all;
}

OptionType type_of(std::string_view word) {
  if (word == "boolean") return OptionType::boolean;
  if (word == "integer") return OptionType::integer;
  if (word == "number") return OptionType::real;
  return word == "list" ? OptionType::list : OptionType::text;
}

// Shared with what the caller handed over: who writes into it is found out by its version.
py::list named_tensors(const Question& question, const std::vector<at::Tensor>& tensors) {
  py::list list;
  for (std::size_t i = 0; i < question.inputs.size(); ++i) {
    list.append(py::make_tuple(question.inputs[i].name, tensors[i].detach(),
                               question.inputs[i].attributable));
  }
  return list;
}

// Refuses an answer whose method wrote into what it was lent.
class Lent {
 public:
  explicit Lent(const Question& question) {
    for (const NamedTensor& input : question.inputs) add(input.data);
    for (const at::Tensor& baseline : question.baselines) add(baseline);
  }
  void check() const {
    for (const auto& [tensor, version] : versions_) {
      if (tensor._version() != version) {
        throw usage_error("the method wrote into a tensor of the question")
            .hint("work on a copy: question.input.clone()");
      }
    }
  }

 private:
  void add(const at::Tensor& tensor) {
    if (tensor.defined() && !tensor.is_inference())
      versions_.emplace_back(tensor, tensor._version());
  }
  std::vector<std::pair<at::Tensor, std::int64_t>> versions_;
};

// The probe of one call: whoever keeps it longer is refused.
class Call {
 public:
  Call(const Question& question, Probe& probe, Needs needs)
      : asking_(std::make_shared<Asking>(question, probe, needs)) {}
  ~Call() { asking_->end(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  const std::shared_ptr<Asking>& asking() const { return asking_; }

 private:
  std::shared_ptr<Asking> asking_;
};

std::string shape_of(at::IntArrayRef sizes) {
  std::string shape;
  for (const std::int64_t size : sizes) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  return "[" + shape + "]";
}

}  // namespace

PythonMethod::PythonMethod(Json description, py::function function)
    : description_(std::move(description)), function_(std::move(function)) {
  const Json& options = description_.at("options");
  choices_.reserve(options.size());
  for (const Json& each : options) {
    Option option;
    option.name = text(each, "name");
    option.help = text(each, "help");
    option.type = type_of(text(each, "type"));
    option.least = each.value("least", option.least);
    option.most = each.value("most", option.most);
    option.may_be_null = each.at("default").is_null();
    auto& choices = choices_.emplace_back();
    if (each.contains("choices")) {
      for (const Json& choice : each.at("choices"))
        choices.push_back(choice.get_ref<const std::string&>());
    }
    option.choices = choices;
    options_.push_back(option);
  }
  entry_.name = text(description_, "name");
  entry_.title = text(description_, "title");
  entry_.summary = text(description_, "summary");
  entry_.citation = text(description_, "citation");
  entry_.options = options_;
  entry_.needs = needs_of(text(description_, "needs"));
  entry_.promises = promises_of(description_.at("promises"));
  entry_.coordinates =
      text(description_, "coordinates") == "layer" ? Coordinates::layer : Coordinates::input;
  entry_.uses_baseline = description_.at("uses_baseline").get<bool>();
  entry_.uses_layer = description_.at("uses_layer").get<bool>();
  check_settings(entry_.options, defaults(), "default of");
  if (has(entry_.promises, Promise::completeness) &&
      (!entry_.uses_baseline || entry_.coordinates == Coordinates::layer)) {
    throw usage_error("completeness is of scores per input value, against a baseline")
        .at("method " + std::string(entry_.name))
        .hint("declare uses_baseline=True, or leave the promise out");
  }
}

Json PythonMethod::defaults() const {
  Json all = Json::object();
  for (const Json& option : description_.at("options"))
    all[std::string(text(option, "name"))] = option.at("default");
  return all;
}

Attribution PythonMethod::explain(const Question& question, Probe& probe, const Json& settings,
                                  CallsToPython& calls) const {
  Attribution answer;
  calls.attempt([&] {
    const Lent lent(question);
    const Call call(question, probe, entry_.needs);
    std::vector<at::Tensor> data;
    for (const NamedTensor& input : question.inputs) data.push_back(input.data);
    const py::tuple parts = py::make_tuple(
        named_tensors(question, data),
        question.baselines.empty() ? py::list() : named_tensors(question, baselines_of(question)),
        question.layer ? py::object(py::str(question.layer_name)) : py::none(), question.seed);
    const py::tuple told = function_(parts, call.asking(), to_text(settings, false));
    lent.check();
    answer = answer_of(told, question);
  });
  if (has(entry_.promises, Promise::completeness)) {
    add_completeness(answer, probe.target(data_of(question), question.targets),
                     probe.target(baselines_of(question), question.targets));
  }
  return answer;
}

Attribution PythonMethod::answer_of(const py::tuple& told, const Question& question) const {
  Attribution answer;
  const std::string unit(text(description_, "unit"));
  for (const auto& [given, scores] :
       told[0].cast<std::vector<std::pair<std::string, at::Tensor>>>()) {
    Map map{given, entry_.coordinates, scores.detach().to(at::kFloat).contiguous(),
            description_.at("positive_part").get<bool>(), unit};
    const auto refuse = [&](const std::string& expected) {
      return usage_error("scores of shape " + shape_of(map.scores.sizes()) + " do not fit")
          .at(map.name)
          .hint("expected " + expected);
    };
    if (entry_.coordinates == Coordinates::layer) {
      map.name = find_layer(*question.model->graph, given).name;
      if (map.scores.dim() != 3 || map.scores.size(0) != question.batch())
        throw refuse("[" + std::to_string(question.batch()) +
                     ", height, width] of the layer's grid");
    } else {
      const auto input = std::ranges::find(question.inputs, given, &NamedTensor::name);
      if (input == question.inputs.end())
        throw usage_error("scores for an input that the model does not have").at(given);
      if (map.scores.sizes() != input->data.sizes())
        throw refuse("those of the input, " + shape_of(input->data.sizes()));
    }
    // Python may keep what it returned.
    if (map.scores.is_alias_of(scores)) map.scores = map.scores.clone();
    answer.maps.push_back(std::move(map));
  }
  if (answer.maps.empty()) throw usage_error("the method returned no scores");
  using Told = std::tuple<std::string, std::string, std::optional<double>, std::optional<double>,
                          std::string>;
  answer.checks.resize(static_cast<std::size_t>(question.batch()));
  const auto checks = told[1].cast<std::vector<std::vector<Told>>>();
  if (checks.size() > 1 && checks.size() != answer.checks.size())
    throw usage_error(std::to_string(checks.size()) + " samples' checks for " +
                      std::to_string(answer.checks.size()) + " samples");
  for (std::size_t n = 0; n < answer.checks.size() && !checks.empty(); ++n) {
    for (const auto& [name, verdict, value, threshold, words] : checks[checks.size() > 1 ? n : 0])
      answer.checks[n].push_back({name, verdict, value, threshold, words});
  }
  answer.notes = told[2].cast<std::vector<std::string>>();
  return answer;
}

void OpenCatalogue::add(std::shared_ptr<const PythonMethod> method) {
  const std::string_view name = method->entry().name;
  if (std::ranges::find(tables_.methods, name, &Method::name) != tables_.methods.end()) {
    throw usage_error("the engine has a method \"" + std::string(name) + "\" of its own")
        .hint("give yours another name");
  }
  std::erase_if(methods_, [&](const auto& own) { return own->entry().name == name; });
  methods_.push_back(std::move(method));
}

bool OpenCatalogue::remove(std::string_view name, const PythonMethod* only) {
  return std::erase_if(methods_, [&](const auto& own) {
           return own->entry().name == name && (only == nullptr || own.get() == only);
         }) > 0;
}

RequestCatalogue::RequestCatalogue(const OpenCatalogue& catalogue, CallsToPython& calls)
    : tables_(catalogue.tables()) {
  for (const auto& method : catalogue.methods()) {
    Tied& tied = tied_.emplace_back(Tied{method, &calls, method->entry()});
    tied.entry.explain = {
        [](const void* state, const Question& question, Probe& probe, const Json& settings) {
          const auto& own = *static_cast<const Tied*>(state);
          return own.method->explain(question, probe, settings, *own.calls);
        },
        &tied};
    tied.entry.defaults = {
        [](const void* state) { return static_cast<const Tied*>(state)->method->defaults(); },
        &tied};
    tables_.methods.push_back(&tied.entry);
  }
}

}  // namespace pellucid

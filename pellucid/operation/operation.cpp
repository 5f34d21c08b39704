// The one door to the operations: a request is checked against the table before anything runs, and
// foreign exceptions leave as pellucid::Error.
#include "pellucid/operation/operation.h"

#include <c10/util/Exception.h>

#include <new>

#include "pellucid/base/phrases.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/operation/reproduction.h"
#include "pellucid/operation/spelling.h"
#include "pellucid/report/html.h"

namespace pellucid {
namespace {

// LibTorch's warnings speak to its own developers; what a user must know the operations say.
struct Silence : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

template <class Entry>
std::vector<std::string> names_of(const std::vector<const Entry*>& table) {
  std::vector<std::string> names;
  for (const Entry* entry : table) names.emplace_back(entry->name);
  return names;
}

void check(const Operation& operation, const Request& request, const Surroundings& surroundings) {
  const std::string verb(operation.name);
  check_settings(operation.options, request.options, "option of " + verb);
  if (!request.settings.empty() && !operation.takes_settings) {
    throw usage_error(verb + " takes no method settings");
  }
  if (operation.subject == Subject::model && surroundings.model == nullptr) {
    throw usage_error(verb + " needs a model");
  }
  if (operation.subject == Subject::models && surroundings.models.empty()) {
    throw usage_error(verb + " needs one model or more");
  }
  if (operation.inputs == Inputs::none && !request.inputs.empty()) {
    throw usage_error(verb + " takes no inputs").at(request.inputs.front().name);
  }
  if (operation.inputs == Inputs::required && request.inputs.empty()) {
    throw usage_error(verb + " needs an input")
        .hint("give a picture, an .npy file or a folder of them");
  }
}

Artefact report_of(const Operation& operation, const Answer& answer, Json exhibits,
                   Language language) {
  const std::string name(operation.name);
  Json failures = Json::array();
  for (const Failure& failure : answer.failures)
    failures.push_back({{"input", failure.input}, {"error", line_of(failure.error, language)}});
  Json report = {{"operation",
                  {{"name", name},
                   {"group", translated(language, operation.group)},
                   {"summary", translated(language, operation.summary)}}},
                 {"document", answer.document},
                 {"warnings", answer.warnings},
                 {"failures", std::move(failures)},
                 {"exhibits", std::move(exhibits)}};
  return {name + ".html", "text/html; charset=utf-8",
          html_report(std::move(report), "pellucid " + name, language)};
}

Answer run(const Operation& operation, const Request& request, const Surroundings& surroundings) {
  const bool reported = surroundings.artefact && wants_report(request);
  Surroundings own = surroundings;
  Json exhibits = Json::array();
  if (reported) own.exhibit = [&](Json&& exhibit) { exhibits.push_back(std::move(exhibit)); };
  Answer answer = operation.run(request, own);
  for (std::string& warning : answer.warnings)
    warning = rephrased(surroundings.language, spelled_for(surroundings.face, operation, warning));
  for (Failure& failure : answer.failures)
    failure.error = spelled_for(surroundings.face, operation, failure.error);
  answer.document[reproduction_key] = reproduction(operation, request, surroundings);
  if (reported)
    surroundings.artefact(report_of(operation, answer, std::move(exhibits), surroundings.language));
  return answer;
}

}  // namespace

bool wants_report(const Request& request) {
  const auto format = request.options.find("format");
  return format != request.options.end() && format->is_array() &&
         std::ranges::find(*format, "html") != format->end();
}

Json to_json(const Failure& failure) {
  return {{"input", failure.input}, {"error", failure.error.what()}};
}

std::string_view to_string(Inputs inputs) {
  switch (inputs) {
    case Inputs::none:
      return "none";
    case Inputs::optional:
      return "optional";
    case Inputs::required:
      return "required";
  }
  return "";
}

const Operation* Catalogue::find_operation(std::string_view name) const {
  const auto found = std::ranges::find(operations, name, &Operation::name);
  return found == operations.end() ? nullptr : *found;
}

const Method& Catalogue::method(std::string_view name) const {
  const auto found = std::ranges::find(methods, name, &Method::name);
  if (found != methods.end()) return **found;
  // Names are written with hyphens, too, by people who come from other tools.
  std::string underscored = lower_case(name);
  std::ranges::replace(underscored, '-', '_');
  const auto again = std::ranges::find(methods, underscored, &Method::name);
  if (again != methods.end()) return **again;
  const auto names = names_of(methods);
  const std::string like = nearest(underscored, names);
  throw usage_error("unknown method \"" + std::string(name) + "\"")
      .hint(like.empty() ? "there are " + join(names, ", ") : "did you mean " + like + "?");
}

Answer perform(const Operation& operation, const Request& request,
               const Surroundings& surroundings) {
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  try {
    check(operation, request, surroundings);
    return run(operation, request, surroundings);
  } catch (const Error& error) {
    if (surroundings.face == Faces::command_line) throw;
    throw spelled_for(surroundings.face, operation, error);
  } catch (const std::bad_alloc&) {
    throw Error(Fault::too_large, "not enough memory")
        .at(operation.name)
        .hint("set a --memory-limit");
  } catch (const c10::Error& error) {
    throw internal_error(first_line(error.what_without_backtrace())).at(operation.name);
  } catch (const std::exception& error) {
    throw internal_error(first_line(error.what())).at(operation.name);
  }
}

}  // namespace pellucid

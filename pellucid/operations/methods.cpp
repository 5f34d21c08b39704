// methods: which methods there are, what each needs and promises, and what can be set.
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

struct Settings : ReportSettings {
  std::optional<std::string> name;
};

constexpr std::array own = {
    option<&Settings::name>("name", "One method, with its options in full.").shown_as("METHOD"),
};
constexpr auto options = all_options(own, report_options<Settings>);

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  Answer answer;
  const auto& catalogue = *surroundings.catalogue;
  if (settings.name) {
    const Method& method = catalogue.method(*settings.name);
    answer.document = method_document(method);
    answer.text = method_text(method, surroundings.language);
    return answer;
  }
  Json list = Json::array();
  for (const Method* method : catalogue.methods) list.push_back(method_document(*method));
  answer.document["methods"] = std::move(list);
  answer.text = methods_table(catalogue.methods, surroundings.language);
  return answer;
}

}  // namespace

extern constinit const Operation methods = {
    .name = "methods",
    .group = "Lists",
    .summary =
        "Lists the explanation methods: what they need, promise and cite, and their options.",
    .subject = Subject::none,
    .options = options,
    .bare_word = "name",
    .formats = report_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

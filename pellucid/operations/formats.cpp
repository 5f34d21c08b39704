// formats: which model files can be read, and which files an answer can be.
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

struct Settings : ReportSettings {};

constexpr std::array options = report_options<Settings>;

struct AnswerFormat {
  std::string_view name, summary;
};

constexpr AnswerFormat described[] = {
    {"png", "a picture of pixels"},
    {"svg", "a drawing for the web"},
    {"pdf", "a drawing for print"},
    {"npy", "raw numbers, float32 where they are scores"},
    {"json", "the whole answer as a document"},
    {"html", "a page in one file"},
    {"csv", "a table"},
};

// The verbs whose table names the format.
std::vector<std::string> verbs_with(const Catalogue& catalogue, std::string_view format) {
  std::vector<std::string> verbs;
  for (const Operation* operation : catalogue.operations) {
    if (std::ranges::find(operation->formats, format) != operation->formats.end())
      verbs.emplace_back(operation->name);
  }
  return verbs;
}

Answer run(const Request&, const Surroundings& surroundings, const Settings&) {
  const Language language = surroundings.language;
  Answer answer;
  Json readable = Json::array(), writable = Json::array();
  Table model_rows, answer_rows;
  for (const Format* format : surroundings.catalogue->formats) {
    readable.push_back(
        {{"name", format->name}, {"summary", format->summary}, {"extensions", format->extensions}});
    model_rows.push_back({std::string(format->name), std::string(format->extensions),
                          std::string(translated(language, format->summary))});
  }
  for (const AnswerFormat& format : described) {
    const std::vector<std::string> verbs = verbs_with(*surroundings.catalogue, format.name);
    if (verbs.empty()) continue;
    writable.push_back({{"name", format.name}, {"summary", format.summary}, {"verbs", verbs}});
    answer_rows.push_back({std::string(format.name),
                           std::string(translated(language, format.summary)), join(verbs, ", ")});
  }
  answer.document = {{"model_files", readable}, {"answer_formats", writable}};
  answer.text = say(language, "Model files") + "\n" + table_text(model_rows) + "\n" +
                say(language, "Answer formats") + "\n" + table_text(answer_rows);
  return answer;
}

}  // namespace

extern constinit const Operation formats = {
    .name = "formats",
    .group = "Lists",
    .summary = "Lists the model files that can be read and the files that answers are written as.",
    .subject = Subject::none,
    .options = options,
    .formats = report_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

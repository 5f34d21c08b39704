// Words → request → perform → files, text and an exit code. The only place where an Error becomes a
// line on stderr.
#include "command_line.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <chrono>
#include <memory>
#include <ostream>

#include "files.h"
#include "help.h"
#include "pellucid/base/phrases.h"
#include "progress_bar.h"
#include "words.h"

namespace pellucid {
namespace {

constexpr int done = 0, nothing_done = 1, wrong_usage = 2, some_failed = 3, interrupted = 130;

int exit_code(Fault fault) {
  if (fault == Fault::usage) return wrong_usage;
  return fault == Fault::cancelled ? interrupted : nothing_done;
}

// What is wrong for every input is wrong in the request.
int exit_code(const Answer& answer) {
  const auto is_usage = [](const Failure& failure) {
    return failure.error.fault() == Fault::usage;
  };
  if (answer.nothing_done)
    return std::ranges::all_of(answer.failures, is_usage) ? wrong_usage : nothing_done;
  if (answer.verdict_failed) return nothing_done;
  return answer.failures.empty() ? done : some_failed;
}

Json failures_of(const Answer& answer) {
  Json list = Json::array();
  for (const Failure& failure : answer.failures) list.push_back(to_json(failure));
  return list;
}

// As they were given, and the defaults of the others.
Json effective_options(const Command& command) {
  Json options = command.operation->defaults ? command.operation->defaults() : Json::object();
  options.update(command.options);
  return options;
}

void write_run_record(OutputFolder& folder, const Command& command, const Answer& answer,
                      const std::string& started, double seconds) {
  Json record = {{"pellucid", PELLUCID_VERSION},
                 {"libtorch", TORCH_VERSION},
                 {"operation", command.operation->name}};
  record["started"] = started;
  record["seconds"] = seconds;
  record["threads"] = at::get_num_threads();
  record["options"] = effective_options(command);
  if (command.operation->takes_settings) record["set"] = command.settings;
  record["inputs"] = command.inputs;
  record["files"] = folder.written();
  record["warnings"] = answer.warnings;
  record["failures"] = failures_of(answer);
  // Model, samples, times and whatever else the operation found worth keeping.
  for (const auto& [key, value] : answer.document.items()) {
    if (!record.contains(key)) record[key] = value;
  }
  folder.write("run.json", {"run.json", "application/json", bytes_of(to_text(record) + "\n")});
}

class Run {
 public:
  Run(const Command& command, const Catalogue& catalogue, const Console& console)
      : command_(command),
        catalogue_(catalogue),
        console_(console),
        language_(language(command.face.lang)) {}

  int run() {
    const auto start = std::chrono::steady_clock::now();
    const std::string started = utc_now();
    const Operation& operation = *command_.operation;
    if (!operation.formats.empty() && !asked_formats().empty()) folder_.emplace(command_.face.out);
    if (!operation.writes.empty()) file_.emplace(command_.file, operation.writes);
    Request request;
    request.options = command_.options;
    request.settings = command_.settings;
    std::vector<std::string> passed_over;
    request.inputs = read_inputs(command_.inputs, passed_over);
    if (operation.subject == Subject::model) {
      model_ = std::make_unique<LoadedModel>(
          model_source(command_.model, command_.face.metadata, command_.face.labels),
          catalogue_.formats);
    }
    if (operation.subject == Subject::models) {
      for (auto& [name, source] : model_sources(command_.models)) {
        models_.push_back(std::make_unique<LoadedModel>(std::move(source), catalogue_.formats));
        named_.push_back({name, models_.back().get()});
      }
    }
    ProgressBar bar(console_.err, console_.progress && !command_.face.quiet, language_);
    const auto keep_record = [&](const Answer& answer) {
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      write_run_record(*folder_, command_, answer, started, seconds);
    };
    Answer answer;
    try {
      answer = perform(operation, request, surroundings(bar));
    } catch (const Error& error) {
      bar.clear();
      // The files of a run that stopped half-way have their record, too.
      if (folder_ && !request.inputs.empty() && !folder_->written().empty()) {
        answer.document["stopped"] = error.what();
        keep_record(answer);
      }
      throw;
    }
    bar.clear();
    if (!passed_over.empty()) answer.warnings.push_back(passed_over_words(passed_over, language_));
    const bool only_failure = answer.nothing_done && answer.failures.size() == 1;
    if (folder_ && !request.inputs.empty() && !only_failure) keep_record(answer);
    print(answer);
    return exit_code(answer);
  }

 private:
  Json asked_formats() const {
    const Json all = effective_options(command_);
    return all.contains("format") ? all["format"] : Json(command_.operation->formats);
  }

  Surroundings surroundings(ProgressBar& bar) {
    Surroundings around;
    around.catalogue = &catalogue_;
    around.model = model_.get();
    around.models = named_;
    around.cancellation = console_.cancellation;
    around.progress = [&bar](const Progress& progress) { bar.tell(progress); };
    around.artefact = [this](Artefact&& artefact) {
      if (folder_) folder_->write(artefact.name, artefact);
      if (file_) file_->write(artefact);
    };
    if (!command_.face.json) {
      around.text = [this, &bar](std::string_view text) {
        bar.clear();
        console_.out << text << std::flush;
      };
    }
    around.open_file = [](const std::string& path) { return read_file(path); };
    around.language = language_;
    return around;
  }

  void print(const Answer& answer) const {
    for (const Failure& failure : answer.failures) complain(failure.error);
    if (!command_.face.quiet) {
      for (const std::string& warning : answer.warnings) {
        console_.err << say(language_, "warning: {0}", {on_one_line(warning)}) << "\n";
      }
    }
    if (command_.face.json) {
      Json document = answer.document;
      if (!answer.warnings.empty()) document["warnings"] = answer.warnings;
      if (!answer.failures.empty()) document["failures"] = failures_of(answer);
      console_.out << to_text(document) << "\n";
      return;
    }
    console_.out << answer.text;
    if (!answer.text.empty() && !answer.text.ends_with('\n')) console_.out << "\n";
    if (file_ && file_->bytes() > 0 && !command_.face.quiet) {
      console_.out << on_one_line(file_->path()) << ": " << human_bytes(file_->bytes()) << "\n";
    }
    if (!folder_ || folder_->written().empty() || command_.face.quiet) return;
    const std::size_t count = folder_->written().size();
    const std::string folder = on_one_line(folder_->path());
    console_.out << (count == 1
                         ? say(language_, "1 file in {0}", {folder})
                         : say(language_, "{0} files in {1}", {std::to_string(count), folder}))
                 << "\n";
  }

  void complain(const Error& error) const {
    console_.err << "pellucid: " << on_one_line(line_of(error, language_)) << "\n";
  }

  const Command& command_;
  const Catalogue& catalogue_;
  const Console& console_;
  Language language_;
  std::optional<OutputFolder> folder_;
  std::optional<OutputFile> file_;
  std::unique_ptr<LoadedModel> model_;
  std::vector<std::unique_ptr<LoadedModel>> models_;
  std::vector<NamedModel> named_;
};

// For what is wrong with the words: they can't be read, and yet their reader has a language.
Language wished_language(std::span<const std::string_view> words) {
  constexpr std::string_view flag = "--lang";
  std::string_view wish;
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i] == flag && i + 1 < words.size()) wish = words[i + 1];
    if (words[i].starts_with(flag) && words[i].substr(flag.size()).starts_with('='))
      wish = words[i].substr(flag.size() + 1);
  }
  return wish == "zh" ? Language::chinese : Language::english;
}

int run_command(const Command& command, const Catalogue& catalogue, const Console& console) {
  const Language in = language(command.face.lang);
  if (command.version) {
    console.out << "pellucid " PELLUCID_VERSION " (LibTorch " TORCH_VERSION ")\n";
  } else if (command.man) {
    console.out << man_page(catalogue);
  } else if (!command.completions.empty()) {
    console.out << completions(command.completions, catalogue);
  } else if (command.operation != nullptr && command.help) {
    console.out << verb_help(*command.operation, in);
  } else if (command.operation == nullptr) {
    console.out << general_help(catalogue, in);
    return command.help ? done : wrong_usage;
  } else {
    return Run(command, catalogue, console).run();
  }
  return done;
}

}  // namespace

int run_command_line(std::span<const std::string_view> words, const Catalogue& catalogue,
                     const Console& console) {
  const Language in = wished_language(words);
  int code = nothing_done;
  try {
    code = run_command(read_words(words, catalogue), catalogue, console);
  } catch (const Error& error) {
    console.err << "pellucid: " << on_one_line(line_of(error, in)) << "\n";
    code = exit_code(error.fault());
  } catch (const std::exception& error) {
    console.err << "pellucid: " << on_one_line(first_line(error.what())) << "\n";
  }
  console.out.flush();
  if (!console.out && code == done) {
    console.err << "pellucid: "
                << rephrased(in, "the answer could not be written to standard output") << "\n";
    code = nothing_done;
  }
  return code;
}

}  // namespace pellucid

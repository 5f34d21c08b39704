// doctor: is this installation sound? Versions, processor, memory, fonts, the cache, and one small
// explanation whose right answer is known from finite differences.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "pellucid/base/user_cache.h"
#include "pellucid/operation/operation.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/operation/self_test.h"
#include "pellucid/render/fonts.h"
#include "pellucid/report/documents.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

namespace fs = std::filesystem;

struct Settings : ReportSettings {};
constexpr std::array options = report_options<Settings>;

struct Finding {
  std::string name;  // English: programs look for it
  std::string value;
  std::string verdict =
      "pass";  // "warn": something will not work; "fail": answers can't be trusted
  std::string remedy = {};
};

std::int64_t memory(std::string_view wanted) {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    std::getline(file, unit);
    if (name == wanted) return kilobytes * 1024;
  }
  return 0;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name"))
      return line.substr(std::min(line.find(": ") + 2, line.size()));
  }
  return "";
}

class Examination {
 public:
  explicit Examination(const Surroundings& surroundings) : surroundings_(surroundings) {}

  Answer run() {
    versions();
    machine();
    gpu();
    fonts();
    cache();
    self_test();
    return answer();
  }

 private:
  std::string tell(std::string_view text,
                   std::initializer_list<std::string_view> values = {}) const {
    return say(surroundings_.language, text, values);
  }
  void find(std::string name, std::string value) {
    findings_.push_back({std::move(name), std::move(value)});
  }

  void versions() {
    find("pellucid", PELLUCID_VERSION);
    find("LibTorch", TORCH_VERSION);
    std::vector<std::string> formats, methods;
    for (const Format* format : surroundings_.catalogue->formats)
      formats.emplace_back(format->name);
    for (const Method* method : surroundings_.catalogue->methods)
      methods.emplace_back(method->name);
    find("model files", join(formats, ", "));
    find("methods", join(methods, ", "));
  }

  void machine() {
    const std::string capability = at::get_cpu_capability();
    const std::string name = processor();
    Finding cpu{"processor", (name.empty() ? "" : name + ", ") + capability};
    if (capability == "DEFAULT" || capability == "NO AVX") {
      cpu.verdict = "warn";
      cpu.remedy = tell(
          "LibTorch uses no vector instructions here, which is slow; unset ATEN_CPU_CAPABILITY, or "
          "use a "
          "processor with AVX2");
    }
    findings_.push_back(std::move(cpu));
    find("oneDNN", at::globalContext().hasMKLDNN() ? tell("yes") : tell("no"));
    find("threads",
         tell("{0} of {1} processors", {std::to_string(at::get_num_threads()),
                                        std::to_string(std::thread::hardware_concurrency())}));
    const std::int64_t available = memory("MemAvailable:"), total = memory("MemTotal:");
    if (total == 0) return;
    Finding ram{"memory", tell("{0} free of {1}", {human_bytes(static_cast<double>(available)),
                                                   human_bytes(static_cast<double>(total))})};
    if (available < (std::int64_t{1} << 30)) {
      ram.verdict = "warn";
      ram.remedy = tell("less than 1 GiB is free: close programs, or give --memory-limit");
    }
    findings_.push_back(std::move(ram));
  }

  void gpu() {
    const bool found = at::globalContext().hasCUDA();
    find("GPU", found ? tell("CUDA, for --device cuda")
                      : tell("none for this LibTorch; everything works on the processor"));
  }

  void fonts() {
    const FontReport report = font_report();
    find("font", report.latin + (report.latin_file.empty() ? "" : " (" + report.latin_file + ")"));
    Finding chinese{"Chinese font", report.chinese + " (" + report.chinese_file + ")"};
    if (report.chinese.empty()) {
      chinese.value = tell("none");
      chinese.verdict = "warn";
      chinese.remedy = tell(
          "labels in Chinese are left out of pictures; install fonts-noto-cjk or "
          "fonts-wqy-microhei");
    }
    findings_.push_back(std::move(chinese));
  }

  void cache() {
    const fs::path folder = cache_folder();
    Finding cache{"cache", folder.string()};
    if (!write_cached("doctor", "written", true)) {
      cache.verdict = "warn";
      cache.remedy = tell(
          "nothing can be kept there, so every start checks its model again; set XDG_CACHE_HOME to "
          "a "
          "folder that can be written");
    }
    findings_.push_back(std::move(cache));
  }

  void self_test() {
    for (const Check& check : run_self_test(*surroundings_.catalogue, surroundings_.language)) {
      Finding finding{check.name, check.words, check.verdict};
      if (check.verdict == "fail") {
        finding.remedy = tell(
            "answers of this build can't be trusted: build it again with `./dev build`, against "
            "another LibTorch if that does not help");
      }
      findings_.push_back(std::move(finding));
    }
  }

  Answer answer() const {
    Answer result;
    Table rows;
    result.document["findings"] = Json::array();
    int wrong = 0;
    for (const Finding& finding : findings_) {
      Json entry = {{"name", finding.name}, {"value", finding.value}, {"verdict", finding.verdict}};
      if (!finding.remedy.empty()) entry["remedy"] = finding.remedy;
      result.document["findings"].push_back(std::move(entry));
      rows.push_back({finding.verdict == "pass"   ? "✓"
                      : finding.verdict == "warn" ? "!"
                                                  : "✗",
                      std::string(translated(surroundings_.language, finding.name)),
                      on_one_line(finding.value)});
      if (finding.remedy.empty()) continue;
      rows.push_back({"", "", "→ " + finding.remedy});
      ++wrong;
    }
    result.verdict_failed = std::ranges::any_of(
        findings_, [](const Finding& finding) { return finding.verdict == "fail"; });
    result.document["verdict"] = result.verdict_failed ? "fail" : wrong > 0 ? "warn" : "pass";
    result.text = table_text(rows) + "\n";
    result.text += wrong == 0 ? tell("Everything is in order.")
                              : tell("{0} to mend, marked above.", {std::to_string(wrong)});
    result.text += "\n";
    return result;
  }

  const Surroundings& surroundings_;
  std::vector<Finding> findings_;
};

Answer run(const Request&, const Surroundings& surroundings, const Settings&) {
  return Examination(surroundings).run();
}

}  // namespace

extern constinit const Operation doctor = {
    .name = "doctor",
    .group = "Else",
    .summary =
        "Examines this installation: versions, processor, memory, fonts, a self-test; says how to "
        "mend what is wrong.",
    .subject = Subject::none,
    // What it says of folders and fonts is the host's own affair.
    .faces = Faces::command_line | Faces::python,
    .options = options,
    .formats = report_formats,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

// The inputs of all requests become one request. Each input's name and stem carry a mark of whom it
// belongs to; by these marks the answer is taken apart, and then they are removed. Invariant: what
// bears no mark or several (but for warnings and single values, which are everybody's) is given to
// nobody, so that no client sees a word of another.
#include "pellucid/operation/together.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <map>
#include <random>

#include "pellucid/base/bytes.h"
#include "pellucid/operation/report_settings.h"
#include "pellucid/operation/reproduction.h"

namespace pellucid {
namespace {

// One bit for each request that a text speaks of.
using Owners = std::uint64_t;
constexpr std::size_t most_requests = 64;

class Marks {
 public:
  // Nobody can guess it, so nobody can write another's mark. Its letters are safe in file names,
  // JSON and shells.
  Marks() : prefix_("of-") {
    std::random_device random;
    for (int i = 0; i < 2; ++i) {
      char digits[9];
      std::snprintf(digits, sizeof digits, "%08x", random());
      prefix_ += digits;
    }
    prefix_ += "-";
  }

  std::string of(std::size_t request) const { return prefix_ + std::to_string(request) + "-"; }

  Owners owners(std::string_view text) const {
    Owners all = 0;
    for_each(text, [&](std::size_t, std::size_t, std::size_t owner) { all |= Owners{1} << owner; });
    return all;
  }

  Owners owners_in(const Json& value) const {
    if (value.is_string()) return owners(value.get_ref<const std::string&>());
    Owners all = 0;
    if (value.is_object()) {
      // A key keeps its mark: nobody's.
      for (const auto& [key, item] : value.items())
        all |= owners(key) != 0 ? ~Owners{0} : owners_in(item);
    } else if (value.is_array()) {
      for (const Json& item : value) all |= owners_in(item);
    }
    return all;
  }

  std::string without(std::string_view text) const {
    std::string plain;
    std::size_t kept = 0;
    for_each(text, [&](std::size_t begin, std::size_t end, std::size_t) {
      plain += text.substr(kept, begin - kept);
      kept = end;
    });
    return plain += text.substr(kept);
  }

  void remove(Json& value) const {
    if (value.is_string()) {
      const std::string& text = value.get_ref<const std::string&>();
      if (owners(text) != 0) value = without(text);
    } else if (value.is_structured()) {
      for (Json& item : value) remove(item);
    }
  }

 private:
  // Calls found(begin, end, request) for each mark.
  template <class Found>
  void for_each(std::string_view text, const Found& found) const {
    for (std::size_t at = text.find(prefix_); at != std::string_view::npos;
         at = text.find(prefix_, at + 1)) {
      const char* const first = text.data() + at + prefix_.size();
      const char* const last = text.data() + text.size();
      std::size_t owner = 0;
      const auto read = std::from_chars(first, last, owner);
      if (read.ec != std::errc{} || read.ptr == last || *read.ptr != '-' || owner >= most_requests)
        continue;
      found(at, static_cast<std::size_t>(read.ptr + 1 - text.data()), owner);
    }
  }

  std::string prefix_;
};

bool one(Owners owners) { return std::has_single_bit(owners); }

// How many inputs there are for each of the model's.
std::map<std::string, std::size_t> counts(const Request& request) {
  std::map<std::string, std::size_t> all;
  for (const RequestInput& input : request.inputs) ++all[input.of];
  return all;
}

// A whole answer, taken apart.
class Split {
 public:
  Split(const Marks& marks, std::span<const Request* const> requests, Performed&& whole)
      : marks_(marks), requests_(requests), whole_(std::move(whole)), parts_(requests.size()) {}

  std::optional<std::vector<Performed>> parts() {
    const bool all = share_document() && share_words() && share_files();
    if (!all || whole_.answer.verdict_failed) return std::nullopt;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Answer& answer = parts_[i].answer;
      const std::size_t samples = counts(*requests_[i]).begin()->second;
      answer.nothing_done = answer.failures.size() >= samples;
    }
    return std::move(parts_);
  }

 private:
  Performed& owner(Owners owners) {
    return parts_[static_cast<std::size_t>(std::countr_zero(owners))];
  }

  bool share_document() {
    for (auto& [key, value] : whole_.answer.document.items()) {
      if (key == reproduction_key) continue;
      const Owners owners = marks_.owners_in(value);
      if (owners == 0) {
        for (Performed& part : parts_) part.answer.document[key] = value;
        continue;
      }
      if (!value.is_array()) return false;
      for (Performed& part : parts_) part.answer.document[key] = Json::array();
      for (Json& item : value) {
        const Owners own = marks_.owners_in(item);
        if (!one(own)) return false;
        marks_.remove(item);
        owner(own).answer.document[key].push_back(std::move(item));
      }
    }
    return true;
  }

  bool share_words() {
    for (const std::string& warning : whole_.answer.warnings) {
      const Owners owners = marks_.owners(warning);
      if (owners == 0) {
        for (Performed& part : parts_) part.answer.warnings.push_back(warning);
      } else if (one(owners)) {
        owner(owners).answer.warnings.push_back(marks_.without(warning));
      } else {
        return false;
      }
    }
    for (const Failure& failure : whole_.answer.failures) {
      const Owners owners = marks_.owners(failure.input);
      if (!one(owners) || (marks_.owners(failure.error.what()) & ~owners) != 0) return false;
      Error error(failure.error.fault(), marks_.without(failure.error.message()));
      error.at(marks_.without(failure.error.where()));
      error.hint(marks_.without(failure.error.remedy()));
      owner(owners).answer.failures.push_back({marks_.without(failure.input), std::move(error)});
    }
    return true;
  }

  bool share_files() {
    for (Artefact& file : whole_.artefacts) {
      const Owners owners = marks_.owners(file.name);
      const Owners inside = marks_.owners(text_of(file.bytes));
      if (!one(owners) || (inside & ~owners) != 0) return false;
      if (inside != 0) file.bytes = bytes_of(marks_.without(text_of(file.bytes)));
      file.name = marks_.without(file.name);
      owner(owners).artefacts.push_back(std::move(file));
    }
    return true;
  }

  const Marks& marks_;
  std::span<const Request* const> requests_;
  Performed whole_;
  std::vector<Performed> parts_;
};

}  // namespace

std::string company_of(const Operation& operation, const Request& request) {
  if (!operation.input_by_input || request.inputs.empty()) return {};
  // What is no sample alone would take another's inputs into its own.
  const auto names = counts(request);
  for (const auto& [name, count] : names) {
    if (count != names.begin()->second) return {};
  }
  // One page of a whole run is nobody's own.
  if (wants_report(request)) return {};
  Json company = {operation.name, request.options, request.settings};
  for (const auto& [name, count] : names) company.push_back(name);
  return to_text(company, false);
}

std::optional<std::vector<Performed>> perform_together(const Operation& operation,
                                                       std::span<const Request* const> requests,
                                                       const Surroundings& surroundings) {
  if (requests.size() > most_requests) throw internal_error("too many requests at once");
  const Marks marks;
  Request all;
  all.options = requests.front()->options;
  all.settings = requests.front()->settings;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (RequestInput input : requests[i]->inputs) {
      input.name = marks.of(i) + input.name;
      input.stem = marks.of(i) + input.stem;
      all.inputs.push_back(std::move(input));
    }
  }
  Performed whole;
  Surroundings around = surroundings;
  around.artefact = [&](Artefact&& file) { whole.artefacts.push_back(std::move(file)); };
  whole.answer = perform(operation, all, around);
  auto parts = Split(marks, requests, std::move(whole)).parts();
  for (std::size_t i = 0; parts && i < requests.size(); ++i) {
    (*parts)[i].answer.document[reproduction_key] =
        reproduction(operation, *requests[i], surroundings);
  }
  return parts;
}

}  // namespace pellucid

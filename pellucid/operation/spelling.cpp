#include "pellucid/operation/spelling.h"

#include <algorithm>
#include <cctype>

namespace pellucid {
namespace {

bool is_given_by_requests(Faces face, const Operation& operation, const std::string& name) {
  const auto option = std::ranges::find(operation.options, name, &Option::name);
  return option != operation.options.end() && !(face == Faces::http && option->host_only);
}

}  // namespace

std::string spelled_for(Faces face, const Operation& operation, const std::string& text) {
  if (face == Faces::command_line) return text;
  const auto is_letter = [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 || c == '-';
  };
  std::string spelled;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = text.compare(i, 2, "--") == 0 && (i == 0 || !is_letter(text[i - 1]));
    if (!begins) {
      spelled += text[i++];
      continue;
    }
    const auto end =
        std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i) + 2, text.end(), is_letter);
    const std::string flag(text.begin() + static_cast<std::ptrdiff_t>(i), end);
    std::string name = flag.substr(2);
    std::ranges::replace(name, '-', '_');
    if (operation.takes_settings && name == "set")
      spelled += "settings";
    else
      spelled += is_given_by_requests(face, operation, name) ? name : flag;
    i += flag.size();
  }
  return spelled;
}

Error spelled_for(Faces face, const Operation& operation, const Error& error) {
  Error spelled(error.fault(), spelled_for(face, operation, error.message()));
  if (!error.where().empty()) spelled.at(spelled_for(face, operation, error.where()));
  if (!error.remedy().empty()) spelled.hint(spelled_for(face, operation, error.remedy()));
  return spelled;
}

}  // namespace pellucid

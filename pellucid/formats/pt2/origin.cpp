// The innermost module and the innermost frame that is the user's own. Paths of the machine that
// exported the model are cut to their package, so that no answer tells where it was made.
#include "pellucid/formats/pt2/origin.h"

#include <algorithm>

namespace pellucid::pt2 {
namespace {

constexpr std::size_t longest = 1000;  // of a path; what is longer was not written by torch

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// torch's own files: "torch/nn/modules/conv.py" under site-packages or made relative.
bool is_torch(std::string_view file) { return file.starts_with("torch/") || file.starts_with('<'); }

}  // namespace

std::string module_path(std::string_view spelled) {
  if (spelled.size() > longest) return {};
  std::string path(spelled);
  if (path.find_first_of("['\"(") != path.npos) {
    // getattr(X, '0') → X.0, innermost first; then the subscripts.
    for (std::size_t open = path.rfind("getattr("); open != path.npos;
         open = path.rfind("getattr(")) {
      const std::size_t comma = path.find(", ", open), close = path.find(')', open);
      if (comma == path.npos || close == path.npos || comma > close) return {};
      std::string name = path.substr(comma + 2, close - comma - 2);
      std::erase_if(name, [](char c) { return c == '\'' || c == '"'; });
      path = path.substr(0, open) + path.substr(open + 8, comma - open - 8) + "." + name +
             path.substr(close + 1);
    }
    for (const std::string_view self : {"L['self']", "L[\"self\"]"})
      path = replaced(std::move(path), self, "");
    for (const auto& [what, by] :
         {std::pair{"['", "."}, {"[\"", "."}, {"']", ""}, {"\"]", ""}, {"[", "."}, {"]", ""}}) {
      path = replaced(std::move(path), what, by);
    }
    path = replaced(std::move(path), "._modules.", ".");
  }
  if (path.starts_with("_modules.")) path.erase(0, 9);
  while (path.starts_with('.')) path.erase(0, 1);
  return path;
}

std::string source_file(std::string_view path) {
  std::string file = replaced(std::string(path.substr(0, longest)), "\\", "/");
  for (const std::string_view packages : {"site-packages/", "dist-packages/"}) {
    if (const std::size_t at = file.rfind(packages); at != file.npos)
      return file.substr(at + packages.size());
  }
  const bool absolute = file.starts_with('/') || (file.size() > 1 && file[1] == ':');
  return absolute ? file.substr(file.rfind('/') + 1) : file;
}

Origin origin_of(std::string_view module_stack, std::string_view stack_trace) {
  Origin origin;
  // "key,path,class" of the innermost module; the key of a later use of the same module ends in
  // "@1".
  const std::string_view innermost = module_stack.substr(module_stack.rfind(';') + 1);
  const std::size_t first = innermost.find(','), last = innermost.rfind(',');
  // torch marks nodes that belong to no module by a name of its own.
  if (first != innermost.npos && last > first && !innermost.starts_with("_empty_nn_module_stack")) {
    const std::string_view key = innermost.substr(0, first);
    origin.module_path = module_path(innermost.substr(first + 1, last - first - 1));
    origin.module_class = std::string(innermost.substr(last + 1).substr(0, longest));
    const std::size_t mark = key.rfind('@');
    if (mark != key.npos && is_digits(key.substr(mark + 1)) &&
        origin.module_path.find('@') == std::string::npos) {
      origin.module_path += key.substr(mark);
    }
  }
  // Frames look like: File "path", line 12, in forward
  constexpr std::string_view opening = "File \"", middle = "\", line ";
  for (std::size_t at = stack_trace.rfind(opening); at != stack_trace.npos;
       at = stack_trace.rfind(opening, at - 1)) {
    const std::size_t begin = at + opening.size(), end = stack_trace.find('"', begin);
    const bool starts_line = at == 0 || stack_trace[at - 1] == ' ' || stack_trace[at - 1] == '\n';
    if (starts_line && end != stack_trace.npos &&
        stack_trace.substr(end, middle.size()) == middle) {
      const std::string file = source_file(stack_trace.substr(begin, end - begin));
      const std::string_view rest = stack_trace.substr(end + middle.size());
      const std::string_view line =
          rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
      if (!is_torch(file) && is_digits(line)) {
        origin.source = file + ":" + std::string(line.substr(0, 9));
        break;
      }
    }
    if (at == 0) break;
  }
  return origin;
}

}  // namespace pellucid::pt2

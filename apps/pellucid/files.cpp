// Inputs from folders, models from files, answers into a folder. Invariant: whatever happens (an
// error, a full disk, Ctrl-C), no file with half of its content stands under an answer's name.
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>
#include <utility>

#include "pellucid/model/file.h"

namespace pellucid {
namespace {

namespace fs = std::filesystem;

bool is_input_file(const fs::path& path) {
  static constexpr std::string_view endings[] = {".jpg", ".jpeg", ".png", ".webp",
                                                 ".tif", ".tiff", ".bmp", ".npy"};
  if (path.filename().string().starts_with('.')) return false;
  return std::ranges::find(endings, lower_case(path.extension().string())) != std::end(endings);
}

// The folder's inputs; the other files go into `passed_over`.
std::vector<std::string> files_below(const std::string& folder,
                                     std::vector<std::string>& passed_over) {
  std::vector<std::string> files;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(folder, options, error), end; !error && it != end;
       it.increment(error)) {
    const bool hidden = it->path().filename().string().starts_with('.');
    std::error_code ignored;
    if (hidden && it->is_directory(ignored)) it.disable_recursion_pending();
    if (hidden || !it->is_regular_file(ignored)) continue;
    (is_input_file(it->path()) ? files : passed_over).push_back(it->path().string());
  }
  if (error) throw input_error("can't list the folder: " + error.message()).at(folder);
  if (files.empty()) {
    throw input_error("no pictures and no .npy files in the folder")
        .at(folder)
        .hint("readable are JPEG, PNG, WebP, TIFF, BMP and .npy");
  }
  std::ranges::sort(files);
  std::ranges::sort(passed_over);
  return files;
}

// "x=cat.npy" is the file cat.npy under the name x, unless a file of that whole name exists.
std::pair<std::string, std::string> name_and_path(const std::string& word) {
  const std::size_t equals = word.find('=');
  std::error_code ignored;
  if (equals == std::string::npos || equals == 0 || fs::exists(word, ignored)) return {"", word};
  const std::string name = word.substr(0, equals);
  if (name.find('/') != std::string::npos) return {"", word};
  return {name, word.substr(equals + 1)};
}

RequestInput input_of(const std::string& word) {
  RequestInput input;
  std::string path;
  std::tie(input.of, path) = name_and_path(word);
  input.name = path;
  input.read = [path] { return read_file(path); };
  return input;
}

// The last `folders` folders of the path, then its name.
std::string tail(const fs::path& path, int folders, bool extension) {
  fs::path name = extension ? path.filename() : path.stem();
  fs::path folder = path.parent_path();
  for (int i = 0; i < folders && folder.has_filename(); ++i) {
    name = folder.filename() / name;
    folder = folder.parent_path();
  }
  return name.generic_string();
}

bool all_differ(std::span<RequestInput*> inputs, int folders, bool extension) {
  std::set<std::string> seen;
  for (RequestInput* input : inputs) {
    input->stem = tail(fs::absolute(input->name).lexically_normal(), folders, extension);
    if (!seen.insert(input->stem).second) return false;
  }
  return true;
}

// Inputs of one stem keep as many folders as tell them apart; files of one folder keep their
// extension.
void make_stems(std::vector<RequestInput>& inputs) {
  std::map<std::string, std::vector<RequestInput*>> groups;
  for (RequestInput& input : inputs) {
    groups[input.of + "=" + fs::path(input.name).stem().string()].push_back(&input);
  }
  constexpr int most_folders = 64;
  for (auto& [stem, group] : groups) {
    bool differ = false;
    for (int folders = 0; !differ && folders < most_folders; ++folders) {
      for (const bool extension : {false, true}) {
        differ = differ || all_differ(group, folders, extension);
      }
    }
    if (differ) continue;
    // The very same file twice.
    std::map<std::string, int> times;
    for (RequestInput* input : group) {
      input->stem = tail(fs::absolute(input->name).lexically_normal(), 1, true);
      const int time = ++times[input->stem];
      if (time > 1) input->stem.append("-").append(std::to_string(time));
    }
  }
}

// A file that an option names: when it can't be read, the option is wrong.
std::string text_of(const std::string& path) try {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
} catch (const Error& error) {
  throw usage_error(error.message()).at(path);
}

Json labels_of(const std::string& path) {
  Json labels = Json::array();
  const std::string text = text_of(path);
  std::size_t from = 0;
  while (from < text.size()) {
    std::size_t end = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, end - from);
    if (line.ends_with('\r')) line.pop_back();
    labels.push_back(Json::array({line}));
    from = end + 1;
  }
  while (!labels.empty() && labels.back()[0] == "") labels.erase(labels.size() - 1);
  if (labels.empty())
    throw usage_error("no labels in the file").at(path).hint("write one per line");
  return labels;
}

// What is written: the folder of --out, or the one file of an operation that makes one.
enum class Goal { folder, file };

Error storage_error(const std::string& what, const std::string& where, int code, Goal goal) {
  Error error(Fault::storage, what + ": " + std::strerror(code));
  error.at(where);
  const bool full = code == ENOSPC || code == EDQUOT;
  if (goal == Goal::file)
    return error.hint(full ? "make room, or write elsewhere" : "write elsewhere");
  return error.hint(full ? "make room, or give another folder with --out"
                         : "give another folder with --out");
}

// The nearest folder above the path that is there already must take files.
void check_place(const std::string& path, Goal goal) {
  fs::path existing = fs::absolute(path).lexically_normal();
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path())
    existing = existing.parent_path();
  if (!fs::is_directory(existing, ignored)) {
    throw Error(Fault::storage, "it is a file, not a folder")
        .at(existing.string())
        .hint(goal == Goal::file ? "write elsewhere" : "give another folder with --out");
  }
  if (::access(existing.c_str(), W_OK) != 0)
    throw storage_error("can't write into the folder", existing.string(), errno, goal);
}

// A file beside the place of the one it becomes; it is gone again unless it is finished.
class UnfinishedFile {
 public:
  UnfinishedFile(fs::path target, Goal goal) : target_(std::move(target)), goal_(goal) {
    std::error_code error;
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    fs::create_directories(folder, error);
    if (error) throw storage_error("can't make the folder", folder.string(), error.value(), goal_);
    temporary_ = (folder / ".pellucid-XXXXXX").string();
    file_ = ::mkstemp(temporary_.data());
    if (file_ < 0) throw storage_error("can't write", target_.string(), errno, goal_);
  }
  ~UnfinishedFile() {
    if (file_ >= 0) ::close(file_);
    if (!finished_) ::unlink(temporary_.c_str());
  }
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  void put(std::span<const std::byte> bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(file_, bytes.data() + done, bytes.size() - done);
      if (count >= 0)
        done += static_cast<std::size_t>(count);
      else if (errno != EINTR)
        throw storage_error("can't write", target_.string(), errno, goal_);
    }
  }

  void finish() {
    // mkstemp makes files private; answers get the permissions that any new file has.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    int failed = ::fchmod(file_, 0666 & ~mask) != 0 ? errno : 0;
    if (::close(std::exchange(file_, -1)) != 0 && failed == 0) failed = errno;
    if (failed == 0 && std::rename(temporary_.c_str(), target_.c_str()) != 0) failed = errno;
    if (failed != 0) throw storage_error("can't write", target_.string(), failed, goal_);
    finished_ = true;
  }

 private:
  fs::path target_;
  Goal goal_;
  std::string temporary_;
  int file_ = -1;
  bool finished_ = false;
};

// The number of bytes.
double write_whole(const fs::path& target, const Artefact& artefact, Goal goal) {
  UnfinishedFile file(target, goal);
  double bytes = 0;
  const ByteSink sink = [&](std::span<const std::byte> piece) {
    file.put(piece);
    bytes += static_cast<double>(piece.size());
  };
  if (artefact.write)
    artefact.write(sink);
  else
    sink(artefact.bytes);
  file.finish();
  return bytes;
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw input_error("it is a folder, not a file").at(path);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw input_error(fs::exists(path, error)
                          ? "can't be read: " + std::string(std::strerror(errno))
                          : std::string("there is no such file"))
        .at(path);
  }
  stream.seekg(0, std::ios::end);
  const auto size = static_cast<std::streamoff>(stream.tellg());
  // A pipe has no size: read until it ends.
  if (size < 0) {
    stream.clear();
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return {bytes, bytes + text.size()};
  }
  stream.seekg(0);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  stream.read(reinterpret_cast<char*>(bytes.data()), size);
  if (stream.gcount() != size) throw input_error("it could not be read to its end").at(path);
  return bytes;
}

std::vector<RequestInput> read_inputs(std::span<const std::string> words,
                                      std::vector<std::string>& passed_over) {
  std::vector<RequestInput> inputs;
  for (const std::string& word : words) {
    std::error_code ignored;
    if (!fs::is_directory(word, ignored)) {
      inputs.push_back(input_of(word));
      continue;
    }
    for (const std::string& file : files_below(word, passed_over)) inputs.push_back(input_of(file));
  }
  make_stems(inputs);
  return inputs;
}

std::string passed_over_words(std::span<const std::string> files, Language language) {
  constexpr std::size_t named = 3;
  std::string names;
  for (const std::string& file : files.first(std::min(named, files.size())))
    names += (names.empty() ? "" : ", ") + on_one_line(file);
  if (files.size() > named) names += ", ...";
  return say(language, "neither pictures nor .npy files, passed over: {0} ({1})",
             {std::to_string(files.size()), names});
}

ModelSource model_source(const std::string& path, const std::optional<std::string>& metadata,
                         const std::optional<std::string>& labels) {
  ModelSource source;
  source.name = path;
  source.read = [path] { return map_file(path); };
  source.beside = [path](std::string_view name) { return map_file_beside(path, name); };
  std::error_code ignored;
  std::string sidecar = metadata.value_or("");
  for (const fs::path& beside :
       {fs::path(path + ".json"), fs::path(path).replace_extension(".json")}) {
    if (sidecar.empty() && fs::is_regular_file(beside, ignored)) sidecar = beside.string();
  }
  Json document = Json::object();
  if (!sidecar.empty()) {
    try {
      document = parse_json(text_of(sidecar), sidecar, {.max_bytes = std::size_t{64} << 20});
    } catch (const Error& error) {
      throw usage_error(error.message())
          .at(sidecar)
          .hint("this file supplies what the model's file lacks");
    }
    if (!document.is_object()) throw usage_error("expected a JSON object").at(sidecar);
  }
  source.sidecar_name = sidecar;
  if (labels) {
    document["labels"] = labels_of(*labels);
    source.sidecar_name += (sidecar.empty() ? "" : ", ") + *labels;
  }
  if (!document.empty()) source.sidecar = to_text(document, false);
  return source;
}

std::vector<std::pair<std::string, ModelSource>> model_sources(std::span<const std::string> words) {
  std::vector<std::pair<std::string, ModelSource>> sources;
  for (const std::string& word : words) {
    const auto [name, path] = name_and_path(word);
    const std::string called = name.empty() ? fs::path(path).stem().string() : name;
    const bool fits = !called.empty() && std::ranges::all_of(called, [](unsigned char letter) {
      return std::isalnum(letter) != 0 || letter == '_' || letter == '-' || letter == '.';
    });
    if (!fits) {
      throw usage_error("\"" + called + "\" can't be the name of a model in a URL")
          .at(word)
          .hint("write NAME=FILE, the name of letters, digits, '.', '_' and '-'");
    }
    if (std::ranges::any_of(sources, [&](const auto& each) { return each.first == called; })) {
      throw usage_error("two models are called \"" + called + "\"")
          .at(word)
          .hint("write NAME=FILE for one of them");
    }
    ModelSource source = model_source(path, {}, {});
    source.name = fs::path(path).filename().string();
    source.sidecar_name = fs::path(source.sidecar_name).filename().string();
    sources.emplace_back(called, std::move(source));
  }
  return sources;
}

OutputFile::OutputFile(std::string path, std::string_view ending) : path_(std::move(path)) {
  std::error_code ignored;
  if (!lower_case(path_).ends_with(ending) || fs::path(path_).stem().empty()) {
    throw usage_error("only a file whose name ends in " + std::string(ending) + " can be written")
        .at(path_)
        .hint("call it " + fs::path(path_).stem().string() + std::string(ending));
  }
  if (fs::is_directory(path_, ignored)) {
    throw Error(Fault::storage, "it is a folder, not a file").at(path_).hint("name a file in it");
  }
  check_place(fs::absolute(path_).parent_path().string(), Goal::file);
}

void OutputFile::write(const Artefact& artefact) {
  bytes_ = write_whole(path_, artefact, Goal::file);
}

OutputFolder::OutputFolder(std::string path) : path_(std::move(path)) {
  check_place(path_, Goal::folder);
}

void OutputFolder::write(std::string_view name, const Artefact& artefact) {
  write_whole((fs::path(path_) / name).lexically_normal(), artefact, Goal::folder);
  if (names_.insert(std::string(name)).second) written_.emplace_back(name);
}

}  // namespace pellucid

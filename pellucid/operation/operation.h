// The contract of a verb. The command line, HTTP, Python and the page come from this table and from
// nothing else.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/bytes.h"
#include "pellucid/base/progress.h"
#include "pellucid/base/schema.h"
#include "pellucid/base/text.h"
#include "pellucid/explain/method.h"
#include "pellucid/formats/format.h"

namespace pellucid {

struct Operation;

// The tables as one value; each face is given one, so that a test (or Python) can add to it.
struct Catalogue {
  std::vector<const Operation*> operations;
  std::vector<const Method*> methods;
  std::vector<const Format*> formats;

  const Operation* find_operation(std::string_view name) const;  // nullptr: none
  // Throws Error (Fault::usage) naming the nearest.
  const Method& method(std::string_view name) const;
};

// One thing to be explained: bytes that the face hands over when they are needed (a file, an
// upload), or a tensor.
struct RequestInput {
  std::string name;  // as messages show it: a file name; never a server's path
  std::string stem;  // unique among the inputs: what answer files are called, "cat" or "b/cat"
  std::string of;    // the model input it is for ("NAME=FILE"); empty: the only one
  std::function<std::vector<std::byte>()> read;
  // Defined: the array that read() would give as an .npy file, where it lies. It is not written to.
  at::Tensor array = {};
};

// A model that is loaded at most once per request; a server hands over one it already has.
class LoadedModel;

// NAME=FILE, or the file's stem.
struct NamedModel {
  std::string name;
  LoadedModel* model = nullptr;
};

struct Request {
  Json options =
      Json::object();  // by option name; checked against the operation's table before it runs
  Json settings = Json::object();  // --set: {"KEY": value} or {"METHOD": {"KEY": value}}
  std::vector<RequestInput> inputs;
};

// A file of the answer: `name` is relative, without folder tricks; the face alone decides where it
// goes.
// `write`, where it is there, makes the bytes piece by piece in place of `bytes`: a file of
// gigabytes is never whole in memory. It is called at most once, before the face returns from
// taking the artefact.
struct Artefact {
  std::string name;        // "cat.grad_cam.png"
  std::string media_type;  // "image/png"
  std::vector<std::byte> bytes;
  std::function<void(const ByteSink&)> write = {};
};

// What one input came to, if it failed.
struct Failure {
  std::string input;
  Error error;
};

Json to_json(const Failure& failure);

struct Answer {
  Json document = Json::object();  // the `.json` answer, and what --json prints
  std::string text;                // what a person reads on the terminal
  std::vector<std::string> warnings;
  std::vector<Failure> failures;  // of single inputs
  bool nothing_done = false;      // there were inputs and all of them failed
  bool verdict_failed = false;    // it ran, and what it checked is wrong (check, doctor): exit 1
};

enum class Faces : unsigned { command_line = 1, http = 2, python = 4, page = 8, all = 15 };
constexpr Faces operator|(Faces a, Faces b) {
  return static_cast<Faces>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

// What the face lends an operation while it runs.
struct Surroundings {
  Faces face = Faces::command_line;  // which of them it is
  const Catalogue* catalogue = nullptr;
  LoadedModel* model = nullptr;    // of operations on a model
  std::vector<NamedModel> models;  // of operations on several
  const Cancellation* cancellation = nullptr;
  ProgressSink progress;                     // may be empty
  std::function<void(Artefact&&)> artefact;  // takes each file as soon as it is made
  // Takes what the one-file report shows of each input (report/exhibit.h); empty where none is
  // asked for: `perform` sets it, and makes the report of any operation.
  std::function<void(Json&&)> exhibit;
  // Takes lines of text as soon as they are true; empty: they wait in Answer::text.
  std::function<void(std::string_view)> text;
  // A file that an option names (--baseline FILE); empty where the face reads none.
  std::function<std::vector<std::byte>(const std::string& name)> open_file;
  Language language = Language::english;
};

enum class Subject { none, model, models };
enum class Inputs { none, optional, required };
std::string_view to_string(Inputs inputs);

struct Operation {
  std::string_view name;     // the verb
  std::string_view group;    // "Look", "Trust", "Model", "Lists", "Else": as help groups them
  std::string_view summary;  // one sentence
  std::string_view details = {};
  Subject subject = Subject::model;
  Inputs inputs = Inputs::none;
  Faces faces = Faces::all;
  std::span<const Option> options = {};
  std::string_view bare_word =
      {};                       // the option that a word without a name is for: `methods saliency`
  bool takes_settings = false;  // of methods: --set [METHOD.]KEY=VALUE, Request::settings
  // Each input is answered by itself: its entries in the document's lists, its files (called by its
  // stem), warnings and failures (that name it) are the same whatever inputs are beside it. So a
  // server may answer several clients with one call (operation/together.h).
  bool input_by_input = false;
  std::span<const std::string_view> formats = {};  // of its files; empty: none but the document
  // It makes one file of this ending, and whoever asks says where: `convert IN OUT.pt2`.
  std::string_view writes = {};
  Json (*defaults)() = nullptr;  // every option's default
  Answer (*run)(const Request& request, const Surroundings& surroundings) = nullptr;
};

constexpr bool serves(Faces faces, Faces one) {
  return (static_cast<unsigned>(faces) & static_cast<unsigned>(one)) != 0;
}

namespace detail {

template <class Function>
struct OperationSettings;
template <class Settings>
struct OperationSettings<Answer (*)(const Request&, const Surroundings&, const Settings&)> {
  using type = Settings;
};

}  // namespace detail

// The two function members of an Operation from `Answer run(const Request&, const Surroundings&,
// const Settings&)` and its option table: .defaults = settings_of<run, options>, .run =
// operate<run, options>.
template <auto Run, const auto& Options>
Answer operate(const Request& request, const Surroundings& surroundings) {
  typename detail::OperationSettings<decltype(Run)>::type settings{};
  write_settings(Options, request.options, &settings);
  return Run(request, surroundings, settings);
}

template <auto Run, const auto& Options>
Json settings_of() {
  const typename detail::OperationSettings<decltype(Run)>::type settings{};
  return read_settings(Options, &settings);
}

// The JSON Schema of the operation's request: what HTTP publishes and a form is made of.
Json schema(const Operation& operation, const Catalogue& catalogue);

// Every chosen method's own settings out of --set ({"KEY": value}, {"METHOD.KEY": value} or
// {"METHOD":
// {"KEY": value}}, a value may be a word), checked against the tables; in the order of `chosen`. A
// key that several have sets them all. Throws Error (Fault::usage) for a key that none has, a
// method that was not chosen, a value that does not fit.
std::vector<Json> method_settings(std::span<const Method* const> chosen, const Json& settings);

// Checks the request against the operation's table and runs it: the only door for the faces. The
// answer's document says how to ask again ("reproduce"), and where the option "format" has "html",
// OPERATION.html is the last of the artefacts.
// Throws Error (Fault::usage) for an unknown option, a value that does not fit, missing or
// superfluous inputs. Errors and warnings name options as the face does.
Answer perform(const Operation& operation, const Request& request,
               const Surroundings& surroundings);

}  // namespace pellucid

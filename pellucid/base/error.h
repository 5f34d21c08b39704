// The one exception of Pellucid: what failed, where, and what the user can do about it. Caught only
// at the faces.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace pellucid {

// Who has to act; the faces turn it into an exit code or an HTTP status.
enum class Fault {
  usage,      // the words of the request: an option, a target, a layer (exit 2, 400)
  input,      // one input: a picture, an array (exit 1 or 3, 400)
  model,      // the model's file or what is in it (exit 1)
  too_large,  // a bound was reached: pixels, bytes, memory (exit 1, 413)
  storage,    // the disk: full, read-only (exit 1, 507)
  cancelled,  // the caller asked to stop (exit 130)
  internal,   // a defect of Pellucid itself (exit 1, 500)
};

class Error : public std::exception {
 public:
  Error(Fault fault, std::string message) : fault_(fault), message_(std::move(message)) {
    compose();
  }

  // Where it happened: a file, a record of an archive, a node, an option. The innermost place is
  // kept first.
  Error& at(std::string_view place);
  // What the user can do.
  Error& hint(std::string_view remedy);

  Fault fault() const { return fault_; }
  const std::string& message() const { return message_; }
  const std::string& where() const { return where_; }
  const std::string& remedy() const { return remedy_; }
  // One line: "message (where): remedy".
  const char* what() const noexcept override { return line_.c_str(); }

 private:
  void compose();

  Fault fault_;
  std::string message_, where_, remedy_, line_;
};

inline Error usage_error(std::string message) { return {Fault::usage, std::move(message)}; }
inline Error input_error(std::string message) { return {Fault::input, std::move(message)}; }
inline Error model_error(std::string message) { return {Fault::model, std::move(message)}; }
inline Error internal_error(std::string message) { return {Fault::internal, std::move(message)}; }

// The text of a foreign exception without LibTorch's C++ backtrace: its first line.
std::string first_line(std::string_view text);

}  // namespace pellucid

// The program: the generated tables as one Catalogue, and Ctrl-C as a cancellation.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "pellucid/formats/table.h"
#include "pellucid/methods/table.h"
#include "pellucid/operations/table.h"
#include "pellucid/run/memory.h"
#include "serve.h"

namespace {

// A signal handler has no other way to reach it.
pellucid::Cancellation interrupted;

// The first Ctrl-C lets the work stop in order; the second ends the process at once.
extern "C" void interrupt(int signal) {
  interrupted.request();
  std::signal(signal, SIG_DFL);
}

// Weights are read from the mapped file: who cuts it short meanwhile takes them away.
extern "C" void file_lost(int) {
  constexpr std::string_view words =
      "pellucid: a file was cut short while it was read: put it back and start again\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, words.data(), words.size());
  std::_Exit(1);
}

template <class Entry>
std::vector<const Entry*> all(std::span<const Entry* const> table) {
  return {table.begin(), table.end()};
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  std::signal(SIGBUS, file_lost);
  pellucid::watch_memory();
  const std::vector<std::string_view> words(arguments + 1, arguments + std::max(count, 1));
  pellucid::Catalogue catalogue{all(pellucid::operations()), all(pellucid::methods()),
                                all(pellucid::formats())};
  catalogue.operations.push_back(&pellucid::serve);
  const pellucid::Console console{.out = std::cout,
                                  .err = std::cerr,
                                  .progress = isatty(STDERR_FILENO) == 1,
                                  .cancellation = &interrupted};
  const int code = pellucid::run_command_line(words, catalogue, console);
  std::cout.flush();
  // LibTorch's threads and tables need no tidying at the end of a process.
  std::_Exit(code);
}

// Texts that the engine puts together in English (errors, hints, checks' words, notes, warnings) in
// another language: found again by their patterns, so that the code that makes them knows nothing
// of it. Used at the faces.
//
// A pattern is an English text with {0}, {1}, ... where values stood; the Chinese one has the same
// places in its own order. A value is kept as it is; {0~} is said in Chinese if it is a phrase
// itself, or several with "; " between them; {0!} has to be one, else the pattern does not fit.
// Flags (--memory-limit) fit as HTTP spells them, too (memory_limit).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pellucid/base/text.h"

namespace pellucid {

class Error;

struct Phrase {
  std::string_view english, chinese;
};

// The tables, one per file; a text that any has twice, or that chinese.cpp has, is an error of its
// test.
std::span<const Phrase> phrases_of_faces();
std::span<const Phrase> phrases_of_questions();
std::span<const Phrase> phrases_of_inputs();
std::span<const Phrase> phrases_of_models();
std::span<const Phrase> phrases_of_scripts();
std::span<const Phrase> phrases_of_onnx();
std::span<const Phrase> phrases_of_written_models();
// Where errors happened: "node conv1".
std::span<const Phrase> phrases_of_places();

// The text in the language: its exact translation, else the pattern that fits with the most letters
// of its own (of equals the first; "{0!} (3 times)" before all), else the text as it is. So is a
// text of more than 16 KiB. Takes time in proportion to the text.
std::string rephrased(Language language, std::string_view text);
// Error::where(): names of files, options and values stay, what kind of place it is does not.
std::string rephrased_place(Language language, std::string_view where);

// Error::what() in the language, put together as it is: "message（where）：remedy".
std::string line_of(const Error& error, Language language);

}  // namespace pellucid

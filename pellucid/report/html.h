// One HTML file that anyone can open: an answer with its pictures and maps inside, which loads
// nothing. Its shell, the same viewer as the page's, is built from web/src/report.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "pellucid/base/json.h"
#include "pellucid/base/text.h"

namespace pellucid {

// What the page and the report say, by English text; the engine's own words are among them. Empty
// for English.
Json words_of(Language language);

// Of what the engine put together for people in `document` (checks' words, notes, warnings): the
// text in the language, by its English. Empty for English.
Json words_in(const Json& document, Language language);

// `report`: "operation" ("name", "group", "summary"), "document" (the answer), "warnings",
// "failures" and "exhibits" (see exhibit.h); what the shell needs beside it is added here.
// `title`: plain text.
std::vector<std::byte> html_report(Json report, std::string_view title, Language language);

}  // namespace pellucid

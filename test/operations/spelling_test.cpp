// Options in errors and warnings, as each face writes them.
#include "pellucid/operation/spelling.h"

#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

const Operation& explain() {
  for (const Operation* operation : operations()) {
    if (operation->name == "explain") return *operation;
  }
  throw internal_error("there is no explain");
}

std::string spelled(Faces face, const std::string& text) {
  return spelled_for(face, explain(), text);
}

TEST(Spelling, TheCommandLineHasFlags) {
  const std::string text = "raise --memory-limit, or leave out --layer";
  EXPECT_EQ(spelled(Faces::command_line, text), text);
}

TEST(Spelling, PythonHasNames) {
  EXPECT_EQ(spelled(Faces::python, "raise --memory-limit, or leave out --layer"),
            "raise memory_limit, or leave out layer");
  EXPECT_EQ(spelled(Faces::python, "--set saliency.absolute"), "settings saliency.absolute");
}

TEST(Spelling, OverHttpWhatBelongsToTheServerStaysAFlag) {
  EXPECT_EQ(spelled(Faces::http, "raise --memory-limit, or leave out --layer"),
            "raise --memory-limit, or leave out layer");
}

TEST(Spelling, WhatIsNoOptionIsLeftAlone) {
  for (const char* text : {"a -- b", "file--layer", "--unheard-of", "--", "x --"})
    EXPECT_EQ(spelled(Faces::python, text), text);
}

TEST(Spelling, AnErrorKeepsItsFaultAndParts) {
  const Error error = spelled_for(
      Faces::python, explain(),
      model_error("no layer is chosen by --layer").at("--layer").hint("leave out --layer"));
  EXPECT_EQ(error.fault(), Fault::model);
  EXPECT_EQ(error.message(), "no layer is chosen by layer");
  EXPECT_EQ(error.where(), "layer");
  EXPECT_EQ(error.remedy(), "leave out layer");
}

}  // namespace
}  // namespace pellucid

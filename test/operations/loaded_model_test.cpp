// A model of a server: what was decided when it was loaded stays.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "small_model.h"

namespace pellucid {
namespace {

TEST(LoadedModel, KeepsThreadsAndOutputKindOnceItIsSealed) {
  const int before = at::get_num_threads();
  const Catalogue catalogue = whole_catalogue();
  LoadedModel model(small_source(), catalogue.formats);
  EXPECT_THROW(model.seal(), Error) << "it is not open";
  ModelSettings settings;
  settings.threads = 3;
  settings.output_kind = "probabilities";
  model.open(settings);
  model.seal();
  const auto runner = model.runner();
  // As an operation asks that has no option for threads.
  settings.threads = 0;
  settings.output_kind = "regression";
  const Model& again = model.open(settings);
  EXPECT_EQ(at::get_num_threads(), 3);
  EXPECT_EQ(again.metadata.outputs[0].kind, OutputKind::probabilities);
  EXPECT_EQ(model.runner(), runner);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace pellucid

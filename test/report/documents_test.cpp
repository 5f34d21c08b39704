// Small parts of documents, and tables of a terminal.
#include "pellucid/report/documents.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

TEST(Documents, WriteTensorsAsNestedLists) {
  EXPECT_EQ(values_of(at::tensor({1.5F, NAN}).reshape({2, 1})), Json::parse("[[1.5],[null]]"));
  EXPECT_EQ(values_of(at::tensor({1, 0}).to(at::kBool)), Json({true, false}));
}

TEST(Documents, MakeNamesSafeForFiles) {
  EXPECT_EQ(file_name_part("layer4.2.conv3"), "layer4.2.conv3");
  EXPECT_EQ(file_name_part("../../etc/passwd"), "-..-etc-passwd");
  EXPECT_EQ(file_name_part("a b/\x1b"), "a-b--");
  EXPECT_EQ(file_name_part("..."), "unnamed");
  EXPECT_EQ(file_name_part(std::string(500, 'x')).size(), 100);
}

TEST(Documents, DrawBarsOfAFixedWidth) {
  EXPECT_EQ(bar(0.5, 4), "██░░");
  EXPECT_EQ(bar(7, 2), "██");
  EXPECT_EQ(bar(NAN, 2), "░░");
}

TEST(Tables, AlignColumnsWithChineseInThem) {
  EXPECT_EQ(table_text({{"模型", "x"}, {"abcdef", "y"}}), "  模型    x\n  abcdef  y\n");
}

}  // namespace
}  // namespace pellucid

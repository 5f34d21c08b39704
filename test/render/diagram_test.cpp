#include "pellucid/render/diagram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/error.h"
#include "pellucid/render/diagram_layout.h"

namespace pellucid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Diagram diagram_of(std::size_t boxes, std::vector<Diagram::Arrow> arrows) {
  Diagram diagram;
  for (std::size_t i = 0; i < boxes; ++i) diagram.boxes.emplace_back().title = std::to_string(i);
  diagram.arrows = std::move(arrows);
  return diagram;
}

TEST(DiagramLayout, PutsAChainInOneColumn) {
  const DiagramLayout layout = layout_of(diagram_of(3, {{0, 1}, {1, 2}}));
  EXPECT_THAT(layout.rows, ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2)));
  EXPECT_THAT(layout.lanes, IsEmpty());
}

TEST(DiagramLayout, PutsBranchesSideBySide) {
  const DiagramLayout layout =
      layout_of(diagram_of(5, {{0, 1}, {0, 2}, {0, 3}, {1, 4}, {2, 4}, {3, 4}}));
  EXPECT_THAT(layout.rows, ElementsAre(ElementsAre(0), ElementsAre(1, 2, 3), ElementsAre(4)));
  EXPECT_EQ(layout.columns, 3U);
}

TEST(DiagramLayout, GivesArrowsThatSkipRowsLanesOfTheirOwn) {
  // 0 → 3 goes round 1 and 2, and 1 → 3 round 2, beside it; 4 → 6 comes later and may use the
  // first.
  const DiagramLayout layout = layout_of(
      diagram_of(7, {{0, 1}, {1, 2}, {2, 3}, {0, 3}, {1, 3}, {3, 4}, {4, 5}, {5, 6}, {4, 6}}));
  ASSERT_THAT(layout.lanes, SizeIs(3));
  EXPECT_EQ(layout.lane_count, 2U);
  for (const auto& lane : layout.lanes) {
    if (lane.from != 4) continue;
    EXPECT_EQ(lane.number, 0U);
  }
}

TEST(DiagramLayout, PutsASecondInputWhereItIsNeeded) {
  const DiagramLayout layout = layout_of(diagram_of(5, {{0, 2}, {2, 3}, {1, 4}, {3, 4}}));
  EXPECT_EQ(layout.places[1].row, layout.places[3].row);
}

TEST(DiagramLayout, BreaksRowsThatAreTooWide) {
  std::vector<Diagram::Arrow> arrows;
  for (std::size_t i = 1; i < 12; ++i) arrows.push_back({0, i});
  const DiagramLayout layout = layout_of(diagram_of(12, arrows));
  EXPECT_LE(layout.columns, 5U);
  EXPECT_THAT(layout.rows, SizeIs(4));
}

TEST(Diagram, IsDrawnWithEveryTitle) {
  Diagram diagram = diagram_of(3, {{0, 1}, {1, 2}, {0, 2}});
  diagram.title = "a network";
  diagram.boxes[1].title = "<module> & more";
  const std::vector<std::byte> svg = draw(diagram, PictureFormat::svg);
  const std::string text(reinterpret_cast<const char*>(svg.data()), svg.size());
  EXPECT_THAT(text, testing::HasSubstr("<title>a network</title>"));
  EXPECT_EQ(svg, draw(diagram, PictureFormat::svg)) << "equal diagrams, equal bytes";
}

TEST(Diagram, OfNothingOrTooMuchIsRefused) {
  EXPECT_THROW(draw(diagram_of(0, {}), PictureFormat::svg), Error);
  EXPECT_THROW(draw(diagram_of(1001, {}), PictureFormat::svg), Error);
}

}  // namespace
}  // namespace pellucid

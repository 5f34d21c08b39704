// Rows are longest paths (the first step of Sugiyama's method); in a row boxes stand by the mean
// place of those that lead to them.
#include "pellucid/render/diagram_layout.h"

#include <algorithm>
#include <map>
#include <set>

namespace pellucid {
namespace {

constexpr std::size_t most_columns = 5;

std::vector<std::size_t> ranks_of(const Diagram& diagram) {
  const std::size_t count = diagram.boxes.size();
  std::vector<std::size_t> ranks(count, 0), soonest(count, count);
  std::vector<bool> led_to(count, false);
  std::vector<std::vector<std::size_t>> next(count);
  for (const Diagram::Arrow& arrow : diagram.arrows) {
    next[arrow.from].push_back(arrow.to);
    led_to[arrow.to] = true;
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::size_t to : next[i]) ranks[to] = std::max(ranks[to], ranks[i] + 1);
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::size_t to : next[i]) soonest[i] = std::min(soonest[i], ranks[to]);
    if (!led_to[i] && soonest[i] < count && soonest[i] > 0) ranks[i] = soonest[i] - 1;
  }
  return ranks;
}

// The distance of a box from its row's middle, in boxes.
double offset(const DiagramLayout& layout, std::size_t box) {
  const DiagramLayout::Place& place = layout.places[box];
  return static_cast<double>(place.column) -
         (static_cast<double>(layout.rows[place.row].size()) - 1) / 2;
}

void add_row(DiagramLayout& layout, std::vector<std::size_t> boxes) {
  for (std::size_t column = 0; column < boxes.size(); ++column)
    layout.places[boxes[column]] = {layout.rows.size(), column, column + 1 == boxes.size()};
  layout.columns = std::max(layout.columns, boxes.size());
  layout.rows.push_back(std::move(boxes));
}

void place_boxes(const Diagram& diagram, DiagramLayout& layout) {
  const std::vector<std::size_t> ranks = ranks_of(diagram);
  std::map<std::size_t, std::vector<std::size_t>> of_rank;
  for (std::size_t i = 0; i < ranks.size(); ++i) of_rank[ranks[i]].push_back(i);
  std::vector<std::vector<std::size_t>> before(diagram.boxes.size());
  for (const Diagram::Arrow& arrow : diagram.arrows) before[arrow.to].push_back(arrow.from);
  layout.places.resize(diagram.boxes.size());
  for (auto& [rank, boxes] : of_rank) {
    std::map<std::size_t, double> mean;
    for (const std::size_t box : boxes) {
      double sum = 0;
      for (const std::size_t from : before[box]) sum += offset(layout, from);
      mean[box] = before[box].empty() ? 0 : sum / static_cast<double>(before[box].size());
    }
    std::ranges::stable_sort(boxes, {}, [&](std::size_t box) { return mean[box]; });
    const std::size_t parts = (boxes.size() + most_columns - 1) / most_columns;
    for (std::size_t part = 0; part < parts; ++part) {
      const auto at = [&](std::size_t i) {
        return boxes.begin() + static_cast<std::ptrdiff_t>(boxes.size() * i / parts);
      };
      add_row(layout, {at(part), at(part + 1)});
    }
  }
}

void find_lanes(const Diagram& diagram, DiagramLayout& layout) {
  std::map<std::size_t, std::set<std::size_t>> skipping;
  for (const Diagram::Arrow& arrow : diagram.arrows) {
    if (layout.places[arrow.to].row != layout.places[arrow.from].row + 1)
      skipping[arrow.from].insert(arrow.to);
  }
  for (const auto& [from, to] : skipping) {
    DiagramLayout::Lane lane{from, {to.begin(), to.end()}, layout.places[from].row, 0, 0};
    for (const std::size_t box : to)
      lane.last_row = std::max(lane.last_row, layout.places[box].row);
    layout.lanes.push_back(std::move(lane));
  }
  // The short ones nearest to the boxes.
  std::ranges::stable_sort(layout.lanes, {},
                           [](const auto& lane) { return lane.last_row - lane.first_row; });
  for (std::size_t i = 0; i < layout.lanes.size(); ++i) {
    DiagramLayout::Lane& lane = layout.lanes[i];
    std::set<std::size_t> taken;
    for (std::size_t k = 0; k < i; ++k) {
      const DiagramLayout::Lane& other = layout.lanes[k];
      if (other.first_row <= lane.last_row && lane.first_row <= other.last_row)
        taken.insert(other.number);
    }
    while (taken.contains(lane.number)) ++lane.number;
    layout.lane_count = std::max(layout.lane_count, lane.number + 1);
  }
}

}  // namespace

DiagramLayout layout_of(const Diagram& diagram) {
  DiagramLayout layout;
  place_boxes(diagram, layout);
  find_lanes(diagram, layout);
  return layout;
}

}  // namespace pellucid

// Where the boxes of a diagram stand, and which way its arrows go.
#pragma once

#include <cstddef>
#include <vector>

#include "pellucid/render/diagram.h"

namespace pellucid {

struct DiagramLayout {
  struct Place {
    std::size_t row = 0, column = 0;
    bool last = true;  // nothing stands to its right
  };
  // The way beside the boxes for all arrows of one box that skip rows.
  struct Lane {
    std::size_t from = 0;
    std::vector<std::size_t> to;
    std::size_t first_row = 0, last_row = 0;
    std::size_t number = 0;  // 0 is nearest to the boxes; unique among those that pass one row
  };
  std::vector<Place> places;                   // by box
  std::vector<std::vector<std::size_t>> rows;  // the boxes of each, from the left
  std::vector<Lane> lanes;
  std::size_t columns = 0;     // of the widest row
  std::size_t lane_count = 0;  // side by side at most
};

// Every box stands below all that lead to it, as high as it can; a box that nothing leads to stands
// right above the first that it leads to.
DiagramLayout layout_of(const Diagram& diagram);

}  // namespace pellucid

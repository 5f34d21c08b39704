// One line on a terminal that tells how far the work is.
#pragma once

#include <chrono>
#include <iosfwd>

#include "pellucid/base/progress.h"
#include "pellucid/base/text.h"

namespace pellucid {

class ProgressBar {
 public:
  // Draws nothing at all unless `shown`.
  ProgressBar(std::ostream& stream, bool shown, Language language);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void tell(const Progress& progress);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream& stream_;
  bool shown_;
  Language language_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
};

}  // namespace pellucid

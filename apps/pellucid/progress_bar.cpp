// A bar with the time that is left, redrawn ten times a second at most.
#include "progress_bar.h"

#include <ostream>
#include <string>

namespace pellucid {

ProgressBar::ProgressBar(std::ostream& stream, bool shown, Language language)
    : stream_(stream), shown_(shown), language_(language) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::tell(const Progress& progress) {
  const auto now = Clock::now();
  if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
  // A short piece of work needs no bar.
  if (now - start_ < std::chrono::milliseconds(300)) return;
  last_ = now;
  std::string line = "\r\x1b[K" + std::string(translated(language_, progress.stage));
  if (progress.total > 0) {
    constexpr std::int64_t cells = 30;
    const std::int64_t done = std::min(progress.done, progress.total);
    const std::int64_t full = cells * done / progress.total;
    line += " [";
    for (std::int64_t i = 0; i < cells; ++i) line += i < full ? "█" : "·";
    line +=
        "] " + say(language_, "{0} of {1}", {std::to_string(done), std::to_string(progress.total)});
    if (done > 0) {
      const double spent = std::chrono::duration<double>(now - start_).count();
      const double left =
          spent / static_cast<double>(done) * static_cast<double>(progress.total - done);
      line += ", " + say(language_, "{0} left", {human_seconds(left)});
    }
  }
  stream_ << line << std::flush;
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) stream_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace pellucid

#include "pellucid/serve/pace.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace pellucid {
namespace {

// The median of so many is untouched by one that met another's load.
constexpr std::size_t enough = 3, most = 9;
// What it costs to try what was slower: a few per cent of the difference.
constexpr std::size_t try_again = 32;
constexpr std::size_t most_entries = 64;

double median(const std::deque<double>& values) {
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::ranges::nth_element(sorted, middle);
  return *middle;
}

}  // namespace

Pace::Entry& Pace::entry(const std::string& company) {
  const std::size_t key = std::hash<std::string>{}(company);
  // A client that asks for ever new settings starts them all anew, which costs a few measurements.
  if (entries_.size() >= most_entries && !entries_.contains(key)) entries_.clear();
  return entries_[key];
}

bool Pace::together(const std::string& company) {
  Entry& one = entry(company);
  if (one.never) return false;
  if (one.together.size() < enough) return true;
  if (one.alone.size() < enough) return false;
  const bool quicker = median(one.together) < median(one.alone);
  return ++one.asked % try_again == 0 ? !quicker : quicker;
}

void Pace::measured(const std::string& company, std::size_t requests, std::size_t inputs,
                    double seconds) {
  Entry& one = entry(company);
  std::deque<double>& times = requests > 1 ? one.together : one.alone;
  times.push_back(seconds / static_cast<double>(inputs));
  if (times.size() > most) times.pop_front();
}

void Pace::never_together(const std::string& company) { entry(company).never = true; }

}  // namespace pellucid

// Whether requests are quicker together than one by one: decided by what was measured here.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace pellucid {

// Of one lane; not for several threads.
class Pace {
 public:
  // Asked when requests of this company wait beside each other. Both ways are tried a few times,
  // then the one that took less time per input is taken; now and then the other is tried again.
  bool together(const std::string& company);
  // So many of this company, with so many inputs, were answered by one call in so many seconds.
  void measured(const std::string& company, std::size_t requests, std::size_t inputs,
                double seconds);
  // Their answer can't be taken apart.
  void never_together(const std::string& company);

 private:
  struct Entry {
    std::deque<double> alone, together;  // seconds per input, the last few
    std::size_t asked = 0;
    bool never = false;
  };
  Entry& entry(const std::string& company);

  // By the company's hash: it may be as long as a request.
  std::map<std::size_t, Entry> entries_;
};

}  // namespace pellucid

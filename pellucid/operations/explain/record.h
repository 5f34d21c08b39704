// What is kept of an answered question until its record can be written.
#pragma once

#include "pellucid/explain/probe.h"

namespace pellucid {

struct Record {
  std::string file;
  Json document;
  bool uses_gradient = false;
};

// What a method's answer to a batch cost, and how it was cut into model calls: what replaying it to
// the bit needs.
Json cost_document(const Probe& probe, BatchMode batching, double seconds, std::int64_t batch);

}  // namespace pellucid

// What one sample takes: counted while the model runs once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pellucid/base/progress.h"
#include "pellucid/model/model.h"

namespace pellucid {

// One place where tokens look at each other.
struct AttentionBlock {
  std::string layer;       // the module's path, or the value's name
  std::int64_t heads = 0;  // 0: the shapes don't tell
  std::int64_t tokens = 0;
};

struct Effort {
  // Floating-point operations of one sample's products, by kind: "convolution", "linear",
  // "recurrent", "attention", "matrix product". A multiplication with its addition counts as 2, and
  // operators without products as 0, as torch.utils.flop_counter counts; what branches and loops
  // did for this sample is counted.
  std::map<std::string, double> operations;
  double total() const;
  std::vector<double> of_node;  // the same, by the graph's nodes

  // Bytes of values alive at the widest point of one sample's forward, and of all values, which a
  // backward pass keeps at most; weights and kernels' scratch are not in them.
  double forward_bytes = 0, gradient_bytes = 0;

  std::vector<AttentionBlock> attention;
  // What each value was, by its id; empty where it is no tensor or was not made.
  std::vector<std::vector<std::int64_t>> sizes;
};

// Runs the graph once, at the recorded sample or at made-up numbers (model/trial_inputs.h). Throws
// Error (Fault::model) when it does not run.
Effort measure_effort(const Model& model, const Cancellation* cancellation);

}  // namespace pellucid

// Floating-point operations, counted as PyTorch's operators do them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace pellucid {

// While it lives, what this thread runs is counted at the operators that do the work, whatever
// calls them: matmul counts as the mm or bmm it becomes, einsum and an LSTM as theirs.
class OperationCount {
 public:
  OperationCount();
  ~OperationCount();
  OperationCount(const OperationCount&) = delete;
  OperationCount& operator=(const OperationCount&) = delete;

  // What was done since the last call, by kind: "convolution", "linear", "recurrent", "attention",
  // "matrix product". A multiplication with its addition is 2; nothing else is counted.
  std::map<std::string, double> take();

  struct Tally;  // the callbacks' own

 private:
  Tally* outer_;
  std::unique_ptr<Tally> tally_;
  std::uint64_t callback_;
};

}  // namespace pellucid

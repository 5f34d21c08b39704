// What the values of a graph are when it runs, and how their sizes follow from those of its inputs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pellucid/base/progress.h"
#include "pellucid/graph/graph.h"
#include "pellucid/run/executor.h"

namespace pellucid::pt2 {

// A value in one run.
struct Measured {
  at::ScalarType dtype = at::kFloat;  // of a tensor, as are sizes and strides
  std::vector<std::int64_t> sizes, strides;
  c10::IValue number;  // of what is no tensor
};

// One run: a value that no node gave (an undefined tensor) has nothing.
struct Measurement {
  std::vector<std::optional<Measured>> values;
  std::map<std::pair<int, int>, Measurement> bodies;  // of node n its b-th body
};

// A number that may vary from run to run, as sympy writes it: "12", or an expression of symbols.
struct SymbolicNumber {
  bool fixed = true;
  std::int64_t hint = 0;  // what it was in the first run
  std::string expression;
};

// The graph, run at its sample and once more for each of its symbols.
class Measurements {
 public:
  // A size of an input that the graph leaves open is a symbol: one for all leading sizes, one for
  // each other. Sizes that only work in steps (multiples of 32) become multiples of a symbol; those
  // that only work together share one. Throws Error when the graph does not run at the sample.
  Measurements(const std::shared_ptr<const Graph>& graph, const std::vector<at::Tensor>& sample,
               const Cancellation* cancellation);

  const std::vector<Measurement>& runs() const { return runs_; }
  const std::vector<std::string>& symbols() const { return symbols_; }
  // Open sizes that the graph runs at no other than the sample's, one line each.
  const std::vector<std::string>& fixed() const { return fixed_; }

  // A number by what it was in each run. One that no sum or product of the symbols gives is a
  // symbol of its own.
  SymbolicNumber number(const std::vector<std::int64_t>& in_runs);

 private:
  struct Size {
    std::size_t input = 0, dimension = 0;
  };
  // Sizes that are `step` times one symbol.
  struct Group {
    std::vector<Size> sizes;
    std::int64_t step = 1;
  };
  std::vector<at::Tensor> resized(
      const std::vector<std::pair<const Group*, std::int64_t>>& by) const;
  std::vector<Feed> feeds_of(const std::vector<at::Tensor>& inputs) const;
  bool try_run(const std::vector<at::Tensor>& inputs);
  bool try_group(Group group);
  void find_groups();
  std::vector<std::int64_t> symbol_values(std::size_t symbol) const;

  std::shared_ptr<const Graph> graph_;
  std::vector<at::Tensor> sample_;
  const Cancellation* cancellation_;
  std::vector<Measurement> runs_;
  std::vector<Group> groups_;
  std::vector<std::vector<std::int64_t>> values_;  // of each group's symbol, run by run
  std::vector<std::string> symbols_, fixed_;
  std::map<std::vector<std::int64_t>, std::string> odd_;
};

// The sample's numbers again and again along the dimension, until it has that size.
at::Tensor repeated(const at::Tensor& tensor, std::int64_t dimension, std::int64_t size);

}  // namespace pellucid::pt2

// A model as a PT2 file: what torch.export.load reads, and this library with all its metadata.
#pragma once

#include <string>
#include <vector>

#include "pellucid/base/bytes.h"
#include "pellucid/base/json.h"
#include "pellucid/base/progress.h"
#include "pellucid/model/model.h"

namespace pellucid::pt2 {

// What a file is made of, before a byte is written: it holds the weights of the model where they
// lie.
class ArchiveWriter {
 public:
  // Runs the graph a few times at the metadata's sample, or else at numbers made for it, to know
  // its values. Throws Error (Fault::model): a graph that no PT2 holds, that does not run, or whose
  // inputs have sizes that nothing tells.
  ArchiveWriter(const Model& model, const Cancellation* cancellation);

  // What a reader will find: names that Python takes, a sample in any case.
  const Metadata& metadata() const { return metadata_; }
  // Open sizes of inputs that became fixed, names that changed: one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  std::size_t nodes() const { return graph_->nodes().size(); }
  bool dynamic() const { return dynamic_; }

  // The whole file, piece by piece.
  void write(const ByteSink& sink) const;

 private:
  void record_sample(const std::vector<at::Tensor>& inputs);
  void name_metadata(const Graph& original);

  std::shared_ptr<const Graph> graph_;
  Metadata metadata_;
  std::vector<std::string> warnings_;
  Json program_;
  bool dynamic_ = false;
};

}  // namespace pellucid::pt2

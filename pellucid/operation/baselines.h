// What stands for "nothing to see", as a request names it: a word, or a file.
#pragma once

#include "pellucid/operation/prepared_input.h"

namespace pellucid {

class Baselines {
 public:
  // `words`: zero, black, grey, mean, blur, or a file's name. Nothing is read yet.
  Baselines(std::string words, const Model& model, const InputSettings& settings,
            const Surroundings& surroundings);

  // Of every input of the question, in order; what is not attributable stands for itself. Throws
  // Error (Fault::usage) for an unknown word, a file that can't be read or that does not fit.
  std::vector<at::Tensor> of(const Question& question);

 private:
  at::Tensor from_file(const at::Tensor& data);

  std::string words_;
  const Model& model_;
  const InputSettings& settings_;
  const Surroundings& surroundings_;
  at::Tensor file_;  // read at its first use
};

}  // namespace pellucid

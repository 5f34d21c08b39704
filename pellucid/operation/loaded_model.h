// A model that a request works on: read once, kept as long as the face keeps it (a server: across
// requests).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pellucid/base/progress.h"
#include "pellucid/formats/format.h"
#include "pellucid/operation/model_settings.h"
#include "pellucid/run/executor.h"

namespace pellucid {

// Where the bytes come from; the face alone knows files.
struct ModelSource {
  std::string name;                  // as messages show it
  std::function<ModelBytes()> read;  // called at most once
  std::string sidecar;               // JSON text that supplies what the file lacks; empty: none
  std::string sidecar_name;          // where it comes from, as messages show it
  GivenWeights weights = {};         // instead of the file's own
  std::function<ModelBytes(std::string_view)> beside = {};  // LoadSettings::beside
};

class LoadedModel {
 public:
  LoadedModel(ModelSource source, std::vector<const Format*> formats);
  ~LoadedModel();

  // Reads the model unless that was done, and applies the settings: weights, device, threads, kind
  // of output. Throws Error: Fault::model for a file that no format recognises or that is damaged,
  // Fault::usage for a device that is not there. Settings other than the last ones change the model
  // and the process (threads): whoever does that must be alone with it.
  const Model& open(const ModelSettings& settings);
  // Of an open model: from now on `open` changes nothing, whatever its settings, so that any number
  // of threads may work with it.
  void seal();

  // Of an open model.
  const Model& model() const { return *model_; }
  std::shared_ptr<const Runner> runner() const;
  at::Device device() const;
  double load_seconds() const { return load_seconds_; }
  const std::string& name() const { return source_.name; }
  const std::string& sidecar_name() const { return source_.sidecar_name; }

 private:
  ModelSource source_;
  std::vector<const Format*> formats_;
  mutable std::mutex mutex_;
  std::optional<Model> model_;
  std::shared_ptr<const Runner> runner_;
  std::string device_;
  bool sealed_ = false;
  double load_seconds_ = 0;
};

}  // namespace pellucid

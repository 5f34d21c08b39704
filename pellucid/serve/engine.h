// The work of a lane: bodies of requests are read, performed, several by one call where that is
// quicker, and become responses.
#pragma once

#include <map>
#include <string>

#include "pellucid/serve/metrics.h"
#include "pellucid/serve/pace.h"
#include "pellucid/serve/task.h"

namespace pellucid {

using Models = std::map<std::string, LoadedModel*, std::less<>>;

class Engine {
 public:
  // All of them outlive it. `host_options`: for the options that only the host may set.
  Engine(const Catalogue& catalogue, const Models& models, const Json& host_options,
         Metrics& metrics);

  // As LaneWork has them; different models at the same time.
  Tasks choose(const Tasks& waiting);
  void run(const Tasks& tasks, const Cancellation& cancellation);

 private:
  void read(const Tasks& tasks) const;
  Asked asked_of(const Task& task) const;
  LoadedModel* model_of(const Task& task) const;
  Surroundings surroundings(const Task& task, const Cancellation& cancellation) const;
  bool run_together(const Tasks& tasks, const Cancellation& cancellation);
  void run_alone(Task& task, const Cancellation& cancellation);
  HttpResponse response_to(const Task& task, const Performed& done) const;
  void answer(Task& task) const;
  Pace& pace_of(const Task& task) { return paces_.at(task.route.model); }

  const Catalogue& catalogue_;
  const Models& models_;
  const Json& host_options_;
  Metrics& metrics_;
  std::map<std::string, Pace, std::less<>> paces_;  // by model, and "" for none
};

}  // namespace pellucid

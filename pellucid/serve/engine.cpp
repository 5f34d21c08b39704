// Reading bodies and writing answers is spread over the engine's threads, as the model's own work
// is: a lane has them all or none.
//
// Nothing here knows an operation by name, but for the two that the protocols themselves name:
// `infer` is `predict`, and KServe v1 has predict and explain.
#include "pellucid/serve/engine.h"

#include <ATen/Parallel.h>

#include "pellucid/operation/loaded_model.h"
#include "pellucid/serve/service.h"
#include "pellucid/serve/vocabulary.h"

namespace pellucid {
namespace {

using Clock = Task::Clock;

constexpr std::size_t most_inputs = 16;
constexpr std::size_t most_bytes = std::size_t{64} << 20;  // of inputs that are answered together

// What `work` gives, or what it threw as a response.
template <class Work>
HttpResponse response_or_error(const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    return error_response(error);
  } catch (const std::bad_alloc&) {
    return error_response(413, "not enough memory", {}, "send less");
  } catch (const std::exception& error) {
    return error_response(500, first_line(error.what()));
  }
}

void in_parallel(const Tasks& tasks, const std::function<void(Task&)>& work) {
  at::parallel_for(0, static_cast<std::int64_t>(tasks.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i)
                       work(*tasks[static_cast<std::size_t>(i)]);
                   });
}

const Request& request_of(const std::shared_ptr<Task>& task) { return task->asked->body.request; }

bool in_company(const Task& task, const std::string& company) {
  return task.asked && task.asked->company == company;
}

void count_checks(const Json& document, Metrics& metrics) {
  const auto count = [&](const Json& holder) {
    if (!holder.is_object() || !holder.contains("checks")) return;
    for (const Json& check : holder["checks"])
      metrics.check(check.value("name", ""), check.value("verdict", ""));
  };
  count(document);
  if (!document.contains("answers")) return;
  for (const Json& answer : document["answers"]) count(answer);
}

}  // namespace

Engine::Engine(const Catalogue& catalogue, const Models& models, const Json& host_options,
               Metrics& metrics)
    : catalogue_(catalogue), models_(models), host_options_(host_options), metrics_(metrics) {
  paces_[""];
  for (const auto& [name, model] : models) paces_[name];
}

Tasks Engine::choose(const Tasks& waiting) {
  const std::shared_ptr<Task>& head = waiting.front();
  read({head});
  // Whoever is refused at once keeps nobody waiting.
  if (head->response || head->asked->company.empty()) return {head};
  const std::string& company = head->asked->company;
  if (!pace_of(*head).together(company)) return {head};
  read(waiting);
  Tasks chosen;
  std::size_t inputs = 0, bytes = 0;
  for (const std::shared_ptr<Task>& task : waiting) {
    if (!in_company(*task, company)) continue;
    inputs += request_of(task).inputs.size();
    bytes += task->asked->bytes;
    if (task != head && (inputs > most_inputs || bytes > most_bytes)) break;
    chosen.push_back(task);
  }
  return chosen;
}

void Engine::run(const Tasks& tasks, const Cancellation& cancellation) {
  Tasks open;
  const auto answer_or_keep = [&](const std::shared_ptr<Task>& task) {
    if (task->response)
      answer(*task);
    else
      open.push_back(task);
  };
  // Those who left cost nothing: a thread of the network may be told to dismiss them.
  for (const std::shared_ptr<Task>& task : tasks) {
    if (cancellation.requested() || task->cancellation.requested())
      task->response = error_response(Error(Fault::cancelled, "cancelled"));
    answer_or_keep(task);
  }
  for (const std::shared_ptr<Task>& task : open) {
    metrics_.stage("waiting", seconds_since(task->since) - task->seconds);
    task->ticket->run();
  }
  read(open);
  for (const std::shared_ptr<Task>& task : std::exchange(open, {})) answer_or_keep(task);
  if (open.size() > 1 && run_together(open, cancellation)) return;
  for (const std::shared_ptr<Task>& task : open)
    run_alone(*task, tasks.size() == 1 ? cancellation : task->cancellation);
}

void Engine::read(const Tasks& tasks) const {
  Tasks unread;
  for (const std::shared_ptr<Task>& task : tasks) {
    if (!task->asked && !task->response) unread.push_back(task);
  }
  const auto start = Clock::now();
  if (unread.empty()) return;
  in_parallel(unread, [&](Task& task) {
    HttpResponse refused = response_or_error([&] {
      task.asked = asked_of(task);
      return HttpResponse{};
    });
    if (!task.asked) task.response = std::move(refused);
    task.request.body = {};
  });
  for (const std::shared_ptr<Task>& task : unread) {
    const double seconds = seconds_since(start);
    metrics_.stage("preparing", seconds);
    task->seconds = seconds / static_cast<double>(unread.size());
  }
}

LoadedModel* Engine::model_of(const Task& task) const {
  return task.route.model.empty() ? nullptr : models_.find(task.route.model)->second;
}

Asked Engine::asked_of(const Task& task) const {
  const Resource resource = task.route.pattern->resource;
  Asked asked;
  asked.operation =
      find_served(catalogue_, resource == Resource::infer ? "predict" : task.route.operation);
  asked.bytes = task.request.body.size();
  asked.body = resource == Resource::v1_operation
                   ? read_v1(*asked.operation, model_of(task)->model(), task.request.body)
                   : read_v2(*asked.operation, task.request.body,
                             task.request.field("Inference-Header-Content-Length"));
  asked.body.language = language_of(task.request);
  Request& request = asked.body.request;
  if (resource == Resource::v1_operation || resource == Resource::infer)
    prefer_numbers(*asked.operation, request);
  add_host_options(*asked.operation, host_options_, request);
  asked.company = company_of(*asked.operation, request);
  if (!asked.company.empty() && asked.body.language != Language::english) asked.company += " zh";
  return asked;
}

Surroundings Engine::surroundings(const Task& task, const Cancellation& cancellation) const {
  Surroundings around;
  around.face = Faces::http;
  around.catalogue = &catalogue_;
  around.model = model_of(task);
  around.cancellation = &cancellation;
  around.language = task.asked->body.language;
  return around;
}

bool Engine::run_together(const Tasks& tasks, const Cancellation& cancellation) {
  const auto start = Clock::now();
  const Task& first = *tasks.front();
  const std::string company = first.asked->company;
  std::vector<const Request*> requests;
  std::size_t inputs = 0;
  double read_seconds = 0;
  for (const std::shared_ptr<Task>& task : tasks) {
    requests.push_back(&request_of(task));
    inputs += request_of(task).inputs.size();
    read_seconds += task->seconds;
  }
  Surroundings around = surroundings(first, cancellation);
  around.progress = [&](const Progress& progress) {
    for (const std::shared_ptr<Task>& task : tasks) task->ticket->tell(progress);
  };
  std::optional<std::vector<Performed>> done;
  try {
    done = perform_together(*first.asked->operation, requests, around);
    if (!done) pace_of(first).never_together(company);
  } catch (const std::exception&) {
    // Whose fault it was shows when each is alone.
  }
  if (!done) return false;
  const double computing = seconds_since(start);
  std::map<const Task*, const Performed*> parts;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    parts[tasks[i].get()] = &(*done)[i];
    count_checks((*done)[i].answer.document, metrics_);
  }
  in_parallel(tasks, [&](Task& task) {
    task.response = response_or_error([&] { return response_to(task, *parts.at(&task)); });
  });
  pace_of(first).measured(company, tasks.size(), inputs, read_seconds + seconds_since(start));
  metrics_.batch(tasks.size());
  for (const std::shared_ptr<Task>& task : tasks) {
    metrics_.stage("computing", computing);
    answer(*task);
  }
  return true;
}

void Engine::run_alone(Task& task, const Cancellation& cancellation) {
  const auto start = Clock::now();
  task.response = response_or_error([&] {
    cancellation.check();
    Performed done;
    Surroundings around = surroundings(task, cancellation);
    around.artefact = [&](Artefact&& file) { done.artefacts.push_back(std::move(file)); };
    around.progress = [&](const Progress& progress) { task.ticket->tell(progress); };
    done.answer = perform(*task.asked->operation, task.asked->body.request, around);
    metrics_.stage("computing", seconds_since(start));
    metrics_.batch(1);
    count_checks(done.answer.document, metrics_);
    return response_to(task, done);
  });
  const std::string& company = task.asked->company;
  if (task.response->status == 200 && !company.empty()) {
    pace_of(task).measured(company, 1, task.asked->body.request.inputs.size(),
                           task.seconds + seconds_since(start));
  }
  answer(task);
}

HttpResponse Engine::response_to(const Task& task, const Performed& done) const {
  const Asked& asked = *task.asked;
  switch (task.route.pattern->resource) {
    case Resource::v1_operation:
      return v1_response(*asked.operation, asked.body, done);
    case Resource::infer:
      return infer_response(task.route.model, model_of(task)->model(), asked.body, done);
    default:
      return v2_response(task.route.model, asked.body, done);
  }
}

void Engine::answer(Task& task) const {
  task.ticket->end();
  // It holds the connection, which holds the task.
  if (const auto answered = std::exchange(task.answered, {})) answered(std::move(*task.response));
}

}  // namespace pellucid

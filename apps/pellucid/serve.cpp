// serve: the catalogue and the models of the command line over HTTP, until it is told to stop.
#include "serve.h"

#include <future>
#include <iostream>

#include "pellucid/operation/loaded_model.h"
#include "pellucid/serve/server.h"

namespace pellucid {
namespace {

struct Settings : ModelSettings, InputSettings, MemorySettings {
  std::string host = "127.0.0.1";
  std::int64_t port = 8080;
  std::string max_upload = "20MiB";
  std::int64_t queue = 64;
  double timeout = 120;
  std::optional<std::string> token_file;
};

constexpr std::array own = {
    option<&Settings::host>("host",
                            "Where to listen. Anything but this machine's own loopback needs "
                            "--token-file.")
        .shown_as("ADDRESS"),
    option<&Settings::port>("port", "The port; 0: any that is free, which is printed.")
        .between(0, 65535),
    option<&Settings::max_upload>("max_upload", "Refuse larger bodies of requests.")
        .shown_as("SIZE"),
    option<&Settings::queue>("queue", "Requests that may wait for the engine; more are refused.")
        .between(1, 1e6),
    option<&Settings::timeout>("timeout",
                               "Seconds that an answer may take, waiting included; then it is "
                               "cancelled.")
        .between(0.01, 86400)
        .shown_as("S"),
    option<&Settings::token_file>("token_file",
                                  "A file whose first line every request must send as its bearer "
                                  "token.")
        .shown_as("FILE"),
    // Of the inputs' options the bound alone is the host's.
    input_options<Settings>.front(),
};
// Without trust_options: a file that can run code is no model for a server.
constexpr auto options =
    all_options(own, memory_options<Settings>, computing_options<Settings>, file_options<Settings>);

std::size_t upload_bytes(const Settings& settings) {
  try {
    return static_cast<std::size_t>(parse_bytes(settings.max_upload));
  } catch (Error& error) {
    throw error.at("--max-upload");
  }
}

Guard guard_of(const Settings& settings, const Surroundings& surroundings) {
  Guard guard{settings.host, {}};
  if (settings.token_file) {
    try {
      const std::vector<std::byte> bytes = surroundings.open_file(*settings.token_file);
      guard.token = read_token({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    } catch (const Error& error) {
      throw usage_error(error.message()).at("--token-file");
    }
  }
  check_exposure(guard);
  return guard;
}

Answer run(const Request&, const Surroundings& surroundings, const Settings& settings) {
  ServiceSettings service_settings;
  service_settings.guard = guard_of(settings, surroundings);
  service_settings.max_upload = upload_bytes(settings);
  service_settings.host_options = read_settings(options, &settings);
  // What is wrong with a bound is said now, not to the first client.
  settings.bytes();
  // On a thread that ends, and OpenMP's team with it: see pellucid/serve/lanes.cpp.
  std::async(std::launch::async, [&] {
    for (const NamedModel& each : surroundings.models) {
      each.model->open(settings);
      each.model->seal();
    }
  }).get();

  Service service(*surroundings.catalogue, surroundings.models, std::move(service_settings));
  ServerLimits limits;
  limits.waiting = static_cast<std::size_t>(settings.queue);
  limits.answer = settings.timeout;
  const auto log = [](std::string_view line) { std::cerr << std::string(line) + "\n"; };
  const auto ready = [&](std::uint16_t port) {
    const bool six = settings.host.find(':') != std::string::npos;
    const std::string address =
        "http://" + (six ? "[" + settings.host + "]" : settings.host) + ":" + std::to_string(port);
    const std::string models = join(service.model_names(), ", ");
    if (surroundings.text) {
      surroundings.text(say(surroundings.language, "Serving {0} at {1}", {models, address}) + "\n");
    }
    log(to_text({{"event", "listening"}, {"address", address}, {"models", service.model_names()}},
                false));
  };
  serve_http(service, {.port = static_cast<std::uint16_t>(settings.port)}, limits,
             *surroundings.cancellation, ready, log);
  return {};
}

}  // namespace

extern constinit const Operation serve = {
    .name = "serve",
    .group = "Else",
    .summary = "Answers over HTTP: KServe v1, the Open Inference Protocol v2 and every operation.",
    .details =
        "The models are loaded at start and no request can name a file. It listens on this machine "
        "alone unless told otherwise, and ends in order when it is interrupted: what runs is "
        "finished, what is new is refused. /openapi.json describes it all.",
    .subject = Subject::models,
    .faces = Faces::command_line,
    .options = options,
    .defaults = settings_of<run, options>,
    .run = operate<run, options>,
};

}  // namespace pellucid

// A toy method and a toy operation are put into a Catalogue, and the server has them: in its URLs,
// in its descriptions, with their options, and without those that only the host may set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/base64.h"
#include "pellucid/input/npy.h"
#include "pellucid/operation/loaded_model.h"
#include "pellucid/serve/service.h"
#include "test/toy_method.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;

// Repeats a word, gives back every input, and says what the host has set.
struct Settings {
  std::string word = "hum";
  std::int64_t times = 2;
  std::vector<std::string> method = {"toy_method"};
  std::int64_t threads = 0;
  std::string file = "none";
};
constexpr Option options[] = {
    option<&Settings::word>("word", "What is repeated."),
    option<&Settings::times>("how_often", "How often.").between(1, 9),
    option<&Settings::method>("method", "Which methods.").shown_as("METHOD"),
    option<&Settings::threads>("threads", "Threads.").between(0, 64).for_host(),
    option<&Settings::file>("file", "A file of the host.").for_host(),
};
Answer run_toy(const Request& request, const Surroundings& around, const Settings& settings) {
  EXPECT_FALSE(around.open_file) << "a request must reach no file of the host";
  around.cancellation->check();
  if (settings.word == "storage") throw Error(Fault::storage, "the disk is full");
  if (settings.word == "defect") throw std::runtime_error("oops");
  Answer answer;
  std::string said;
  for (int i = 0; i < settings.times; ++i) said += settings.word;
  answer.document = {{"said", said},
                     {"set", toy_set(request, around, settings.method)},
                     {"threads", settings.threads},
                     {"file", settings.file}};
  for (const RequestInput& input : request.inputs) {
    const std::vector<std::byte> bytes = input.read();
    const bool array = is_npy(bytes);
    around.artefact({input.stem + (array ? ".npy" : ".txt"),
                     array ? std::string(npy_media_type) : "text/plain", bytes});
  }
  return answer;
}
constexpr Operation toy = {
    .name = "toy",
    .group = "Look",
    .summary = "Hums a word.",
    .subject = Subject::none,
    .inputs = Inputs::optional,
    .options = options,
    .takes_settings = true,
    .defaults = settings_of<run_toy, options>,
    .run = operate<run_toy, options>,
};
constexpr Operation hidden = {
    .name = "hidden",
    .group = "Else",
    .summary = "Is for the command line.",
    .subject = Subject::none,
    .faces = Faces::command_line,
    .run = toy.run,
};

class ToyOverHttp : public ::testing::Test {
 protected:
  HttpResponse ask(std::string method, std::string target, std::string body = {},
                   HttpFields fields = {{"Content-Type", "application/json"}}) {
    HttpRequest request{std::move(method), std::move(target), std::move(fields), std::move(body)};
    request.fields.emplace_back("Host", "localhost");
    if (!request.body.empty())
      request.fields.emplace_back("Content-Length", std::to_string(request.body.size()));
    auto opened = service_.open(request);
    if (auto* refused = std::get_if<HttpResponse>(&opened)) return *refused;
    return service_.answer(std::get<Route>(opened), request, cancellation_);
  }
  Json toy_answer(const std::string& body) {
    const HttpResponse response = ask("POST", "/v2/toy", body);
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body);
  }
  int status(const std::string& body) { return ask("POST", "/v2/toy", body).status; }

  Catalogue catalogue_{.operations = {&toy, &hidden}, .methods = {&toy_method}, .formats = {}};
  ServiceSettings settings_{.guard = {},
                            .max_upload = 4096,
                            .host_options = {{"threads", 3}, {"file", nullptr}, {"word", "no"}}};
  Service service_{catalogue_, {}, settings_};
  Cancellation cancellation_;
};

TEST_F(ToyOverHttp, RunsWithItsOptionsAndTheToyMethodsSettings) {
  const Json answer = toy_answer(
      R"({"id": "7", "parameters": {"word": "na", "how_often": "3", "settings": {"legs": 5}}})");
  EXPECT_EQ(answer["id"], "7");
  EXPECT_EQ(answer["document"]["said"], "nanana");
  EXPECT_EQ(answer["document"]["set"][0]["legs"], 5);
  EXPECT_EQ(toy_answer("")["document"]["said"], "humhum") << "no body: all defaults";
}

TEST_F(ToyOverHttp, IsInTheCatalogueAndInTheOpenApiDocument) {
  const Json catalogue = Json::parse(ask("GET", "/v2/catalogue").body);
  ASSERT_EQ(catalogue["operations"].size(), 1) << "what HTTP does not serve is not there";
  EXPECT_EQ(catalogue["operations"][0]["path"], "/v2/toy");
  EXPECT_EQ(catalogue["operations"][0]["options"].size(), 3) << "the host's options are not there";
  EXPECT_EQ(catalogue["operations"][0]["options"][1]["most"], 9);
  EXPECT_EQ(catalogue["methods"][0]["name"], "toy_method");
  const Json page = Json::parse(ask("GET", "/openapi.json").body);
  const Json& schema = page["paths"]["/v2/toy"]["post"]["requestBody"]["content"]
                           ["application/json"]["schema"]["properties"]["parameters"]["properties"];
  EXPECT_EQ(schema["how_often"]["maximum"], 9);
  EXPECT_EQ(schema["settings"]["properties"]["toy_method"]["properties"]["legs"]["maximum"], 8);
  EXPECT_FALSE(schema.contains("threads"));
  EXPECT_FALSE(page["paths"].contains("/v2/hidden"));
  for (const RoutePattern& pattern : route_patterns()) {
    const bool by_table =
        pattern.pattern.ends_with("/{operation}") || pattern.resource == Resource::infer;
    if (is_for_browsers(pattern.resource)) continue;
    EXPECT_TRUE(by_table || page["paths"].contains(pattern.pattern)) << pattern.pattern;
  }
}

TEST_F(ToyOverHttp, TakesTheHostsOptionsFromTheHostAlone) {
  const Json document = toy_answer("{}")["document"];
  EXPECT_EQ(document["threads"], 3);
  EXPECT_EQ(document["file"], "none") << "what the host leaves out keeps its default";
  EXPECT_EQ(document["said"], "humhum") << "the host has no say in a client's options";
  for (const char* body :
       {R"({"parameters": {"threads": 1}})", R"({"parameters": {"file": "/etc/passwd"}})"}) {
    const HttpResponse response = ask("POST", "/v2/toy", body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr("unknown parameter")) << body;
  }
}

TEST_F(ToyOverHttp, GivesArraysAsValuesAndOtherFilesAsBase64) {
  const std::string text = to_base64(std::as_bytes(std::span("abc", 3)));
  const Json answer = toy_answer(
      R"({"inputs": [{"name": "a", "datatype": "BYTES", "shape": [1], "data": [")" + text +
      R"("]}, {"name": "b", "datatype": "INT32", "shape": [1, 2], "data": [7, -7]}]})");
  ASSERT_EQ(answer["outputs"].size(), 2);
  EXPECT_EQ(answer["outputs"][0]["datatype"], "BYTES");
  EXPECT_EQ(answer["outputs"][0]["data"][0], text);
  EXPECT_EQ(answer["outputs"][0]["parameters"]["content_type"], "text/plain");
  EXPECT_EQ(answer["outputs"][1]["datatype"], "INT32");
  EXPECT_EQ(answer["outputs"][1]["shape"], Json({1, 2}));
  EXPECT_EQ(answer["outputs"][1]["data"], Json({7, -7}));
}

TEST_F(ToyOverHttp, TakesAndGivesTensorsAsBytes) {
  const std::string head =
      R"({"parameters": {"binary_data_output": true}, "inputs": [{"name": "b", "datatype": "FP32",)"
      R"("shape": [2], "parameters": {"binary_data_size": 8}}]})";
  const std::string tail("\0\0\x80\x3f\0\0\0\x40", 8);
  const HttpFields fields = {{"Content-Type", "application/octet-stream"},
                             {"Inference-Header-Content-Length", std::to_string(head.size())}};
  const HttpResponse response = ask("POST", "/v2/toy", head + tail, fields);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/octet-stream");
  EXPECT_EQ(response.body.substr(response.body.size() - 8), tail) << "1 and 2 came back";
  const HttpResponse cut = ask("POST", "/v2/toy", head + tail.substr(1), fields);
  EXPECT_EQ(cut.status, 400);
  EXPECT_EQ(ask("POST", "/v2/toy", head + tail + "x", fields).status, 400);
}

TEST_F(ToyOverHttp, AnswersWrongRequestsWithWhatWasExpected) {
  std::string deep(3000, '[');
  deep += std::string(3000, ']');
  for (const std::string& body :
       {std::string("{"), std::string("[]"), std::string("{\"nonsense\": 1}"),
        std::string("{\"parameters\": {\"wrod\": \"na\"}}"),
        std::string("{\"parameters\": {\"how_often\": 99}}"),
        std::string("{\"parameters\": {\"settings\": {\"wings\": 2}}}"),
        std::string("{\"inputs\": [{\"name\": \"a\"}]}"),
        std::string("{\"outputs\": [{\"name\": \"none\"}]}"), "{\"id\": " + deep + "}"}) {
    const HttpResponse response = ask("POST", "/v2/toy", body.substr(0, 4000));
    EXPECT_EQ(response.status, 400) << body.substr(0, 60) << response.body;
    EXPECT_TRUE(Json::parse(response.body)["error"].contains("what"));
  }
  EXPECT_THAT(ask("POST", "/v2/toy", R"({"parameters": {"wrod": "na"}})").body, HasSubstr("word"));
}

TEST_F(ToyOverHttp, RefusesByTheHeadAlone) {
  EXPECT_EQ(ask("POST", "/v2/tyo", "{}").status, 404);
  EXPECT_THAT(ask("POST", "/v2/tyo", "{}").body, HasSubstr("did you mean toy"));
  EXPECT_EQ(ask("POST", "/v2/hidden", "{}").status, 404) << "it is for the command line";
  EXPECT_EQ(ask("GET", "/v2/models/m").status, 404);
  EXPECT_EQ(ask("POST", "/v2/models/m/toy", "{}").status, 404);
  EXPECT_EQ(ask("POST", "/v2/toy", "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(ask("POST", "/v2/toy", "{}", {}).status, 415);
  EXPECT_EQ(ask("POST", "/v2/toy", "{}",
                {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}})
                .status,
            415);
  EXPECT_EQ(ask("POST", "/v2/toy", std::string(5000, ' ')).status, 413);
  EXPECT_EQ(ask("GET", "/v2/toy").status, 405);
}

TEST_F(ToyOverHttp, TurnsFaultsIntoStatuses) {
  EXPECT_EQ(status(R"({"parameters": {"word": "storage"}})"), 507);
  EXPECT_EQ(status(R"({"parameters": {"word": "defect"}})"), 500);
  cancellation_.request();
  EXPECT_EQ(status("{}"), 503);
}

TEST_F(ToyOverHttp, RefusesNewWorkWhileItStopsAndSaysSo) {
  EXPECT_EQ(ask("GET", "/v2/health/ready").status, 200);
  service_.drain();
  EXPECT_EQ(ask("GET", "/v2/health/ready").status, 503);
  EXPECT_EQ(ask("GET", "/v2/health/live").status, 200);
  EXPECT_EQ(status("{}"), 503);
}

}  // namespace
}  // namespace pellucid

// The pure parts of the server: URLs, who may ask, base64, tensors, queues, metrics.
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/base/base64.h"
#include "pellucid/serve/guard.h"
#include "pellucid/serve/metrics.h"
#include "pellucid/serve/route.h"
#include "pellucid/serve/tensors.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Route route(std::string_view method, std::string_view target) {
  auto found = find_route(method, target);
  EXPECT_TRUE(std::holds_alternative<Route>(found)) << target;
  return std::get<Route>(found);
}

int refusal(std::string_view method, std::string_view target) {
  return std::get<HttpResponse>(find_route(method, target)).status;
}

TEST(Routes, FindModelsAndOperationsInUrls) {
  EXPECT_EQ(route("GET", "/v1/models").pattern->resource, Resource::v1_models);
  const Route v1 = route("POST", "/v1/models/cat:explain");
  EXPECT_EQ(v1.model, "cat");
  EXPECT_EQ(v1.operation, "explain");
  EXPECT_EQ(route("POST", "/v2/models/cat/infer").pattern->resource, Resource::infer);
  const Route v2 = route("POST", "/v2/models/cat%2E1/hum?x=1");
  EXPECT_EQ(v2.model, "cat.1");
  EXPECT_EQ(v2.operation, "hum");
  EXPECT_EQ(route("GET", "/v2/").pattern->resource, Resource::v2_server);
  EXPECT_EQ(route("HEAD", "/v2/health/live").pattern->resource, Resource::live);
  EXPECT_EQ(route("GET", "/v2/models/cat/ready").pattern->resource, Resource::v2_model_ready);
  EXPECT_EQ(route("GET", "/v2/requests/a-1").id, "a-1");
}

TEST(Routes, RefuseWhatIsNoPageOrHasAnotherMethod) {
  EXPECT_EQ(refusal("GET", "/nothing"), 404);
  EXPECT_EQ(refusal("GET", "/v2/models/a/b/c"), 404);
  EXPECT_EQ(refusal("POST", "/v1/models/cat"), 405);
  EXPECT_EQ(refusal("GET", "/v1/models/cat:predict"), 405) << "it is no model of that name";
  EXPECT_EQ(refusal("POST", "/v2/catalogue"), 405) << "it is no operation";
  EXPECT_EQ(refusal("POST", "/v2/models/cat/ready"), 405);
  EXPECT_EQ(refusal("POST", "/v2/models/%zz/infer"), 404);
  const auto response = std::get<HttpResponse>(find_route("DELETE", "/v2"));
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.fields, ::testing::Contains(::testing::Pair("Allow", "GET, HEAD")));
}

HttpRequest from(std::string host, HttpFields more = {}) {
  HttpRequest request{"GET", "/v2", {{"Host", std::move(host)}}, {}};
  request.fields.insert(request.fields.end(), more.begin(), more.end());
  return request;
}

int verdict(const Guard& guard, const HttpRequest& request, bool open = false) {
  const auto refused = guard.refuse(request, open);
  return refused ? refused->status : 200;
}

TEST(Guard, AnswersOnLoopbackToItsOwnNamesOnly) {
  const Guard guard;
  for (const char* host : {"localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"})
    EXPECT_EQ(verdict(guard, from(host)), 200) << host;
  for (const char* host : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example",
                           "10.0.0.1", "", "localhost.x"})
    EXPECT_EQ(verdict(guard, from(host)), 403) << host;
  EXPECT_EQ(verdict(guard, {"GET", "/v2", {}, {}}), 400) << "no Host at all";
  EXPECT_EQ(verdict(guard, from("localhost", {{"host", "localhost"}})), 400) << "two of them";
}

TEST(Guard, RefusesPagesOfOtherSites) {
  const Guard guard;
  EXPECT_EQ(verdict(guard, from("localhost:8080", {{"Origin", "http://localhost:8080"}})), 200);
  for (const char* origin : {"http://evil.example", "null", "", "http://localhost:9090"})
    EXPECT_EQ(verdict(guard, from("localhost:8080", {{"Origin", origin}})), 403) << origin;
}

TEST(Guard, AsksForTheTokenButNotForHealth) {
  const Guard guard{"0.0.0.0", "0123456789abcdef"};
  EXPECT_EQ(verdict(guard, from("10.0.0.1")), 401);
  EXPECT_EQ(verdict(guard, from("10.0.0.1"), true), 200);
  EXPECT_EQ(verdict(guard, from("10.0.0.1", {{"Authorization", "Bearer 0123456789abcdef"}})), 200);
  for (const char* wrong : {"Bearer 0123456789abcdeX", "Bearer ", "0123456789abcdef", "Basic x"})
    EXPECT_EQ(verdict(guard, from("10.0.0.1", {{"Authorization", wrong}})), 401) << wrong;
  EXPECT_EQ(verdict(guard, from("evil.example")), 403) << "a name could be bent to this address";
}

TEST(Guard, NeedsATokenBeyondLoopback) {
  EXPECT_NO_THROW(check_exposure({"127.0.0.1", ""}));
  EXPECT_NO_THROW(check_exposure({"0.0.0.0", "0123456789abcdef"}));
  EXPECT_THROW(check_exposure({"0.0.0.0", ""}), Error);
  EXPECT_THROW(check_exposure({"127.evil.example", ""}), Error);
  EXPECT_THROW(check_exposure({"127.0.0.1", "short"}), Error);
  EXPECT_EQ(read_token("secret \r\nmore"), "secret");
  EXPECT_THROW(read_token("\n"), Error);
}

TEST(ErrorResponses, AreSaidInTheLanguageWithTheirKeysStatusAndFields) {
  const HttpResponse busy = error_response(429, "too many requests wait already", {}, "send less");
  const HttpResponse told = in_language(busy, Language::chinese);
  EXPECT_EQ(
      Json::parse(told.body),
      Json::parse(R"({"error": {"what": "等待中的请求已过多", "what_to_do": "请减少内容"}})"));
  EXPECT_EQ(told.status, 429);
  EXPECT_EQ(told.fields, busy.fields);
  EXPECT_EQ(in_language(busy, Language::english).body, busy.body);
  // The option of this name stays what it is called.
  const HttpResponse option = error_response(usage_error("cancelled").at("layer"));
  EXPECT_EQ(Json::parse(in_language(option, Language::chinese).body)["error"]["where"], "layer");
  // What is no error, or was not made by error_response, is nobody's to change.
  EXPECT_EQ(
      in_language(json_response({{"error", {{"what", "cancelled"}}}}), Language::chinese).body,
      json_response({{"error", {{"what", "cancelled"}}}}).body);
  HttpResponse odd{.status = 500, .body = "cancelled"};
  EXPECT_EQ(in_language(odd, Language::chinese).body, "cancelled");
}

TEST(Statuses, FollowTheFault) {
  EXPECT_EQ(error_response(usage_error("x")).status, 400);
  EXPECT_EQ(error_response(input_error("x")).status, 400);
  EXPECT_EQ(error_response(Error(Fault::too_large, "x")).status, 413);
  EXPECT_EQ(error_response(Error(Fault::storage, "x")).status, 507);
  EXPECT_EQ(error_response(internal_error("x")).status, 500);
  const Json body = Json::parse(error_response(usage_error("a").at("b").hint("c")).body);
  EXPECT_EQ(body, Json::parse(R"({"error": {"what": "a", "where": "b", "what_to_do": "c"}})"));
}

TEST(Messages, AreWrittenWithTheirOwnFieldsFirst) {
  const HttpResponse response{404, "text/plain", "gone", {{"Allow", "GET"}, {"X-Frame", "own"}}};
  EXPECT_EQ(written_out(response, "Not Found", {{"Connection", "close"}},
                        {{"X-Frame", "usual"}, {"X-Other", "usual"}}),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
            "Connection: close\r\nAllow: GET\r\nX-Frame: own\r\nX-Other: usual\r\n\r\n");
}

TEST(Base64, ReadsWhatItWritesAndNothingElse) {
  const std::string text = "any carnal pleas";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto bytes = std::as_bytes(std::span(text).first(size));
    const auto back = from_base64(to_base64(bytes));
    ASSERT_TRUE(back.has_value()) << size;
    EXPECT_TRUE(std::ranges::equal(*back, bytes)) << size;
  }
  EXPECT_EQ(to_base64(std::as_bytes(std::span(text).first(4))), "YW55IA==");
  EXPECT_TRUE(from_base64("YW55IA").has_value()) << "unpadded";
  for (const char* wrong : {"Y", "YW5!", "YW55I===", "=", "YQ==YQ=="})
    EXPECT_FALSE(from_base64(wrong).has_value()) << wrong;
}

TEST(Tensors, TakeFlatAndNestedNumbers) {
  const std::int64_t shape[] = {2, 2};
  const at::Tensor expected = at::tensor({1.0, 2.0, 3.0, 4.5}).to(at::kFloat).view({2, 2});
  EXPECT_TRUE(at::equal(tensor_of(Json::parse("[1, 2, 3, 4.5]"), at::kFloat, shape), expected));
  EXPECT_TRUE(at::equal(tensor_of(Json::parse("[[1, 2], [3, 4.5]]"), at::kFloat), expected));
  const std::string bytes = raw_bytes(expected);
  EXPECT_TRUE(at::equal(tensor_of(std::string_view(bytes), at::kFloat, shape), expected));
  EXPECT_EQ(nested_values(expected), Json::parse("[[1.0, 2.0], [3.0, 4.5]]"));
  EXPECT_EQ(flat_values(expected), Json::parse("[1.0, 2.0, 3.0, 4.5]"));
}

TEST(Tensors, RefuseWhatDoesNotFit) {
  const std::int64_t two[] = {2}, huge[] = {std::int64_t{1} << 40, std::int64_t{1} << 40},
                     negative[] = {-1};
  EXPECT_THROW(tensor_of(Json::parse("[1, 2, 3]"), at::kFloat, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1]"), at::kFloat, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1, \"2\"]"), at::kFloat, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1, null]"), at::kFloat, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1, 256]"), at::kByte, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1, 1.5]"), at::kLong, two), Error);
  EXPECT_THROW(tensor_of(Json::parse("[[1, 2], [3]]"), at::kFloat), Error);
  EXPECT_THROW(tensor_of(Json::parse("[[1], 2]"), at::kFloat), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1]"), at::kFloat, huge), Error);
  EXPECT_THROW(tensor_of(Json::parse("[1]"), at::kFloat, negative), Error);
  EXPECT_THROW(tensor_of(std::string_view("1234567"), at::kFloat, two), Error);
}

TEST(Metrics, CountStagesBatchesAndChecksOfABoundedNumber) {
  Metrics metrics;
  metrics.stage("waiting", 0.02);
  metrics.batch(3);
  metrics.batch(1);
  metrics.check("completeness_gap", "warn");
  metrics.check("outputs.a\"b", "pass");
  for (int i = 0; i < 1000; ++i) metrics.check("made_up" + std::to_string(i), "pass");
  const std::string text = metrics.text({.lost_lines = 5});
  EXPECT_THAT(text, HasSubstr("pellucid_stage_duration_seconds_count{stage=\"waiting\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_batch_requests_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_batch_requests_bucket{le=\"4\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_batch_requests_sum 4\n"));
  EXPECT_THAT(text,
              HasSubstr("pellucid_checks_total{check=\"completeness_gap\",verdict=\"warn\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_checks_total{check=\"outputs\",verdict=\"pass\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_checks_total{check=\"other\",verdict=\"other\"} 746\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_log_lines_lost_total 5\n"));
}

TEST(Metrics, CountInSecondsWithoutAClientsWords) {
  Metrics metrics;
  metrics.observe("/v2/models/{model}/infer", "POST", 200, 0.02);
  metrics.observe("/v2/models/{model}/infer", "POST", 200, 100);
  metrics.observe("none", "EVIL\"} 1", 404, 0.0001);
  metrics.reject("queue");
  const std::string text = metrics.text({.waiting = 3, .running = 1, .connections = 7});
  const std::string labels = "route=\"/v2/models/{model}/infer\",method=\"POST\",status=\"2xx\"";
  const std::string name = "pellucid_request_duration_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_bucket{" + labels + ",le=\"0.01\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{" + labels + ",le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{" + labels + ",le=\"60\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{" + labels + ",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum{" + labels + "} 100.02\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_rejections_total{reason=\"queue\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_queue_depth 3\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_requests_in_flight 1\n"));
  EXPECT_THAT(text, HasSubstr("pellucid_build_info{version="));
  EXPECT_THAT(text, Not(HasSubstr("EVIL")));
}

}  // namespace
}  // namespace pellucid

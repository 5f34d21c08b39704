// What a browser gets from the server, and what it may do with it.
#include "pellucid/serve/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pellucid/report/assets.h"
#include "pellucid/serve/service.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Pages : public ::testing::Test {
 protected:
  HttpResponse get(std::string target, HttpFields fields = {}) {
    ServiceSettings settings;
    settings.guard.token = "secret";  // the page needs none
    Service service(catalogue_, {}, settings);
    HttpRequest request{"GET", std::move(target), std::move(fields), {}};
    request.fields.emplace_back("Host", "localhost");
    std::variant<Route, HttpResponse> opened = service.open(request);
    if (auto* refused = std::get_if<HttpResponse>(&opened)) return *refused;
    return service.answer(std::get<Route>(opened), request, Cancellation());
  }
  static std::string field(const HttpResponse& response, std::string_view name) {
    for (const auto& [each, value] : response.fields) {
      if (each == name) return value;
    }
    return "";
  }

  Catalogue catalogue_;
};

TEST_F(Pages, GivesThePageAndEveryPartThatItNames) {
  const HttpResponse page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(page.body, find_asset("index.html")->bytes);
  std::size_t parts = 0;
  for (const Asset& asset : assets()) {
    const std::string path = "/assets/" + std::string(asset.name);
    if (page.body.find(path) == std::string::npos) continue;
    ++parts;
    EXPECT_EQ(get(path).body, asset.bytes) << path;
    EXPECT_EQ(get(path).content_type, asset.media_type) << path;
  }
  EXPECT_GE(parts, 2U) << "a script and a style at least";
  EXPECT_EQ(get("/assets/nothing.js").status, 404);
  EXPECT_EQ(get("/assets/..%2Fpage.js").status, 404);
}

TEST_F(Pages, LetsABrowserRunOnlyWhatTheProgramBrings) {
  const std::string policy = field(get("/"), "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src 'self'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST_F(Pages, CompressesForThoseWhoTakeIt) {
  const HttpResponse packed = get("/assets/page.js", {{"Accept-Encoding", "deflate, gzip, br"}});
  EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(packed.body, find_asset("page.js")->gzip);
  EXPECT_EQ(field(get("/assets/page.js", {{"Accept-Encoding", "gzip;q=0"}}), "Content-Encoding"),
            "");
  EXPECT_LE(packed.body.size(), 250U << 10);
}

TEST_F(Pages, SpeaksChineseInTheProgramsOwnWords) {
  const HttpResponse words = get("/words/zh.json");
  EXPECT_EQ(words.content_type, "application/json");
  EXPECT_THAT(words.body, HasSubstr("模型"));
}

TEST_F(Pages, AreNoPartOfTheProtocolsDescription) {
  EXPECT_EQ(get("/openapi.json").status, 401);
  EXPECT_THAT(get("/openapi.json", {{"Authorization", "Bearer secret"}}).body,
              Not(HasSubstr("/assets/")));
}

}  // namespace
}  // namespace pellucid

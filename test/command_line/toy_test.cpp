// A toy method and a toy operation are put into a Catalogue, and nothing else is changed: the
// command line, the JSON Schema and an HTTP adapter (a fake one, below) find both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/pellucid/command_line.h"
#include "pellucid/operation/loaded_model.h"
#include "test/toy_method.h"

namespace pellucid {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The toy operation: repeats a word for every input, and takes methods' settings.
struct Settings {
  std::string word = "hum";
  std::int64_t times = 2;
  bool loud = false;
  std::vector<std::string> method = {"toy_method"};
};
constexpr std::string_view formats[] = {"txt"};
constexpr Option options[] = {
    option<&Settings::word>("word", "What is repeated."),
    option<&Settings::times>("how_often", "How often.").between(1, 9),
    option<&Settings::loud>("loud", "In capitals."),
    option<&Settings::method>("method", "Which methods.").shown_as("METHOD"),
};
Answer run_toy(const Request& request, const Surroundings& around, const Settings& settings) {
  const std::vector<Json> set = toy_set(request, around, settings.method);
  std::string text;
  for (int i = 0; i < settings.times; ++i) text += settings.loud ? "HUM" : settings.word;
  Answer answer;
  answer.document = {{"said", text}, {"set", set}, {"inputs", Json::array()}};
  for (const RequestInput& input : request.inputs) {
    try {
      answer.document["inputs"].push_back(input.read().size());
      around.artefact({input.stem + ".toy.txt", "text/plain", input.read()});
    } catch (const Error& error) {
      answer.failures.push_back({input.name, error});
    }
  }
  answer.nothing_done = !request.inputs.empty() && answer.failures.size() == request.inputs.size();
  answer.text = text;
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
    .formats = formats,
    .defaults = settings_of<run_toy, options>,
    .run = operate<run_toy, options>,
};

Catalogue toys() { return {.operations = {&toy}, .methods = {&toy_method}, .formats = {}}; }

struct Said {
  int code;
  std::string out, err;
};

Said say_words(std::vector<std::string> words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  std::ostringstream out, err;
  const Catalogue catalogue = toys();
  const int code = run_command_line(views, catalogue, {.out = out, .err = err});
  return {code, out.str(), err.str()};
}

class Folder : public ::testing::Test {
 protected:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("pellucid_toy_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() override { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& content = "") const {
    const auto whole = path_ / name;
    std::filesystem::create_directories(whole.parent_path());
    if (!content.empty()) std::ofstream(whole) << content;
    return whole.string();
  }
  std::filesystem::path path_;
};
using ToyOnTheCommandLine = Folder;

std::string content(const std::filesystem::path& path) {
  std::ostringstream stream;
  stream << std::ifstream(path).rdbuf();
  return stream.str();
}

TEST_F(ToyOnTheCommandLine, IsAVerbWithItsOptions) {
  const Said said = say_words({"toy", "--word", "na", "--how-often=3"});
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.out, "nanana\n");
  EXPECT_EQ(say_words({"toy", "--loud"}).out, "HUMHUM\n");
  EXPECT_EQ(say_words({"toy", "--no-loud"}).out, "humhum\n");
  EXPECT_EQ(say_words({"toy", "--loud=off"}).out, "humhum\n");
}

TEST_F(ToyOnTheCommandLine, IsInTheHelp) {
  EXPECT_THAT(say_words({"--help"}).out, HasSubstr("Hums a word."));
  const std::string help = say_words({"toy", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("--how-often N"));
  EXPECT_THAT(help, HasSubstr("(default 2)"));
  EXPECT_THAT(help, HasSubstr("--set [METHOD.]KEY=VALUE"));
  EXPECT_THAT(help, Not(HasSubstr("--metadata"))) << "it has no model";
}

TEST_F(ToyOnTheCommandLine, IsInCompletionsAndTheManPage) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Said said = say_words({"--completions", shell});
    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, HasSubstr("how-often")) << shell;
    EXPECT_THAT(said.out, HasSubstr("toy_method")) << shell;
  }
  EXPECT_THAT(say_words({"--man"}).out, HasSubstr("Counts legs."));
}

TEST_F(ToyOnTheCommandLine, TakesSettingsOfTheToyMethod) {
  const Said said = say_words({"toy", "--json", "--set", "legs=6", "--out", file("out")});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(Json::parse(said.out)["set"][0]["legs"], 6);
  EXPECT_EQ(
      Json::parse(say_words({"toy", "--json", "--set", "toy_method.legs=2"}).out)["set"][0]["legs"],
      2);
  const Said wrong = say_words({"toy", "--set", "lgs=6"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean legs"));
  EXPECT_EQ(say_words({"toy", "--set", "legs=9"}).code, 2) << "beyond the range";
  EXPECT_EQ(say_words({"toy", "--set", "other.legs=1"}).code, 2) << "a method that was not chosen";
  EXPECT_EQ(say_words({"toy", "--set", "legs"}).code, 2);
}

TEST_F(ToyOnTheCommandLine, RefusesWrongWordsInOneLineWithTheNearest) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"tyo"},
                                             {"toy", "--wrod", "x"},
                                             {"toy", "--how-often", "99"},
                                             {"toy", "--how-often", "x"},
                                             {"toy", "--word"},
                                             {"--frob"},
                                             {"toy", "--lang", "fr"}}) {
    const Said said = say_words(words);
    EXPECT_EQ(said.code, 2) << words.back();
    EXPECT_EQ(std::ranges::count(said.err, '\n'), 1) << said.err;
    EXPECT_TRUE(said.out.empty()) << said.out;
  }
  EXPECT_THAT(say_words({"tyo"}).err, HasSubstr("did you mean toy?"));
  EXPECT_THAT(say_words({"toy", "--wrod", "x"}).err, HasSubstr("did you mean --word"));
  EXPECT_THAT(say_words({"toy", "--how-often", "99"}).err, HasSubstr("from 1 to 9"));
  EXPECT_EQ(say_words({}).code, 2) << "help is shown, but nothing was asked";
}

TEST_F(ToyOnTheCommandLine, WritesFilesAndARecordOfTheRun) {
  const std::string one = file("one.npy", "12345"), out = file("out");
  const Said said = say_words({"toy", one, "--out", out});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(content(path_ / "out/one.toy.txt"), "12345");
  const Json record = Json::parse(content(path_ / "out/run.json"));
  EXPECT_EQ(record["operation"], "toy");
  EXPECT_EQ(record["options"]["how_often"], 2) << "defaults are recorded, too";
  EXPECT_EQ(record["files"], Json({"one.toy.txt"}));
  EXPECT_EQ(record["failures"], Json::array());
  EXPECT_THAT(said.out, HasSubstr(out));
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(".pellucid-")))
        << "nothing temporary stays";
  }
}

TEST_F(ToyOnTheCommandLine, KeepsTheFoldersOfEqualStems) {
  file("in/a/cat.npy", "a");
  file("in/b/cat.npy", "bb");
  file("in/dog.npy", "d");
  file("in/.hidden.npy", "h");
  file("in/readme.txt", "no picture");
  const Said said = say_words({"toy", file("in"), "--out", file("out")});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(content(path_ / "out/a/cat.toy.txt"), "a");
  EXPECT_EQ(content(path_ / "out/b/cat.toy.txt"), "bb");
  EXPECT_EQ(content(path_ / "out/dog.toy.txt"), "d");
  EXPECT_FALSE(std::filesystem::exists(path_ / "out/.hidden.toy.txt"));
}

TEST_F(ToyOnTheCommandLine, GivesEachOfSeveralFilesWithOneStemItsOwnName) {
  const std::string a = file("cat.npy", "a"), b = file("cat.png", "b");
  ASSERT_EQ(say_words({"toy", a, b, a, "--out", file("out")}).code, 0);
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(file("out"))) {
    if (entry.path().extension() == ".txt") ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST_F(ToyOnTheCommandLine, SaysThreeWhenSomeInputsFailAndOneWhenTheOnlyOneDoes) {
  const std::string good = file("good.npy", "1"), out = file("out");
  const Said some = say_words({"toy", good, file("missing.npy"), "--out", out});
  EXPECT_EQ(some.code, 3);
  EXPECT_THAT(some.err, HasSubstr("missing.npy"));
  const Json record = Json::parse(content(path_ / "out/run.json"));
  EXPECT_EQ(record["failures"].size(), 1);
  EXPECT_EQ(say_words({"toy", file("missing.npy"), "--out", file("other")}).code, 1);
  EXPECT_FALSE(std::filesystem::exists(path_ / "other")) << "nothing was done, nothing is left";
}

TEST_F(ToyOnTheCommandLine, SaysWhenAFolderCanNotBeWrittenAndLeavesNothing) {
  const std::string blocked = file("blocked", "a file where a folder should be");
  const Said said = say_words({"toy", file("one.npy", "1"), "--out", blocked + "/inside"});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, HasSubstr("--out"));
  if (std::filesystem::exists("/dev/full")) {
    const Said full = say_words({"toy", file("one.npy", "1"), "--out", "/proc"});
    EXPECT_EQ(full.code, 1);
  }
}

TEST_F(ToyOnTheCommandLine, PrintsOnlyTheDocumentWithJson) {
  const Said said = say_words({"toy", file("one.npy", "1"), "--json", "--out", file("out")});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_TRUE(Json::accept(said.out));
}

TEST_F(ToyOnTheCommandLine, EscapesControlCharactersOfNames) {
  const Said said = say_words({"toy", file("a\x1b[2J.npy")});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, Not(HasSubstr("\x1b")));
}

TEST(JsonSchema, HasTheToysOptionsAndTheToyMethodsSettings) {
  const Json document = schema(toy, toys());
  const Json& fields = document["properties"];
  EXPECT_EQ(fields["options"]["properties"]["how_often"]["minimum"], 1);
  EXPECT_EQ(fields["options"]["properties"]["how_often"]["default"], 2);
  EXPECT_EQ(fields["options"]["properties"]["loud"]["type"], "boolean");
  EXPECT_EQ(fields["options"]["properties"]["method"]["type"], "array");
  EXPECT_EQ(fields["settings"]["properties"]["toy_method"]["properties"]["legs"]["maximum"], 8);
  EXPECT_TRUE(fields.contains("inputs"));
}

// An HTTP adapter as a server would have one: it knows the tables, and no verb by name.
struct Response {
  int status;
  Json body;
};

Response http(const Catalogue& catalogue, std::string_view method, std::string_view path,
              const Json& body) {
  constexpr std::string_view root = "/v2/models/m/";
  if (!path.starts_with(root)) return {404, {{"error", "no such page"}}};
  const Operation* operation = catalogue.find_operation(path.substr(root.size()));
  if (operation == nullptr || !serves(operation->faces, Faces::http))
    return {404, {{"error", "no such verb"}}};
  if (method == "GET") return {200, schema(*operation, catalogue)};
  Request request;
  for (const auto& [key, value] : body.items()) {
    if (key == "options")
      request.options = value;
    else if (key == "settings")
      request.settings = value;
    else if (key != "inputs")
      return {400, {{"error", "unknown key " + key}}};
  }
  for (const Json& input : body.value("inputs", Json::array())) {
    std::vector<std::byte> bytes;
    for (const Json& byte : input["bytes"])
      bytes.push_back(static_cast<std::byte>(byte.get<int>()));
    const std::string name = input.value("name", "input");
    request.inputs.push_back({name, name, input.value("of", ""), [bytes] { return bytes; }});
  }
  Json files = Json::object();
  Surroundings around;
  around.catalogue = &catalogue;
  around.artefact = [&](Artefact&& file) { files[file.name] = file.bytes.size(); };
  try {
    Json answer = perform(*operation, request, around).document;
    answer["files"] = files;
    return {200, std::move(answer)};
  } catch (const Error& error) {
    return {error.fault() == Fault::usage ? 400 : 500, {{"error", error.what()}}};
  }
}

TEST(FakeHttp, FindsTheToyOperationAndTheToyMethod) {
  const Catalogue catalogue = toys();
  const Json body =
      Json::parse(R"({"options": {"word": "na", "how_often": 3}, "settings": {"legs": 5},
                                    "inputs": [{"name": "x", "bytes": [1, 2, 3]}]})");
  const Response response = http(catalogue, "POST", "/v2/models/m/toy", body);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.body["said"], "nanana");
  EXPECT_EQ(response.body["set"][0]["legs"], 5);
  EXPECT_EQ(response.body["inputs"], Json({3}));
  EXPECT_EQ(response.body["files"]["x.toy.txt"], 3);
}

TEST(FakeHttp, TakesSettingsOfOneMethodInEitherForm) {
  const Catalogue catalogue = toys();
  for (const char* body :
       {R"({"settings": {"toy_method": {"legs": 3}}})", R"({"settings": {"toy_method.legs": 3}})",
        R"({"settings": {"legs": 8, "toy_method.legs": "3"}})"}) {
    const Response response = http(catalogue, "POST", "/v2/models/m/toy", Json::parse(body));
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.body["set"][0]["legs"], 3) << body;
  }
}

TEST(FakeHttp, AnswersWrongRequestsWithWhatWasExpected) {
  const Catalogue catalogue = toys();
  const auto post = [&](const char* body) {
    return http(catalogue, "POST", "/v2/models/m/toy", Json::parse(body));
  };
  EXPECT_EQ(post(R"({"options": {"wrod": "na"}})").status, 400);
  EXPECT_EQ(post(R"({"options": {"how_often": 99}})").status, 400);
  EXPECT_EQ(post(R"({"settings": {"wings": 2}})").status, 400);
  EXPECT_EQ(http(catalogue, "POST", "/v2/models/m/tyo", Json::object()).status, 404);
}

TEST(FakeHttp, PublishesTheSchemaOfEveryVerb) {
  const Response response = http(toys(), "GET", "/v2/models/m/toy", {});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["title"], "toy");
}

}  // namespace
}  // namespace pellucid

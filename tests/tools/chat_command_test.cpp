// tern chat as programs and pipes use it.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"
#include "support/temp_dir.h"
#include "support/tiny_model.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

const std::string kDemo = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";

Outcome chat(std::vector<std::string> more, std::string input = {}) {
  std::vector<std::string> arguments = {"chat", "-m", kDemo, "--temp", "0", "-n", "12"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tern(arguments, std::move(input));
}

TEST(ChatCommand, AnswersOneQuestionOnStdoutAndNothingElse) {
  const Outcome outcome = chat({"-p", "Tell me a story about a dragon."});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("Once upon a time")) << outcome.out;
  EXPECT_TRUE(outcome.out.ends_with('\n'));
  EXPECT_EQ(outcome.out.find("dragon."), std::string::npos) << "the question is not repeated";
}

TEST(ChatCommand, TheQuestionMayComeFromThreePlaces) {
  const std::string question = "Tell me a story about a dragon.";
  const std::string expected = chat({"-p", question}).out;
  EXPECT_EQ(chat({}, question + "\n").out, expected);
  const TempDir folder;
  const std::string file = folder.file("question");
  FILE* f = std::fopen(file.c_str(), "w");
  ASSERT_NE(f, nullptr);
  std::fputs(question.c_str(), f);
  std::fclose(f);
  EXPECT_EQ(chat({"-f", file}).out, expected);
  EXPECT_EQ(chat({}, "").exit_code, 2);
}

TEST(ChatCommand, TheSystemPromptHasTheSpellingOfOthersToo) {
  const auto n_prompt = [](std::vector<std::string> more) {
    more.insert(more.end(), {"-p", "Begin.", "--output", "json"});
    const Json json = Json::parse(chat(std::move(more)).out, nullptr, false);
    return json.is_object() ? json["stats"]["prompt_tokens"].get<int>() : -1;
  };
  const int with = n_prompt({"--system", "A tale of the sea."});
  EXPECT_EQ(n_prompt({"-sys", "A tale of the sea."}), with);
  EXPECT_GT(with, n_prompt({}) + 5);
}

TEST(ChatCommand, JsonHoldsAnswerAndFigures) {
  const Outcome outcome = chat({"-p", "Hello", "--output", "json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["template"], "the model's own");
  EXPECT_EQ(json["stop_reason"], "length");
  EXPECT_EQ(json["text"].get<std::string>() + "\n", chat({"-p", "Hello"}).out);
  EXPECT_EQ(json["stats"]["generated_tokens"], 12);
  EXPECT_EQ(json["stats"]["reused_tokens"], 0);
}

TEST(ChatCommand, JsonLinesAreEvents) {
  std::istringstream lines(chat({"-p", "Hello", "--output", "jsonl"}).out);
  std::vector<std::string> events;
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    events.push_back(json["event"]);
    if (events.back() == "token") text += json["text"];
    if (events.back() == "stop") {
      EXPECT_EQ(json["text"], text);
    }
  }
  ASSERT_EQ(events.size(), 15u);
  EXPECT_EQ(events.front(), "start");
  EXPECT_EQ(events[1], "token");
  EXPECT_EQ(events[13], "stop");
  EXPECT_EQ(events[14], "stats");
}

TEST(ChatCommand, TheAnswerHasTheFormThatIsAskedFor) {
  const std::string schema = R"({"enum": ["dragon", "princess"]})";
  const Outcome one = chat({"-p", "Who is it?", "--json-schema", schema});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_TRUE(one.out == "\"dragon\"\n" || one.out == "\"princess\"\n") << one.out;
  EXPECT_EQ(chat({"-p", "x", "--json-schema", R"({"not": {}})"}).exit_code, 5);
}

TEST(ChatCommand, WarnsOnceOfABaseModel) {
  const Outcome outcome =
      tern({"chat", "-m", tiny_model(), "--head", "keep", "-n", "3", "-p", "Hello"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const size_t at = outcome.err.find("base model");
  ASSERT_NE(at, std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("base model", at + 1), std::string::npos);
  EXPECT_EQ(chat({"-p", "Hello"}).err.find("base model"), std::string::npos);
}

TEST(ChatCommand, WrongUseAndBadTemplatesAreErrors) {
  EXPECT_EQ(chat({"-p", "x", "-f", "y"}).exit_code, 2);
  EXPECT_EQ(chat({"-p", "x", "--think", "loudly"}).exit_code, 2);
  EXPECT_EQ(chat({"-p", "x", "--template", "/no/such/file"}).exit_code, 3);
  EXPECT_EQ(tern({"chat", "-m", "/no/such/model", "-p", "x"}).exit_code, 3);
  EXPECT_EQ(tern({"chat", "-m", kDemo, "-c", "16", "-p",
                  "a question that is much longer than sixteen tokens can be, by far"})
                .exit_code,
            2);
}

TEST(ChatCommand, CtrlCEndsTheAnswerAndTheProgram) {
  Call call;
  // Without its ends the model writes until a context that takes long to fill is full.
  call.arguments = {"chat",      "-m",       kDemo,          "-c",        "200000",
                    "-p",        "Hello",    "--logit-bias", "4095=-inf", "--logit-bias",
                    "4094=-inf", "--output", "jsonl"};
  call.signal = SIGINT;
  call.signal_after = 5000;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_NE(outcome.out.find("\"event\":\"stop\""), std::string::npos);
  EXPECT_TRUE(outcome.out.ends_with("}\n"));
}

TEST(ChatCommand, AReaderThatGoesAwayEndsItQuietly) {
  Call call;
  call.arguments = {"chat", "-m", kDemo, "-p", "Hello"};
  call.without_output = true;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err.find("error"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace tern::test

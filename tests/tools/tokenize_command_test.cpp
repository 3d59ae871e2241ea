#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

Outcome tokenize(std::vector<std::string> more, std::string input = {}) {
  std::vector<std::string> arguments = {"tokenize", "-m", tiny_model()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tern(arguments, std::move(input));
}

TEST(TokenizeCommand, PrintsIdsOnOneLine) {
  const Outcome outcome = tokenize({"ab"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  // BOS, then the bytes: 'a' is the 65th printable byte of the alphabet.
  EXPECT_EQ(outcome.out, "284 64 65\n");
  EXPECT_EQ(tokenize({"--no-bos", "ab"}).out, "64 65\n");
  EXPECT_EQ(tokenize({"--no-bos", ""}).out, "\n");
}

TEST(TokenizeCommand, StandardInputIsTakenByteForByte) {
  EXPECT_EQ(tokenize({}, "ab").out, "284 64 65\n");
  const std::string with_newline = tokenize({}, "ab\n").out;
  EXPECT_NE(with_newline, "284 64 65\n");
  EXPECT_EQ(tokenize({"ab\n"}).out, with_newline);
  // A text in brackets is a text.
  const Outcome brackets = tokenize({"--no-bos", "[a,b]"});
  EXPECT_EQ(brackets.exit_code, 0);
  EXPECT_EQ(tokenize({"--decode"}, brackets.out).out, "[a,b]");
}

TEST(TokenizeCommand, DecodesIdsFromArgumentsAndInput) {
  EXPECT_EQ(tokenize({"--decode", "64,65"}).out, "ab");
  EXPECT_EQ(tokenize({"--decode", "64", "65"}).out, "ab");
  EXPECT_EQ(tokenize({"--decode"}, "64 65\n64\n").out, "aba");
  EXPECT_EQ(tokenize({"--decode", "284,64"}).out, "a");
  const std::string shown = tokenize({"--decode", "--parse-special", "284,64"}).out;
  EXPECT_GT(shown.size(), 3u);
  EXPECT_EQ(shown.back(), 'a');
}

TEST(TokenizeCommand, TextSurvivesTheRoundTrip) {
  const std::string text =
      "Gr\xC3\xBC\xC3\x9F"
      "e \xF0\x9F\x99\x82\n\ttab  two spaces";
  const std::string ids = tokenize({"--no-bos"}, text).out;
  EXPECT_EQ(tokenize({"--decode"}, ids).out, text);
}

TEST(TokenizeCommand, ShowsPieces) {
  EXPECT_EQ(tokenize({"--pieces", "--no-bos", "a\""}).out, "64\t\"a\"\n1\t\"\\\"\"\n");
  const Json json = Json::parse(tokenize({"--pieces", "--output", "json", "a"}).out);
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["ids"], Json::array({284, 64}));
  EXPECT_EQ(json["pieces"][1], "a");
}

TEST(TokenizeCommand, MapsJsonLinesBothWays) {
  const Outcome there = tokenize({"--jsonl"},
                                 "{\"text\": \"ab\\n\"}\n{\"text\": \"\"}\n"
                                 "{\"text\": \"last, without a newline\"}");
  EXPECT_EQ(there.exit_code, 0) << there.err;
  std::istringstream lines(there.out);
  std::vector<Json> results;
  for (std::string line; std::getline(lines, line);) results.push_back(Json::parse(line));
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[1]["ids"], Json::array({284}));
  const Outcome back = tokenize({"--jsonl", "--decode"}, there.out);
  EXPECT_EQ(back.exit_code, 0) << back.err;
  EXPECT_EQ(back.out,
            "{\"text\":\"ab\\n\"}\n{\"text\":\"\"}\n{\"text\":\"last, without a newline\"}\n");
}

TEST(TokenizeCommand, ABadLineIsNamed) {
  for (const char* line : {"not json", "[1]", "{\"txt\": \"a\"}", "{\"text\": 3}"}) {
    const Outcome outcome = tokenize({"--jsonl"}, std::string("{\"text\": \"a\"}\n") + line);
    EXPECT_EQ(outcome.exit_code, 4) << line;
    EXPECT_NE(outcome.err.find("line 2"), std::string::npos) << outcome.err;
  }
  for (const char* line : {"{\"ids\": [9999]}", "{\"ids\": [-1]}", "{\"ids\": [1.5]}",
                           "{\"ids\": 3}", "{\"text\": \"a\"}"}) {
    EXPECT_EQ(tokenize({"--jsonl", "--decode"}, line).exit_code, 4) << line;
  }
}

TEST(TokenizeCommand, JsonIsOneObject) {
  const Json decoded = Json::parse(tokenize({"--decode", "--output", "json", "64"}).out);
  EXPECT_EQ(decoded["text"], "a");
  const Outcome verbose = tokenize({"--verbose", "a"});
  EXPECT_EQ(verbose.out, "284 64\n");
  EXPECT_NE(verbose.err.find("info: tokenizer: BPE"), std::string::npos) << verbose.err;
}

}  // namespace
}  // namespace tern::test

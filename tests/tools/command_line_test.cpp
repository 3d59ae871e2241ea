// Help, version, usage errors: what no command gets to see.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "program.h"
#include "support/contains.h"

namespace tern::test {
namespace {

const std::vector<std::string> kCommands = {"run", "inspect", "perplexity", "tokenize", "doctor"};

TEST(CommandLine, HelpGoesToStdoutAndListsCommandsAndExitCodes) {
  const Outcome help = tern({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  for (const std::string& command : kCommands) EXPECT_TRUE(contains(help.out, command)) << command;
  for (const char* code : {"Exit codes", "130 Ctrl-C", "4 corrupt", "6 not enough memory"}) {
    EXPECT_TRUE(contains(help.out, code)) << code;
  }
  EXPECT_EQ(tern({"-h"}).out, help.out);
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  for (const std::string& command : kCommands) {
    const Outcome help = tern({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_TRUE(contains(help.out, "Usage: tern " + command)) << help.out;
    EXPECT_TRUE(contains(help.out, "Examples:")) << help.out;
    EXPECT_TRUE(contains(help.out, "tern " + command)) << help.out;
  }
}

TEST(CommandLine, VersionNamesCommitCompilerAndKernelSets) {
  const Outcome version = tern({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.out.starts_with("tern ")) << version.out;
  const size_t commit = version.out.find("\ncommit: ");
  ASSERT_NE(commit, std::string::npos) << version.out;
  EXPECT_NE(version.out[commit + 9], '\n') << version.out;
  EXPECT_TRUE(contains(version.out, "compiler: ")) << version.out;
  EXPECT_TRUE(contains(version.out, "scalar")) << version.out;
}

struct Mistake {
  std::vector<std::string> arguments;
  std::string expected;  // in what is printed
};

TEST(CommandLine, MistakesExitWithTwoAndSayWhatWasMeant) {
  const std::string model = tiny_model();
  const std::vector<Mistake> mistakes = {
      {{}, "no command"},
      {{"rnu"}, "did you mean run?"},
      {{"insepct", "x"}, "did you mean inspect?"},
      {{"zzzzzz"}, "no command \"zzzzzz\""},
      {{"--versoin"}, "did you mean --version?"},
      {{"run", "--tmep", "0.5", "x"}, "did you mean --temp?"},
      {{"run", "--thread=2", "x"}, "did you mean --threads?"},
      {{"run", "-Z", "x"}, "-Z"},
      {{"run", "x", "y"}, "unexpected argument \"y\""},
      {{"run", "-t"}, "--threads needs a value"},
      {{"run", "-n", "1", "-n", "2", "x"}, "more than once"},
      {{"run", "-n", "0x10", "x"}, "not a whole number"},
      {{"run", "-n", "-2", "x"}, "--n-predict"},
      {{"run", "-n", "99999999999", "x"}, "--n-predict"},
      {{"run", "-t", "-1", "x"}, "from 0 to 1024"},
      {{"run", "--temp", "warm", "x"}, "not a number"},
      {{"run", "--temp", "nan", "x"}, "not a number"},
      {{"run", "--seed", "-5", "x"}, "--seed"},
      {{"run", "--output", "jsno", "x"}, "did you mean json?"},
      {{"run", "--kv", "f8", "x"}, "f16, f32, q8"},
      {{"run", "--act", "x", "x"}, "auto, token, group"},
      {{"run", "--ffn-act", "relu", "x"}, "did you mean relu2?"},
      {{"run", "--i2s-layout", "mips", "x"}, "x86, arm"},
      {{"run", "-p", "a", "-f", "b"}, "contradict"},
      {{"run", "-p", "a", "b"}, "contradict"},
      {{"run", "--prompt-ids", "1", "-p", "a"}, "contradict"},
      {{"run", "--prompt-ids", "1", "--no-bos"}, "contradict"},
      {{"run", "--prompt-ids", "1", "--parse-special"}, "contradict"},
      {{"run", "--keep", "3", "x"}, "--context-shift"},
      {{"run", "--logprobs", "3", "x"}, "--output json"},
      {{"run", "--logit-bias", "7", "x"}, "ID=BIAS"},
      {{"run", "-m", model, "--prompt-ids", "1,two"}, "\"two\" is not a token id"},
      {{"run", "-m", model, "--prompt-ids", "64,5000"}, "token 5000"},
      {{"run", "-m", model, "--prompt-ids", ""}, "no token"},
      {{"run", "-m", model, "--no-bos", "-p", ""}, "no token"},
      {{"run", "-m", model, "--isa", "sse9", "x"}, "sse9"},
      {{"run", "-m", model, "--top-p", "1.5", "x"}, "top_p"},
      {{"run", "-m", model, "--min-p", "-1", "x"}, "min_p"},
      {{"run", "-m", model, "--temp", "-1", "x"}, "temperature"},
      {{"run", "-m", model, "--repeat-penalty", "0", "x"}, "repeat_penalty"},
      {{"run", "-m", model, "--logit-bias", "9999=1", "x"}, "9999"},
      {{"run", "-m", model, "--stop", "", "x"}, "stop string"},
      {{"run", "-m", model, "-c", "8", std::string(100, 'x')}, "the context holds 8"},
      {{"run", "-m", model, "--context-shift", "--keep", "300", "x"}, "n_keep"},
      {{"inspect", "a", "-m", "b"}, "contradict"},
      {{"perplexity", "-m", model, "--ctx", "7", "-f", model}, "even"},
      {{"perplexity", "--ctx", "2", "-f", "x"}, "--ctx"},
      {{"perplexity", "--max-tokens", "0", "-f", "x"}, "--max-tokens"},
      {{"tokenize", "--jsonl", "text"}, "contradict"},
      {{"tokenize", "--jsonl", "--output", "json"}, "contradict"},
      {{"tokenize", "--decode", "--pieces"}, "contradict"},
      {{"tokenize", "--decode", "--no-bos"}, "contradict"},
      {{"tokenize", "-m", model, "two", "texts"}, "unexpected argument \"texts\""},
      {{"tokenize", "-m", model, "--decode", "x"}, "\"x\" is not a token id"},
      {{"tokenize", "-m", model, "--decode", "99999"}, "outside the vocabulary"},
      {{"doctor", "--isa", "sse9"}, "sse9"},
      {{"doctor", "--output", "jsonl"}, "text, json"},
  };
  for (const Mistake& mistake : mistakes) {
    const Outcome outcome = tern(mistake.arguments);
    std::string shown;
    for (const std::string& argument : mistake.arguments) shown += " " + argument;
    EXPECT_EQ(outcome.exit_code, 2) << shown << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << shown;
    EXPECT_TRUE(outcome.err.starts_with("error: ") || contains(outcome.err, "\nerror: "))
        << shown << "\n"
        << outcome.err;
    EXPECT_TRUE(contains(outcome.err, mistake.expected)) << shown << "\n" << outcome.err;
  }
}

TEST(CommandLine, MissingAndCorruptFilesHaveTheirCodes) {
  const std::string script = std::string(TERN_TEST_DATA_DIR) + "/make_tiny.py";
  for (const char* command : {"run", "inspect", "tokenize", "perplexity"}) {
    std::vector<std::string> arguments = {command, "-m", "/no/such/model.gguf"};
    if (std::string(command) == "run" || std::string(command) == "tokenize") {
      arguments.push_back("x");
    } else if (std::string(command) == "perplexity") {
      arguments.insert(arguments.end(), {"-f", script});
    }
    const Outcome missing = tern(arguments);
    EXPECT_EQ(missing.exit_code, 3) << command << missing.err;
    EXPECT_TRUE(contains(missing.err, "/no/such/model.gguf")) << missing.err;
    arguments[2] = script;
    const Outcome corrupt = tern(arguments);
    EXPECT_EQ(corrupt.exit_code, 4) << command << corrupt.err;
    EXPECT_TRUE(contains(corrupt.err, "make_tiny.py")) << corrupt.err;
    EXPECT_EQ(missing.out + corrupt.out, "");
  }
  EXPECT_EQ(tern({"run", "-m", tiny_model(), "-f", "/no/such/prompt"}).exit_code, 3);
  EXPECT_EQ(tern({"perplexity", "-m", tiny_model(), "-f", "/no/such/text"}).exit_code, 3);
}

TEST(CommandLine, ControlCharactersInMessagesAreEscaped) {
  const Outcome outcome = tern({"run", "-m", "no\x1b[31mred\n.gguf", "x"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_TRUE(contains(outcome.err, "no\\x1b[31mred\\n.gguf")) << outcome.err;
  EXPECT_FALSE(contains(outcome.err, "\x1b"));
}

}  // namespace
}  // namespace tern::test

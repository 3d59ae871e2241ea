#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

constexpr const char* kHello = R"([{"role": "user", "content": "ab<|eot_id|>"}])";

class TemplateCommand : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_.file(name);
    std::ofstream(path) << text;
    return path;
  }

  Outcome run(std::vector<std::string> more, std::string input = {}) {
    more.insert(more.begin(), "template");
    return tern(more, std::move(input));
  }

  TempDir folder_;
};

TEST_F(TemplateCommand, PrintsThePromptAndNothingElse) {
  const std::string file =
      write("t.jinja",
            "{% for m in messages %}{{ m.role ~ ': ' ~ m.content }}{% endfor %}"
            "{% if add_generation_prompt %}|{% endif %}\n");
  const Outcome outcome = run({"--file", file, "--messages", write("m.json", kHello)});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "user: ab<|eot_id|>|");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(run({"--file", file, "--messages", "-"}, kHello).out, outcome.out);
  EXPECT_EQ(run({"--file", file, "--messages", "-", "--no-generation-prompt"}, kHello).out,
            "user: ab<|eot_id|>");
}

TEST_F(TemplateCommand, GivesVariablesToolsAndSpecialTokens) {
  const std::string file =
      write("t.jinja", "{{ bos_token }}{{ eos_token }}{{ switch is false }}{{ tools | tojson }}");
  const Outcome outcome = run({"--file", file, "--messages", "-", "--bos", "B", "--eos", "E",
                               "--set", "switch=false", "--tools", write("t.json", R"([{"a":1}])")},
                              kHello);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "BETrue[{\"a\": 1}]");
}

TEST_F(TemplateCommand, TakesSpecialTokensFromTheModel) {
  const std::string file = write("t.jinja", "{{ bos_token }}");
  const Outcome outcome = run({"--file", file, "-m", tiny_model(), "--messages", "-"}, kHello);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out, "");
}

TEST_F(TemplateCommand, PrintsIdsWithoutControlTokensOfUsers) {
  const std::string trusted = write("t.jinja", "{{ messages[0].content }}");
  const Outcome outcome =
      run({"--file", trusted, "-m", tiny_model(), "--messages", "-", "--tokens"}, kHello);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  // BOS, then the bytes: none of them a control token.
  EXPECT_EQ(outcome.out, "284 64 65 27 91 68 78 83 62 72 67 91 29\n");
}

TEST_F(TemplateCommand, RefusesAModelWithoutTemplateThatFitsNoFamily) {
  const Outcome outcome = run({"-m", tiny_model("bitnet.gguf"), "--messages", "-"}, kHello);
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("no built-in one fits"), std::string::npos) << outcome.err;
}

TEST_F(TemplateCommand, ErrorsHaveTheirExitCodes) {
  const std::string file = write("t.jinja", "{{ messages[0].content }}");
  const std::string messages = write("m.json", kHello);
  const struct {
    std::vector<std::string> arguments;
    int exit_code;
    const char* message;
  } kCases[] = {
      {{"--file", file}, 2, "there are no messages"},
      {{"--file", "-", "--messages", "-"}, 2, "can be -"},
      {{"--file", file, "--messages", messages, "--set", "x"}, 2, "KEY=JSON"},
      {{"--file", file, "--messages", messages, "--set", "x=a"}, 2, "not valid JSON"},
      {{"--file", file, "--messages", messages, "--set", "x=1"}, 2, "does not read 'x'"},
      {{"--file", file, "--messages", messages, "--bos", "x"}, 2, "does not read 'bos_token'"},
      {{"--file", file, "--messages", folder_.file("none.json")}, 3, "none.json"},
      {{"--file", folder_.file("none.jinja"), "--messages", messages}, 3, "none.jinja"},
      {{"--file", file, "--messages", write("bad.json", "[")}, 4, "bad.json"},
      {{"--file", file, "--messages", write("role.json", R"([{"role": "x", "content": ""}])")},
       4,
       "messages[0].role is 'x'"},
      {{"--file", write("syntax.jinja", "a\n{% if %}"), "--messages", messages},
       4,
       "syntax.jinja: line 2, column 7"},
      {{"--file", write("run.jinja", "{{ messages[0].a.b }}"), "--messages", messages},
       4,
       "line 1, column 17: 'dict object' has no attribute 'a'"},
      {{"--file", write("raise.jinja", "{{ raise_exception('no') }}"), "--messages", messages},
       4,
       "refuses these messages: no"},
      {{"--file", write("new.jinja", "{% include 'x' %}"), "--messages", messages},
       5,
       "template not supported: the statement 'include'"},
      {{"--file",
        write("endless.jinja",
              "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}"
              "{% endfor %}"),
        "--messages", messages},
       5,
       "steps"},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = run(one.arguments);
    EXPECT_EQ(outcome.exit_code, one.exit_code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(one.message), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace tern::test

// What differs when standard error or output is a terminal.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

Outcome fail_on_terminal(std::map<std::string, std::string> variables) {
  Call call;
  call.arguments = {"run", "-m", "/no/such/file", "x"};
  call.error_is_terminal = true;
  call.variables = std::move(variables);
  return run_program(call);
}

TEST(Terminal, ErrorsHaveColourOnlyOnATerminalAndWithoutNoColor) {
  EXPECT_NE(fail_on_terminal({}).err.find("\x1b["), std::string::npos);
  EXPECT_EQ(fail_on_terminal({{"NO_COLOR", "1"}}).err.find("\x1b["), std::string::npos);
  EXPECT_EQ(fail_on_terminal({{"TERM", "dumb"}}).err.find("\x1b["), std::string::npos);
  // An empty NO_COLOR is no wish.
  EXPECT_NE(fail_on_terminal({{"NO_COLOR", ""}}).err.find("\x1b["), std::string::npos);
  EXPECT_EQ(tern({"run", "-m", "/no/such/file", "x"}).err.find('\x1b'), std::string::npos);
}

TEST(Terminal, TextOnATerminalEndsWithANewline) {
  Call call;
  call.arguments = {"run", "-m", tiny_model(), "-n", "1", "--logit-bias", "65=1000", "-p", "x"};
  call.output_is_terminal = true;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.ends_with("\r\n")) << outcome.out;  // as the terminal shows it
  call.output_is_terminal = false;
  EXPECT_FALSE(run_program(call).out.ends_with('\n'));
}

TEST(Terminal, ProgressIsShownOnATerminalAndErased) {
  const TempDir folder;
  const std::string path = folder.file("text.txt");
  std::ofstream text(path);
  for (int i = 0; i < 2000; ++i) text << "Some more words to predict, number " << i << ".\n";
  text.close();
  Call call;
  call.arguments = {"perplexity",   "-m",   tiny_model(), "-f",  path,
                    "--max-tokens", "4096", "--head",     "keep"};
  call.error_is_terminal = true;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("perplexity ["), std::string::npos) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with("\r\x1b[K")) << outcome.err;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  call.variables = {{"TERM", "dumb"}};
  EXPECT_EQ(run_program(call).err, "");
}

}  // namespace
}  // namespace tern::test

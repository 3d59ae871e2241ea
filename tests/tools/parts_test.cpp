// The small parts of the program that stand alone.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "demo_model.h"
#include "escape.h"
#include "option_parsers.h"
#include "progress.h"
#include "suggest.h"
#include "support/temp_dir.h"
#include "value_parsers.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("run", ""), 3u);
  EXPECT_EQ(edit_distance("", "run"), 3u);
  EXPECT_EQ(edit_distance("temp", "temp"), 0u);
  EXPECT_EQ(edit_distance("tmep", "temp"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'b')), 64u);
}

TEST(NearestName, TakesTheNearestThatIsNearEnough) {
  const std::vector<std::string> names = {"run", "inspect", "perplexity", "--temp", "--top-p"};
  EXPECT_EQ(nearest_name("rnu", names), "run");
  EXPECT_EQ(nearest_name("perp", names), "perplexity");
  EXPECT_EQ(nearest_name("--tmp", names), "--temp");
  EXPECT_EQ(nearest_name("--temperature", names), "--temp");
  EXPECT_EQ(nearest_name("elephant", names), std::nullopt);
  EXPECT_EQ(nearest_name("", {}), std::nullopt);
}

TEST(Escape, QuotesAndLinesOfText) {
  EXPECT_EQ(quote("say \"\\\""), "\"say \\\"\\\\\\\"\"");
  EXPECT_EQ(escape_controls_in_lines("a\x1b\n\tb\n"), "a\\x1b\n\tb\n");
}

TEST(OptionParsers, NumbersAreStrict) {
  EXPECT_EQ(parse_integer("-12"), -12);
  for (const char* bad : {"", "+1", "1.0", "0x1", "1 ", " 1", "1e3", "99999999999999999999"}) {
    EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_float("0.25"), 0.25f);
  EXPECT_EQ(parse_float("1e-3"), 1e-3f);
  EXPECT_EQ(parse_float("-inf"), -INFINITY);
  for (const char* bad : {"", "nan", "1,5", "0.5x", "1e999", " 1"}) {
    EXPECT_EQ(parse_float(bad), std::nullopt) << bad;
  }
}

TEST(OptionParsers, TokenIdsMayBeSeparatedByCommasAndBlanks) {
  const auto ids = parse_token_ids(" 1, 300,17\n5 ");
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, (std::vector<TokenId>{1, 300, 17, 5}));
  EXPECT_TRUE(parse_token_ids("")->empty());
  for (const char* bad : {"1;2", "-1", "x", "2147483648", "1.0"}) {
    EXPECT_FALSE(parse_token_ids(bad)) << bad;
  }
}

TEST(OptionParsers, LogitBias) {
  EXPECT_EQ(*parse_logit_bias("15=-2.5"), (std::pair<TokenId, float>(15, -2.5f)));
  EXPECT_EQ(parse_logit_bias("15=-inf")->second, -INFINITY);
  for (const char* bad : {"15", "=1", "15=", "-1=2", "a=1", "15=nan", "15==1"}) {
    EXPECT_FALSE(parse_logit_bias(bad)) << bad;
  }
}

TEST(Progress, LineFitsTheTerminal) {
  EXPECT_EQ(format_progress("load", 0.5, "3 of 6 MB", 80),
            "load [###############               ]  50% 3 of 6 MB");
  EXPECT_EQ(format_progress("load", 2.0, "", 80), "load [##############################] 100% ");
  EXPECT_EQ(format_progress("load", -1.0, "x", 10), "load [   ");
  EXPECT_EQ(format_progress("load", 0.0, "x", 0), "");
}

TEST(DemoModel, IsFoundAsInstalledAndInASourceTree) {
  const test::TempDir folder;
  const auto make_file = [](const fs::path& path) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  };
  const fs::path root = folder.path();
  const fs::path program = root / "usr/bin/tern";
  EXPECT_EQ(find_demo_model(program), std::nullopt);
  make_file(root / "models" / kDemoModelFile);
  EXPECT_EQ(find_demo_model(program), (root / "models" / kDemoModelFile).string());
  // The installed one is nearer.
  make_file(root / "usr/share/tern/models" / kDemoModelFile);
  EXPECT_EQ(find_demo_model(program), (root / "usr/share/tern/models" / kDemoModelFile).string());
  EXPECT_EQ(find_demo_model(""), std::nullopt);
}

}  // namespace
}  // namespace tern::tools

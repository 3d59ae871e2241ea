#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "bench_compare.h"
#include "sample_comparison.h"
#include "support/contains.h"

namespace tern::tools {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

using test::contains;

TEST(ComparisonText, IsAnAlignedTable) {
  EXPECT_EQ(to_text(test::sample_comparison(), 100),
            "A  this run\n"
            "B  llama-bench -m x.gguf -o json\n"
            "   llama-bench 8cf427ff, llama 8B TQ2_0\n"
            "2 of 5 pairs of runs by turns (interrupted), of each the median of its repetitions\n"
            "\n"
            "                                  A         B  ------- A / B -------\n"
            "test              threads  tokens/s  tokens/s  ratio   95 % interval  A is\n"
            "prefill 512             2      3005      1500  2.004  1.950 .. 2.050  faster\n"
            "decode 64 @ 1024    2 / 1     40.50     40.50  1.000  0.900 .. 1.100  "
            "no difference shown\n"
            "decode 128              2    0.5000         -      -               -  "
            "too few pairs\n"
            "suspicious: it says that it is a debug build\n"
            "note: prefill 256 of the command: not compared\n");
}

TEST(ComparisonText, OnePairIsNotSeveral) {
  Comparison comparison = test::sample_comparison();
  comparison.n_pairs_planned = 1;
  comparison.n_pairs = 1;
  comparison.interrupted = false;
  comparison.uses_means = true;
  EXPECT_TRUE(contains(to_text(comparison, 100),
                       "\n1 pair of runs by turns, of each the mean of its repetitions\n"));
}

TEST(ComparisonText, ShowsNothingOfTheCommandUnescaped) {
  Comparison comparison = test::sample_comparison();
  comparison.command = "evil \x1b[31m\n";
  comparison.model = "model \x1b]0;title\x07";
  comparison.build = "\xFF";
  comparison.suspicions = {"a\nb"};
  comparison.notes = {"c\rd"};
  for (const std::string& text : {to_text(comparison, 100), to_markdown(comparison)}) {
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n') || byte >= 0x7F;
    })) << text;
    EXPECT_FALSE(contains(text, "a\nb"));
  }
}

TEST(ComparisonMarkdown, IsATableWhateverTheNames) {
  Comparison comparison = test::sample_comparison();
  comparison.command = "a | b `c` <img>";
  const std::string text = to_markdown(comparison);
  EXPECT_TRUE(contains(text, "with ``a | b `c` <img>`` (B)")) << text;
  size_t n_rows = 0;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("|")) continue;
    ++n_rows;
    EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 8) << line;
  }
  EXPECT_EQ(n_rows, 5u);
  EXPECT_TRUE(contains(text, "- suspicious: it says that it is a debug build\n"));
}

TEST(ComparisonJson, HoldsEverythingAndNullForTheUnknown) {
  const Json json = to_json(test::sample_comparison());
  EXPECT_EQ(json["command"], "llama-bench -m x.gguf -o json");
  EXPECT_EQ(json["pairs_planned"], 5);
  EXPECT_EQ(json["pairs"], 2);
  EXPECT_EQ(json["confidence"], 0.95);
  EXPECT_EQ(json["statistic"], "median");
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_TRUE(json["cpu"].is_null());
  EXPECT_EQ(json["suspicions"].size(), 1u);
  ASSERT_EQ(json["rows"].size(), 3u);
  const Json& prefill = json["rows"][0];
  EXPECT_EQ(prefill["phase"], "prefill");
  EXPECT_EQ(prefill["n_tokens"], 512);
  EXPECT_EQ(prefill["ratio"], 2.004);
  EXPECT_EQ(prefill["low"], 1.9501);
  EXPECT_EQ(prefill["high"], 2.0499);
  EXPECT_EQ(prefill["verdict"], "faster");
  EXPECT_EQ(prefill["a"]["samples"], (std::vector<double>{3000.4, 3010.0}));
  EXPECT_EQ(prefill["b"]["median"], 1500.0);
  const Json& lonely = json["rows"][2];
  for (const char* key : {"ratio", "low", "high", "verdict"}) {
    EXPECT_TRUE(lonely[key].is_null()) << key;
  }
  EXPECT_TRUE(lonely["b"]["median"].is_null());
  EXPECT_TRUE(lonely["b"]["samples"].empty());
}

}  // namespace
}  // namespace tern::tools

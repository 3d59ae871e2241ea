#include "tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#include "tokenizer/pre_registry.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using Strings = std::vector<std::string>;

Strings words_of(const PreTokenizer& pre_tokenizer, std::string_view text, bool at_start = true) {
  Words words;
  const auto result = pre_tokenizer.split(text, at_start, words);
  EXPECT_TRUE(result) << result.error().message;
  Strings out;
  size_t begin = 0;
  for (const uint32_t end : words.ends) {
    out.emplace_back(words.text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

PreTokenizer named(const std::string& name) {
  const auto spec = find_pre_tokenizer(name);
  EXPECT_TRUE(spec) << name;
  return spec->pre_tokenizer;
}

// One expression after the other by PCRE2: a word is a match or what lies between two.
PreTokenizer by_regexes(const std::vector<std::string>& regexes) {
  std::vector<PreTokenizer::Stage> stages;
  for (const std::string& pattern : regexes) {
    auto regex = RegexSplitter::compile(pattern);
    EXPECT_TRUE(regex) << pattern << ": " << regex.error().message;
    stages.push_back(SplitStage{.pattern = *regex});
  }
  return {"regexes", std::move(stages)};
}

const std::string kGpt2 =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const std::string kContractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const std::string kLlama3 =
    kContractions +
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kQwen2 = kContractions +
                           "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                           "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kQwen35 =
    kContractions +
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// Every hundredth text has long runs, beyond the window that a regular expression is matched in.
std::string sample_text(std::mt19937& random, int i) {
  if (i % 100 != 0) return test::random_text(random, 1 + random() % 24, i % 4 == 0);
  std::string text;
  for (int run = 0; run < 4; ++run) {
    const std::string piece = test::random_text(random, 1 + random() % 2, i % 200 == 0);
    for (size_t n = random() % 1500; n > 0; --n) text += piece;
  }
  return text;
}

struct RowCase {
  const char* name;
  std::vector<std::string> regexes;
};

class RegistryRow : public testing::TestWithParam<RowCase> {};

TEST_P(RegistryRow, GivesTheWordsOfItsRegexes) {
  const PreTokenizer hand_written = named(GetParam().name);
  const PreTokenizer regexes = by_regexes(GetParam().regexes);
  const uint32_t seed = test::test_seed();
  std::mt19937 random(seed);
  for (int i = 0; i < 4000; ++i) {
    const std::string text = sample_text(random, i);
    ASSERT_EQ(words_of(hand_written, text), words_of(regexes, text))
        << "seed " << seed << ", text " << testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllRows, RegistryRow,
    testing::Values(RowCase{"llama-bpe", {kLlama3}}, RowCase{"llama3", {kLlama3}},
                    RowCase{"llama-v3", {kLlama3}}, RowCase{"falcon3", {kLlama3}},
                    RowCase{"falcon-h1", {kLlama3}}, RowCase{"qwen2", {kQwen2}},
                    RowCase{"qwen35", {kQwen35}}, RowCase{"gpt-2", {kGpt2}},
                    RowCase{"falcon", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", kGpt2, "[0-9][0-9][0-9]"}},
                    RowCase{"falcon_e", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", kGpt2, "[0-9]"}},
                    RowCase{"default",
                            {"[\\p{P}\\$\\+<=>\\^~\\|]+", kGpt2, "\\p{N}+", "[0-9][0-9][0-9]"}}),
    [](const auto& row) {
      std::string name = row.param.name;
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

TEST(Registry, TheTestCoversEveryRow) {
  std::string names;
  for (const char* name : {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "qwen2",
                           "qwen35", "falcon", "falcon_e", "gpt-2", "default"}) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  EXPECT_EQ(known_pre_tokenizers(), names);
}

TEST(Registry, Flags) {
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->ignore_merges);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->add_bos);
  EXPECT_TRUE(find_pre_tokenizer("falcon3")->ignore_merges);
  EXPECT_FALSE(find_pre_tokenizer("falcon3")->add_bos);
  EXPECT_TRUE(find_pre_tokenizer("qwen2")->nfc);
  EXPECT_FALSE(find_pre_tokenizer("qwen2")->ignore_merges);
  EXPECT_FALSE(find_pre_tokenizer("falcon_e")->doubt.empty());
  EXPECT_FALSE(find_pre_tokenizer("no-such-rule"));
}

TEST(RegexRules, HandWrittenRulesGiveTheWordsOfTheirRegexes) {
  const uint32_t seed = test::test_seed() + 1;
  std::mt19937 random(seed);
  ASSERT_EQ(regex_rules().size(), 8u);
  for (const RegexRule& row : regex_rules()) {
    const PreTokenizer hand_written("rule", {WordStage{row.rule}});
    const PreTokenizer regexes = by_regexes({std::string(row.regex)});
    for (int i = 0; i < 3000; ++i) {
      const std::string text = sample_text(random, i);
      ASSERT_EQ(words_of(hand_written, text), words_of(regexes, text))
          << "seed " << seed << ", regex " << row.regex << ", text "
          << testing::PrintToString(text);
    }
  }
}

TEST(PreTokenizer, LlamaAndGpt2ByExample) {
  EXPECT_EQ(words_of(named("llama-bpe"), "Hello  world'LL 12345!\n\n x"),
            (Strings{"Hello", " ", " world", "'LL", " ", "123", "45", "!\n\n", " x"}));
  EXPECT_EQ(words_of(named("qwen2"), "a 12"), (Strings{"a", " ", "1", "2"}));
  EXPECT_EQ(words_of(named("gpt-2"), "don't  12345 \n"),
            (Strings{"don", "'t", " ", " 12345", " \n"}));
  EXPECT_EQ(words_of(named("falcon"), "x1234`.y"), (Strings{"x", "123", "4", "`.", "y"}));
  EXPECT_EQ(words_of(named("falcon_e"), "x12"), (Strings{"x", "1", "2"}));
  EXPECT_EQ(words_of(named("default"), "a` 1234"), (Strings{"a", "`", " ", "123", "4"}));
  EXPECT_EQ(words_of(named("qwen35"), "e\xCC\x81l"), (Strings{"e\xCC\x81l"}));
  EXPECT_EQ(words_of(named("qwen2"), "e\xCC\x81l"), (Strings{"e", "\xCC\x81l"}));
}

Strings split_commas(SplitBehavior behavior, bool invert = false) {
  const PreTokenizer pre(
      "t", {SplitStage{.pattern = std::string(","), .behavior = behavior, .invert = invert}});
  return words_of(pre, ",a,,bc,");
}

TEST(PreTokenizer, SplitBehaviours) {
  EXPECT_EQ(split_commas(SplitBehavior::kIsolated), (Strings{",", "a", ",", ",", "bc", ","}));
  EXPECT_EQ(split_commas(SplitBehavior::kRemoved), (Strings{"a", "bc"}));
  EXPECT_EQ(split_commas(SplitBehavior::kRemoved, true), (Strings{",", ",", ",", ","}));
  EXPECT_EQ(split_commas(SplitBehavior::kContiguous), (Strings{",", "a", ",,", "bc", ","}));
  EXPECT_EQ(split_commas(SplitBehavior::kMergedWithPrevious), (Strings{",", "a,", ",", "bc,"}));
  EXPECT_EQ(split_commas(SplitBehavior::kMergedWithNext), (Strings{",a", ",", ",bc", ","}));
}

TEST(PreTokenizer, DigitsAndPrefixSpaces) {
  EXPECT_EQ(
      words_of(PreTokenizer("t", {SplitStage{.pattern = FindRule::kOneNumber}}), "a12\xC2\xBD"),
      (Strings{"a", "1", "2", "\xC2\xBD"}));
  EXPECT_EQ(
      words_of(PreTokenizer("t", {SplitStage{.pattern = std::string("|")}, PrefixSpaceStage{}}),
               "a| b"),
      (Strings{" a", " |", " b"}));
}

TEST(PreTokenizer, Metaspace) {
  const auto words = [](MetaspaceStage::Prepend prepend, bool split, bool at_start) {
    return words_of(PreTokenizer("t", {MetaspaceStage{prepend, split}}), "a  b", at_start);
  };
  const std::string m = "\xE2\x96\x81";
  using Prepend = MetaspaceStage::Prepend;
  EXPECT_EQ(words(Prepend::kAlways, true, false), (Strings{m + "a", m, m + "b"}));
  EXPECT_EQ(words(Prepend::kFirst, true, false), (Strings{"a", m, m + "b"}));
  EXPECT_EQ(words(Prepend::kFirst, false, true), (Strings{m + "a" + m + m + "b"}));
  EXPECT_EQ(words(Prepend::kNever, false, true), (Strings{"a" + m + m + "b"}));
  EXPECT_EQ(words_of(PreTokenizer("t", {MetaspaceStage{Prepend::kAlways, true}}), " a"),
            (Strings{m + "a"}));
}

TEST(PreTokenizer, EmptyTextHasNoWords) { EXPECT_EQ(words_of(named("llama-bpe"), ""), Strings{}); }

}  // namespace
}  // namespace tern

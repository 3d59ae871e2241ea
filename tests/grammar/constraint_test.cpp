// Grammars at the level of tokens, with the demo model's vocabulary.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "grammar/token_trie.h"
#include "json/json_value.h"
#include "matching.h"
#include "tern/grammar.h"
#include "tern/tokenizer.h"

namespace tern {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::shared_ptr<const Tokenizer> demo_tokenizer() {
  const std::string path = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";
  if (!std::filesystem::exists(path)) return nullptr;
  auto tokenizer = Tokenizer::from_path(path);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer ? std::move(tokenizer).value() : nullptr;
}

class GrammarConstraintTest : public testing::Test {
 protected:
  void SetUp() override {
    tokenizer_ = demo_tokenizer();
    if (tokenizer_ == nullptr) GTEST_SKIP() << "no demo model in " << TERN_MODELS_DIR;
  }

  std::unique_ptr<GrammarConstraint> constraint(const Result<std::shared_ptr<const Grammar>>& g) {
    EXPECT_TRUE(g) << g.error().message;
    auto created = GrammarConstraint::create(g.value(), *tokenizer_);
    EXPECT_TRUE(created) << created.error().message;
    return std::move(created).value();
  }

  /// A text drawn from random logits under the constraint; every allowed set is compared with
  /// asking for one token after the other.
  std::string draw(GrammarConstraint& constraint, uint64_t seed, bool compare_all) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0.0f, 3.0f);
    const auto n_vocab = static_cast<size_t>(tokenizer_->n_vocab());
    SamplingOptions options;
    options.temperature = 1.0f;
    options.seed = seed;
    Sampler sampler(options, tokenizer_->n_vocab());
    constraint.reset();
    std::vector<TokenId> ids;
    for (int step = 0; step < 2000; ++step) {
      std::vector<float> logits(n_vocab);
      for (float& logit : logits) logit = normal(random);
      if (compare_all && step % 16 == 0) {
        std::vector<float> masked = logits;
        constraint.forbid(masked);
        for (size_t i = 0; i < n_vocab; ++i) {
          EXPECT_EQ(constraint.allows(static_cast<TokenId>(i)), masked[i] != -kInf) << i;
        }
      }
      const TokenId id = sampler.sample(logits, ids, &constraint);
      if (id == kNoToken || tokenizer_->is_end_of_generation(id)) {
        EXPECT_TRUE(constraint.is_complete());
        break;
      }
      EXPECT_TRUE(constraint.accept(id));
      ids.push_back(id);
    }
    std::string text;
    for (const TokenId id : ids) text += tokenizer_->token_bytes(id);
    return text;
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_F(GrammarConstraintTest, WhateverIsDrawnHasTheForm) {
  const char* schema = R"({"type": "object", "properties": {
      "name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"},
      "tags": {"type": "array", "items": {"enum": ["red", "blue"]}, "maxItems": 3}},
      "required": ["name", "age"]})";
  const auto one = constraint(Grammar::from_json_schema(schema));
  std::set<std::string> texts;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const std::string text = draw(*one, seed, /*compare_all=*/seed == 0);
    const auto json = parse_json(text, "the text");
    ASSERT_TRUE(json) << text;
    ASSERT_NE(json->find_string("name"), nullptr) << text;
    ASSERT_TRUE(json->find("age") != nullptr && json->find("age")->integer()) << text;
    texts.insert(text);
  }
  EXPECT_GT(texts.size(), 25u);  // and is not always the same
}

TEST_F(GrammarConstraintTest, AnswersDoNotDependOnWhatWasLearnedBefore) {
  const auto grammar = Grammar::from_gbnf(R"(root ::= word (" " word){2,5} "."
word ::= [a-z]{1,8} | "Z" [0-9]{3})");
  const auto worn = constraint(grammar);
  for (uint64_t seed = 100; seed < 120; ++seed) draw(*worn, seed, false);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const auto fresh = constraint(grammar);
    EXPECT_EQ(draw(*worn, seed, false), draw(*fresh, seed, true));
  }
}

TEST_F(GrammarConstraintTest, CharactersOfSeveralBytesMayComeInPieces) {
  const auto one =
      constraint(Grammar::from_gbnf("root ::= [\xce\xb1-\xcf\x89\xf0\x9f\x98\x80]{3}"));
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::string text = draw(*one, seed, true);
    grammar::expect_texts(grammar::parse_gbnf("root ::= [\xce\xb1-\xcf\x89\xf0\x9f\x98\x80]{3}"),
                          {text}, {});
  }
}

TEST_F(GrammarConstraintTest, EndTokensComeWhenTheTextIsCompleteAndNotBefore) {
  const auto ends = tokenizer_->end_of_generation();
  ASSERT_FALSE(ends.empty());
  const auto one = constraint(Grammar::from_gbnf("root ::= \"a\" | \"ab\""));
  const TokenId a = tokenizer_->find_token("a").value_or(-1);
  ASSERT_GE(a, 0);
  EXPECT_FALSE(one->allows(ends.front()));
  EXPECT_TRUE(one->allows(a));
  ASSERT_TRUE(one->accept(a));
  EXPECT_TRUE(one->allows(ends.front()));
  EXPECT_FALSE(one->allows(a));
  // An ordinary token that ends texts of this caller.
  one->reset(std::vector<TokenId>{a});
  ASSERT_TRUE(one->accept(a));
  EXPECT_TRUE(one->allows(a));
}

TEST_F(GrammarConstraintTest, TooAmbiguousGrammarsAreAnError) {
  // As many places at once as there are alternatives, at the beginning and behind an a.
  std::string alternatives;
  for (int i = 0; i < 6000; ++i) alternatives += (i > 0 ? " | " : "") + std::string("\"b\" r");
  const std::string rest = "\nr ::= \"c\"";
  const auto at_once = GrammarConstraint::create(
      *Grammar::from_gbnf("root ::= " + alternatives + rest), *tokenizer_);
  ASSERT_FALSE(at_once);
  EXPECT_EQ(at_once.error().code, ErrorCode::kUnsupported);
  const auto later = constraint(Grammar::from_gbnf("root ::= \"a\" (" + alternatives + ")" + rest));
  const auto result = later->accept(tokenizer_->find_token("a").value_or(-1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
}

TEST_F(GrammarConstraintTest, EveryTextOfTheVocabularyIsInTheTrieOnce) {
  const grammar::TokenTrie trie(*tokenizer_);
  size_t n_tokens = 0;
  std::vector<char> path(trie.max_depth());
  for (size_t i = 0; i < trie.nodes().size(); ++i) {
    const auto& node = trie.nodes()[i];
    ASSERT_GT(node.end, i);
    path[node.depth - 1u] = static_cast<char>(node.byte);
    for (const TokenId id : trie.tokens_at(i)) {
      EXPECT_EQ(trie.text(id), std::string_view(path.data(), node.depth));
      EXPECT_EQ(trie.text(id), tokenizer_->token_bytes(id));
      ++n_tokens;
    }
  }
  size_t expected = 0;
  for (TokenId id = 0; id < tokenizer_->n_vocab(); ++id) {
    expected += !tokenizer_->is_control(id) && !tokenizer_->token_bytes(id).empty();
  }
  EXPECT_EQ(n_tokens, expected);
}

}  // namespace
}  // namespace tern

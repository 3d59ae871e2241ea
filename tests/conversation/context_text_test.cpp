#include "conversation/context_text.h"

#include <gtest/gtest.h>

#include "session/fake_session.h"

namespace tern::conversation {
namespace {

using jinja::Origin;

// 5 is a control token; 3 = "ab" can also be written as 1, 2.
enum : TokenId { kBos, kA, kB, kAb, kC, kEnd };

FakeTokenizer make_tokenizer() {
  FakeTokenizer tokenizer({"<s>", "a", "b", "ab", "c", "<end>"});
  tokenizer.control_ = {kBos, kEnd};
  return tokenizer;
}

jinja::Text input(std::string_view bytes) { return jinja::Text(bytes, Origin::kInput); }

ContextText context_of(const jinja::Text& text, const std::vector<TokenId>& ids) {
  return {text, token_ends(text.bytes(), ids, make_tokenizer())};
}

TEST(TokenEnds, AreFoundFromTheBack) {
  const FakeTokenizer tokenizer = make_tokenizer();
  const std::vector<TokenId> ids = {kBos, kAb, kEnd, kC};
  EXPECT_EQ(token_ends("ab<end>c", ids, tokenizer), (std::vector<size_t>{0, 2, 7, 8}));
}

TEST(TokenEnds, AreUnknownBeforeTextThatTheTokenizerChanged) {
  const FakeTokenizer tokenizer = make_tokenizer();
  const std::vector<TokenId> ids = {kBos, kA, kB, kC};
  EXPECT_EQ(token_ends("aXc", ids, tokenizer),
            (std::vector<size_t>{kUnknownEnd, kUnknownEnd, 2, 3}));
}

TEST(PlanPrompt, GoesOnBehindTokensThatAreComputed) {
  const std::vector<TokenId> computed = {kBos, kC, kAb};
  const std::vector<TokenId> ids = {kBos, kC, kAb, kC};
  const PromptPlan plan = plan_prompt(context_of(input("cab"), computed), computed, input("cabc"),
                                      ids, make_tokenizer());
  EXPECT_EQ(plan.ids, ids);
  EXPECT_EQ(plan.n_reused, 3u);
}

TEST(PlanPrompt, KeepsWhatTheModelWroteWhereTheTokenizerWouldCutDifferently) {
  // The model wrote "ab" as two tokens; its tokenizer makes one of them.
  const std::vector<TokenId> computed = {kBos, kC, kA, kB};
  const std::vector<TokenId> ids = {kBos, kC, kAb, kEnd, kC};
  const PromptPlan plan = plan_prompt(context_of(input("cab"), computed), computed,
                                      input("cab<end>c"), ids, make_tokenizer());
  EXPECT_EQ(plan.ids, (std::vector<TokenId>{kBos, kC, kA, kB, kEnd, kC}));
  EXPECT_EQ(plan.n_reused, 4u);
  EXPECT_EQ(plan.context.ends, (std::vector<size_t>{0, 1, 2, 3, 8, 9}));
  EXPECT_EQ(plan.context.text, input("cab<end>c"));
}

TEST(PlanPrompt, NeverEndsInTheMiddleOfAToken) {
  // "a" is computed, but the prompt goes on with "ab" as one token.
  const std::vector<TokenId> computed = {kBos, kC, kA};
  const std::vector<TokenId> ids = {kBos, kC, kAb};
  const PromptPlan plan =
      plan_prompt(context_of(input("ca"), computed), computed, input("cab"), ids, make_tokenizer());
  EXPECT_EQ(plan.ids, ids);
  EXPECT_EQ(plan.n_reused, 2u);
}

TEST(PlanPrompt, DoesNotTakeWordsForControlTokens) {
  // The same bytes, once written by a user and once by the template.
  const std::vector<TokenId> computed = {kBos, kC, kEnd, kA};
  jinja::Text by_template = input("c");
  by_template.append("<end>", Origin::kTemplate);
  by_template.append("a", Origin::kInput);
  const std::vector<TokenId> ids = {kBos, kC, kA, kA};  // stands for the plain spelling
  ContextText context{by_template, {0, 1, 6, 7}};
  const PromptPlan plan = plan_prompt(context, computed, input("c<end>a"), ids, make_tokenizer());
  EXPECT_EQ(plan.ids, ids);
  EXPECT_EQ(plan.n_reused, 2u);
}

TEST(PlanPrompt, ForgetsWhatComesAfterADifference) {
  const std::vector<TokenId> computed = {kBos, kC, kC, kC};
  const std::vector<TokenId> ids = {kBos, kC, kA};
  const PromptPlan plan =
      plan_prompt(context_of(input("ccc"), computed), computed, input("ca"), ids, make_tokenizer());
  EXPECT_EQ(plan.ids, ids);
  EXPECT_EQ(plan.n_reused, 2u);
}

TEST(PlanPrompt, TakesThePromptAsItIsWhereNothingIsComputed) {
  const std::vector<TokenId> ids = {kBos, kC};
  const PromptPlan plan = plan_prompt({}, {}, input("c"), ids, make_tokenizer());
  EXPECT_EQ(plan.ids, ids);
  EXPECT_EQ(plan.n_reused, 0u);
  EXPECT_EQ(plan.context.ends, (std::vector<size_t>{0, 1}));
}

}  // namespace
}  // namespace tern::conversation

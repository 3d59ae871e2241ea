#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fake_session.h"
#include "tern/session.h"

namespace tern {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// 0 BOS, 1 EOS, 2 a second end, then text; 10 and 11 are the two halves of U+00E9.
enum : TokenId { kBos, kEos, kEot, kA, kB, kHello, kSpaceWorld, kEn, kD, kNewline, kLead, kTail };

FakeTokenizer make_tokenizer() {
  FakeTokenizer tokenizer(
      {"<s>", "</s>", "<eot>", "a", "b", "hello", " world", "EN", "D", "\n", "\xC3", "\xA9"});
  tokenizer.special_.bos = kBos;
  tokenizer.special_.eos = kEos;
  tokenizer.special_.add_bos = true;
  tokenizer.end_of_generation_ = {kEos, kEot};
  tokenizer.control_ = {kBos, kEos, kEot};
  return tokenizer;
}

constexpr int kRows = 16;  // four padding rows behind the vocabulary

/// Logits that make `id` the greedy choice.
std::vector<float> favour(TokenId id) {
  std::vector<float> logits(kRows, 0.0f);
  logits[static_cast<size_t>(id)] = 10.0f;
  return logits;
}

/// The n-th token behind the prompt is script[n]; after its end, EOS.
FakeSession scripted(std::vector<TokenId> script, size_t n_prompt = 1, int n_ctx = 64) {
  return FakeSession(make_tokenizer(), kRows, n_ctx,
                     [script = std::move(script), n_prompt](std::span<const TokenId> tokens) {
                       const size_t n = tokens.size() - n_prompt;
                       return favour(n < script.size() ? script[n] : TokenId{kEos});
                     });
}

GenerateOptions greedy() {
  GenerateOptions options;
  options.sampling.temperature = 0.0f;
  return options;
}

const std::vector<TokenId> kPrompt = {kBos};

std::vector<TokenId> ids_of(const GenerateResult& result) {
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : result.tokens) ids.push_back(token.id);
  return ids;
}

/// What must hold for every result: the pieces are the text.
void expect_consistent(const GenerateResult& result) {
  std::string joined;
  for (const GeneratedToken& token : result.tokens) joined += token.text;
  EXPECT_EQ(joined, result.text);
  EXPECT_EQ(result.timings.n_generated_tokens, result.tokens.size());
}

TEST(Generate, EndsAtEveryEndOfGenerationToken) {
  for (const TokenId end : {kEos, kEot}) {
    FakeSession session = scripted({kHello, kSpaceWorld, end});
    auto result = generate(session, kPrompt, greedy());
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->text, "hello world");
    EXPECT_EQ(ids_of(*result), (std::vector<TokenId>{kHello, kSpaceWorld}));
    EXPECT_EQ(result->stop_reason, StopReason::kEndOfGeneration);
    expect_consistent(*result);
  }
}

TEST(Generate, IgnoreEosTakesTheNextBest) {
  FakeSession session(make_tokenizer(), kRows, 64, [](std::span<const TokenId>) {
    std::vector<float> logits = favour(kEos);
    logits[kEot] = 9.0f;
    logits[kB] = 5.0f;
    return logits;
  });
  GenerateOptions options = greedy();
  options.ignore_eos = true;
  options.n_predict = 3;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "bbb");
  EXPECT_EQ(result->stop_reason, StopReason::kLength);
}

TEST(Generate, PredictsAtMostAsManyAsAsked) {
  FakeSession session = scripted({kA, kB, kA, kB});
  GenerateOptions options = greedy();
  options.n_predict = 2;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "ab");
  EXPECT_EQ(result->stop_reason, StopReason::kLength);
  // The prompt and one decode step: the second token is not computed in vain.
  EXPECT_EQ(session.n_evals_, 2);
  EXPECT_EQ(session.tokens().size(), 2u);
}

TEST(Generate, PredictingNothingComputesThePrompt) {
  FakeSession session = scripted({kA});
  GenerateOptions options = greedy();
  options.n_predict = 0;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->tokens.empty());
  EXPECT_EQ(result->stop_reason, StopReason::kLength);
  EXPECT_EQ(session.tokens().size(), 1u);
  EXPECT_EQ(result->timings.n_prompt_tokens, 1u);
}

TEST(Generate, ContinuesWhatTheSessionHolds) {
  FakeSession session = scripted({kA, kB, kHello}, 2);
  ASSERT_TRUE(session.eval(std::vector<TokenId>{kBos, kD}, nullptr));
  GenerateOptions options = greedy();
  options.n_predict = 2;
  auto first = generate(session, {}, options);  // from the logits that are there
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text, "ab");
  EXPECT_EQ(session.n_evals_, 2);
  // The last token was not computed: it is the next prompt.
  auto second = generate(session, std::vector<TokenId>{kB}, options);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "hello");
  // After a cut the last token's logits are computed again.
  session.truncate(2);
  auto third = generate(session, {}, options);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->text, "ab");
}

TEST(Generate, StopStringInsideOneTokenAndAcrossTokens) {
  FakeSession across = scripted({kHello, kEn, kD, kA});
  GenerateOptions options = greedy();
  options.stop = {"END", "never"};
  std::vector<std::string> seen;
  auto result = generate(across, kPrompt, options, [&](const GeneratedToken& token) {
    seen.push_back(token.text);
    return true;
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "hello");
  EXPECT_EQ(result->stop_reason, StopReason::kStopString);
  EXPECT_EQ(result->stop_string, "END");
  EXPECT_EQ(ids_of(*result), (std::vector<TokenId>{kHello, kEn, kD}));
  EXPECT_EQ(seen, (std::vector<std::string>{"hello", "", ""}));
  expect_consistent(*result);

  FakeSession inside = scripted({kHello, kSpaceWorld, kA});
  options.stop = {"wor"};
  result = generate(inside, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "hello ");
  EXPECT_EQ(result->stop_string, "wor");
}

TEST(Generate, HeldBackTextIsGivenOutWhenItIsNoStopString) {
  FakeSession session = scripted({kEn, kA, kHello, kEn});
  GenerateOptions options = greedy();
  options.stop = {"END"};
  std::vector<std::string> seen;
  auto result = generate(session, kPrompt, options, [&](const GeneratedToken& token) {
    seen.push_back(token.text);
    return true;
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "ENahelloEN");
  EXPECT_EQ(result->stop_reason, StopReason::kEndOfGeneration);
  EXPECT_EQ(seen, (std::vector<std::string>{"", "ENa", "hello", "EN"}));
  expect_consistent(*result);
}

TEST(Generate, HalfACharacterIsNeverGivenOut) {
  FakeSession session = scripted({kLead, kTail, kA, kLead});
  std::vector<std::string> seen;
  auto result = generate(session, kPrompt, greedy(), [&](const GeneratedToken& token) {
    seen.push_back(token.text);
    return true;
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(seen, (std::vector<std::string>{"", "\xC3\xA9", "a", "\xEF\xBF\xBD"}));
  EXPECT_EQ(result->text,
            "\xC3\xA9"
            "a\xEF\xBF\xBD");
  expect_consistent(*result);
}

TEST(Generate, TheLeadingSpaceIsDroppedAtTheStartOfATextOnly) {
  FakeTokenizer tokenizer = make_tokenizer();
  tokenizer.drops_leading_space_ = true;
  const auto script = [](std::span<const TokenId> tokens) {
    return favour(tokens.back() == kSpaceWorld ? TokenId{kEos} : TokenId{kSpaceWorld});
  };
  FakeSession at_start(tokenizer, kRows, 64, script);
  auto result = generate(at_start, kPrompt, greedy());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "world");
  FakeSession behind_text(tokenizer, kRows, 64, script);
  result = generate(behind_text, std::vector<TokenId>{kBos, kHello}, greedy());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, " world");
}

TEST(Generate, StopsWhenTheContextIsFull) {
  FakeSession session = scripted({kA, kB, kA, kB, kA, kB, kA, kB}, 3, 5);
  auto result = generate(session, std::vector<TokenId>{kBos, kA, kA}, greedy());
  ASSERT_TRUE(result);
  // Positions 3 and 4 are computed; the logits of the last one give one more token.
  EXPECT_EQ(result->text, "aba");
  EXPECT_EQ(result->stop_reason, StopReason::kContext);
}

TEST(Generate, ContextShiftDropsTheOlderHalfBehindTheKeptTokens) {
  // A model that counts: the text must go on as if nothing had been dropped.
  FakeTokenizer tokenizer = make_tokenizer();
  FakeSession session(tokenizer, kRows, 8, [](std::span<const TokenId> tokens) {
    return favour(tokens.back() >= kHello ? TokenId{kA} : static_cast<TokenId>(tokens.back() + 1));
  });
  GenerateOptions options = greedy();
  options.context_shift = true;
  options.n_keep = 2;
  options.n_predict = 20;
  std::vector<std::vector<TokenId>> after_shift;
  session.before_eval_ = [&](int) {
    if (session.tokens().size() == 2) {
      after_shift.emplace_back(session.tokens().begin(), session.tokens().end());
    }
  };
  auto result = generate(session, std::vector<TokenId>{kBos, kB, kHello}, options);
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->tokens.size(), 20u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(result->tokens[i].id, kA + static_cast<TokenId>(i % 3));
  EXPECT_EQ(result->stop_reason, StopReason::kLength);
  // 8 positions, 2 kept, 3 of 6 dropped each time: 3 prompt + 5, then 3 more per shift.
  EXPECT_EQ(result->n_context_shifts, 5);
  ASSERT_FALSE(after_shift.empty());
  for (const auto& kept : after_shift) EXPECT_EQ(kept, (std::vector<TokenId>{kBos, kB}));
  EXPECT_LE(session.tokens().size(), 8u);
}

TEST(Generate, StopIdsEndTheTextAndAreNotPartOfIt) {
  FakeSession session = scripted({kA, kHello, kB});
  GenerateOptions options = greedy();
  options.stop_ids = {kHello};
  const auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stop_reason, StopReason::kEndOfGeneration);
  EXPECT_EQ(ids_of(*result), (std::vector<TokenId>{kA}));
  options.stop_ids = {kHello, kA};
  EXPECT_FALSE(generate(session, kPrompt, options)) << "not ascending";
}

TEST(Generate, AGrammarShapesTheTextAndEndsIt) {
  const auto grammar = Grammar::from_gbnf("root ::= \"b\"+ \" world\"");
  ASSERT_TRUE(grammar) << grammar.error().message;
  FakeSession session = scripted({kHello, kSpaceWorld, kHello});
  const auto constraint = GrammarConstraint::create(*grammar, session.model().tokenizer());
  ASSERT_TRUE(constraint);
  GenerateOptions options = greedy();
  options.constraint = constraint->get();
  // What the model wants comes where it may, and the likeliest of the allowed elsewhere.
  const auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "b world");
  EXPECT_EQ(result->stop_reason, StopReason::kEndOfGeneration);
  // Also where no end token is left to say so.
  FakeSession again = scripted({kHello, kSpaceWorld, kHello});
  options.ignore_eos = true;
  const auto without = generate(again, kPrompt, options);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->text, "b world");
  EXPECT_EQ(without->stop_reason, StopReason::kEndOfGeneration);
}

TEST(Generate, AGrammarThatTheVocabularyCannotWriteIsAnError) {
  const auto grammar = Grammar::from_gbnf("root ::= \"b\" \"?\"");
  ASSERT_TRUE(grammar);
  FakeSession session = scripted({kB});
  const auto constraint = GrammarConstraint::create(*grammar, session.model().tokenizer());
  ASSERT_TRUE(constraint);
  GenerateOptions options = greedy();
  options.constraint = constraint->get();
  const auto result = generate(session, kPrompt, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUsage);
  EXPECT_NE(result.error().message.find("grammar"), std::string::npos);
}

TEST(Generate, MakeRoomPutsOtherTokensInPlaceOfAFullContext) {
  // The script goes by how many tokens were generated, whatever stands before them.
  const std::vector<TokenId> script = {kA, kB, kA, kB, kHello, kD};
  size_t n_dropped = 0;
  FakeSession session(make_tokenizer(), kRows, /*n_ctx=*/6, [&](std::span<const TokenId> tokens) {
    const size_t n = tokens.size() + n_dropped - 3;
    return favour(n < script.size() ? script[n] : TokenId{kEos});
  });
  GenerateOptions options = greedy();
  std::vector<TokenId> seen;
  options.make_room = [&](std::span<const TokenId> generated) -> Result<std::vector<TokenId>> {
    if (!seen.empty()) return std::vector<TokenId>();
    seen.assign(generated.begin(), generated.end());
    n_dropped += 2;
    std::vector<TokenId> wanted = {kBos};
    wanted.insert(wanted.end(), generated.begin(), generated.end());
    return wanted;
  };
  const std::vector<TokenId> prompt = {kBos, kD, kD};
  const auto result = generate(session, prompt, options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(seen, (std::vector<TokenId>{kA, kB, kA}));
  EXPECT_EQ(ids_of(*result), script);
  EXPECT_EQ(result->text, "ababhelloD");
  EXPECT_EQ(result->n_context_shifts, 1);
  EXPECT_EQ(result->stop_reason, StopReason::kContext);
}

TEST(Generate, MakeRoomMayDecline) {
  FakeSession session = scripted({kA, kA, kA, kA, kA, kA}, 1, /*n_ctx=*/4);
  GenerateOptions options = greedy();
  options.make_room = [](std::span<const TokenId>) { return std::vector<TokenId>(); };
  const auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stop_reason, StopReason::kContext);
  EXPECT_EQ(session.tokens().size(), 4u);
  options.context_shift = true;
  EXPECT_FALSE(generate(session, kPrompt, options)) << "both ways to make room";
}

TEST(Generate, ContextShiftKeepsBosEvenWhenNotAsked) {
  FakeSession session(make_tokenizer(), kRows, 4,
                      [](std::span<const TokenId>) { return favour(kA); });
  GenerateOptions options = greedy();
  options.context_shift = true;
  options.n_predict = 50;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_GT(result->n_context_shifts, 10);
  EXPECT_EQ(session.tokens().front(), kBos);
}

TEST(Generate, InterruptDuringThePromptGivesAnEmptyText) {
  std::atomic<bool> interrupt = true;
  FakeSession session = scripted({kA});
  GenerateOptions options = greedy();
  options.interrupt = &interrupt;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stop_reason, StopReason::kInterrupted);
  EXPECT_TRUE(result->tokens.empty());
}

TEST(Generate, InterruptKeepsThePartialTextWithWhatWasHeldBack) {
  std::atomic<bool> interrupt = false;
  FakeSession session = scripted({kHello, kEn, kA});
  session.before_eval_ = [&](int n) { interrupt = n == 3; };
  GenerateOptions options = greedy();
  options.stop = {"END"};
  options.interrupt = &interrupt;
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stop_reason, StopReason::kInterrupted);
  EXPECT_EQ(result->text, "helloEN");
  expect_consistent(*result);
}

TEST(Generate, AConsumerThatStopsGetsNoMoreTokens) {
  FakeSession session = scripted({kA, kB, kA});
  int n_seen = 0;
  auto result =
      generate(session, kPrompt, greedy(), [&](const GeneratedToken&) { return ++n_seen < 2; });
  ASSERT_TRUE(result);
  EXPECT_EQ(n_seen, 2);
  EXPECT_EQ(result->text, "ab");
  EXPECT_EQ(result->stop_reason, StopReason::kInterrupted);
}

TEST(Generate, LogProbabilitiesAreThoseBeforeSamplingChanges) {
  FakeSession session = scripted({kA});
  GenerateOptions options = greedy();
  options.n_predict = 1;
  options.n_logprobs = 3;
  options.sampling.logit_bias = {{kA, -100.0f}, {kB, 1.0f}};
  auto result = generate(session, kPrompt, options);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->tokens.size(), 1u);
  const GeneratedToken& token = result->tokens[0];
  EXPECT_EQ(token.id, kB);
  // 12 tokens: one at 10, eleven at 0; the padding rows do not count.
  const double log_sum = std::log(std::exp(10.0) + 11.0);
  EXPECT_NEAR(token.logprob, -log_sum, 1e-6);
  ASSERT_EQ(token.top.size(), 3u);
  EXPECT_EQ(token.top[0].id, kA);
  EXPECT_NEAR(token.top[0].logprob, 10.0 - log_sum, 1e-6);
  EXPECT_EQ(token.top[1].id, kBos);
  EXPECT_EQ(token.top[2].id, kEos);
}

TEST(Generate, PenaltiesSeeThePromptAndTheAnswer) {
  FakeSession session(make_tokenizer(), kRows, 64, [](std::span<const TokenId>) {
    std::vector<float> logits(kRows, 0.0f);
    logits[kHello] = 3.0f;
    logits[kA] = 2.9f;
    logits[kB] = 2.8f;
    return logits;
  });
  GenerateOptions options = greedy();
  options.sampling.presence_penalty = 1.0f;
  options.n_predict = 2;
  auto result = generate(session, std::vector<TokenId>{kBos, kHello}, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->text, "ab");
}

TEST(Generate, BadCallsAreUsageErrors) {
  const auto error_of = [](const GenerateOptions& options, const std::vector<TokenId>& prompt) {
    FakeSession session = scripted({kA}, 1, 8);
    auto result = generate(session, prompt, options);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  };
  GenerateOptions options = greedy();
  EXPECT_EQ(error_of(options, {}).code, ErrorCode::kUsage);
  const Error too_long = error_of(options, std::vector<TokenId>(9, kA));
  EXPECT_EQ(too_long.code, ErrorCode::kUsage);
  EXPECT_NE(too_long.message.find("9 tokens"), std::string::npos) << too_long.message;
  EXPECT_EQ(error_of(options, {kBos, 16}).code, ErrorCode::kUsage);  // 15 is the last row
  EXPECT_EQ(error_of(options, {kBos, -1}).code, ErrorCode::kUsage);
  options.stop = {""};
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options.stop = {"\xC3"};
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options = greedy();
  options.n_predict = -2;
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options = greedy();
  options.sampling.top_p = 2.0f;
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options = greedy();
  options.sampling.logit_bias = {{12, 1.0f}};  // a padding row is no token
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options = greedy();
  options.context_shift = true;
  options.n_keep = 7;
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
  options = greedy();
  for (TokenId id = 0; id < 12; ++id) options.sampling.logit_bias.emplace_back(id, -kInf);
  EXPECT_EQ(error_of(options, kPrompt).code, ErrorCode::kUsage);
}

TEST(Generate, ErrorsOfTheModelArePassedUp) {
  FakeSession session = scripted({kA, kB, kA});
  session.fail_at_eval_ = 2;
  auto result = generate(session, kPrompt, greedy());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
}

TEST(Generate, EveryStopReasonHasItsName) {
  EXPECT_STREQ(stop_reason_name(StopReason::kEndOfGeneration), "eos");
  EXPECT_STREQ(stop_reason_name(StopReason::kLength), "length");
  EXPECT_STREQ(stop_reason_name(StopReason::kStopString), "stop");
  EXPECT_STREQ(stop_reason_name(StopReason::kContext), "context");
  EXPECT_STREQ(stop_reason_name(StopReason::kInterrupted), "interrupted");
}

}  // namespace
}  // namespace tern
